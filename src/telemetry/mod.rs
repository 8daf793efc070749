//! The names of metrics, and the events that count and log at once.
//! Not here: who emits them.

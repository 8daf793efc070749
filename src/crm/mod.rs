//! The connectors: a call becomes HTTP, an answer becomes one reply per input.
//! Not here: limits, retries, order: the machine decides.

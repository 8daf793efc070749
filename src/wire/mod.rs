//! Bytes <-> words: jobs, headers, changelog and index keys and values.
//! Not here: what follows from them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

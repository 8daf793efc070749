//! Bytes <-> words: jobs, headers, changelog and index keys and values.
//! Not here: what follows from them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod binary;
mod escape;
pub mod hash;
pub mod headers;
pub mod history;
pub mod index;
pub mod job;
pub mod moment;
pub mod outcome;
pub mod partitioner;
pub mod state;
#[cfg(test)]
mod strategies;

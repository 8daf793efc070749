//! When an operator must look: five alerts over what the process sees of itself (DESIGN §3.9), each with its cause in one
//! sentence, what it names, what happens by itself, and what to do.
//! Not here: clocks and counters (`app`), serving (`web`), the same rules for Prometheus (`deploy/prometheus`).
//!
//! One file per alert; `board` keeps what fires and since when. Whoever counts tells it of retries and writes as they
//! happen (`count_*`), and of everything else with each `look`, about once a second.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod alert;
mod board;
mod buckets;
mod dead_letters;
mod facts;
mod holds;
mod lag;
mod retries;
mod sliding;
#[cfg(test)]
mod tests;
mod words;

pub use alert::{Alert, Firing, Named};
pub use board::Board;
pub use facts::{Facts, Held, Level, Oldest, Thresholds};

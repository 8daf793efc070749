//! The log on a real Apache Kafka: every promise of the port `Log` that rests on the broker's behaviour.
//! Not here: the rules of the core; those run against the simulated log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test panics and prints on purpose"
)]

mod commits;
mod leaving;
mod ownership;
mod producing;
mod reading;
mod settling;
mod support;
mod topics;

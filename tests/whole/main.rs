//! The program as it ships, in processes of its own, against a real Apache Kafka and a pretend HubSpot: what it
//! promises holds when processes are killed, frozen, robbed of their state and fed with nonsense.
//! Not here: rules of the core one by one; those run against the simulated log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test panics and prints on purpose"
)]

mod again;
mod alone;
mod bad_input;
mod barred;
mod crashes;
mod crowd;
mod fleet;
mod held;
mod lease;
mod limits;
mod neighbours;
mod outage;
mod paused;
mod refused;
mod reload;
mod retries;
mod stage;
mod stopping;
#[expect(dead_code, unused_imports, reason = "its other half serves the tests of the log alone")]
#[path = "../kafka/support/mod.rs"]
mod support;

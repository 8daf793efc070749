//! The names of metrics, and the one place where they are counted.
//! Not here: who emits them (`app`), what they mean for alerts.

mod metrics;
mod reloads;
mod urgent;

pub use metrics::{Levels, Metrics, NAMES};

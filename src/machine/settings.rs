//! What a machine is told once: where it stands and how patient it is.
//! Not here: defaults (`config`), anything that changes while running.

use crate::machine::{Bug, Policy};
use crate::model::{Incarnation, Shard};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    pub shard: Shard,
    pub incarnation: Incarnation,
    /// How long a key that succeeded is remembered.
    pub idempotency_ttl: Duration,
    pub retry: Policy,
    /// Most calls of one connection out at once.
    pub connection_calls_max: usize,
    /// No call lives longer.
    pub call_deadline: Duration,
    /// Most heads of one connection loaded from the index.
    pub window_max: usize,
    /// Most bytes of one connection's jobs in memory; what exceeds them is released.
    pub line_bytes_max: usize,
    /// Test only.
    pub bug: Option<Bug>,
}

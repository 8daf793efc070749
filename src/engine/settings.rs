//! What an engine is told once.
//! Not here: defaults and text (`config`).

use crate::machine::{Bug, Policy};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Settings {
    /// `[kafka] topic_prefix`.
    pub prefix: String,
    pub idempotency_ttl: Duration,
    /// How long `.dlq` keeps a dead letter; as long it is remembered that the delivery died.
    pub dead_ttl: Duration,
    pub retry: Policy,
    /// `[hold] after`: failed calls in a row after which a connection is held; none: never.
    pub hold_after: Option<u32>,
    /// A commit is sealed this long after its first outcome …
    pub commit_after: Duration,
    /// … or this long, when little is going on.
    pub commit_after_idle: Duration,
    /// … or at this many settled messages …
    pub commit_outcomes: usize,
    /// … or at this many bytes.
    pub commit_bytes: usize,
    /// Whether `.outcomes` is written.
    pub outcomes: bool,
    /// Most calls out in the process.
    pub calls_max: usize,
    /// Most calls of one connection out.
    pub connection_calls_max: usize,
    /// No call lives longer.
    pub call_deadline: Duration,
    /// Most bytes of deliveries in memory, and of what calls out take; what exceeds them is released.
    pub memory_bytes: usize,
    /// What a call out takes besides its deliveries: its connection and the buffers of the HTTP client.
    pub call_bytes: usize,
    /// Most deliveries released and not read back, over all shards.
    pub on_way_max: u64,
    /// Most bytes of one shard's messages in the waiting index; beyond it no new job is read.
    pub waiting_bytes_max: u64,
    /// What has waited in one topic for longer is released again, so that its beginning can be deleted.
    pub renew_after: Duration,
    /// What has waited longer in all is dead.
    pub max_wait: Duration,
    /// Most heads of one connection loaded from the index.
    pub window_max: usize,
    /// How long calls out may go on when shards are revoked.
    pub revoke_patience: Duration,
    /// Test only.
    pub bug: Option<Bug>,
}

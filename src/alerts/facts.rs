//! What the alerts are told: thresholds once, and with each look how things stand.
//! Not here: where it comes from (`app`).

use crate::model::{Because, ConnectionId, HoldCause, Millis};
use std::collections::BTreeMap;
use std::time::Duration;

/// `[alerts]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Dead letters above this.
    pub dlq_depth: u64,
    /// Retries per job above this, 0 to 1 …
    pub retry_rate: f64,
    /// … in any window of this length.
    pub retry_window: Duration,
    /// A bucket below this part of its limit, 0 to 1 …
    pub bucket_low: f64,
    /// … for this long.
    pub bucket_low_for: Duration,
    /// An event without a CRM write, or a write, later than this.
    pub sync_lag: Duration,
}

/// How things stand at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Dead letters neither replayed nor discarded; no connection: they never were a delivery.
    pub dead: BTreeMap<Option<ConnectionId>, u64>,
    /// Buckets; those that are not low may be left out.
    pub levels: Vec<Level>,
    /// The oldest events that have no CRM write, paused ones aside; one per shard is enough.
    pub oldest: Vec<Oldest>,
    /// Connections that are held; paused ones aside.
    pub held: Vec<Held>,
}

/// What is left of one limit window of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub connection: ConnectionId,
    /// `10s`, `1d`: as in `bucket_level_ratio`.
    pub window: String,
    /// 0 to 1.
    pub level: f64,
}

/// An event that has no CRM write yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oldest {
    pub connection: ConnectionId,
    pub occurred_at: Millis,
    /// Why it waits; absent: it is in memory, about to be called.
    pub because: Option<Because>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub connection: ConnectionId,
    pub by: HoldCause,
    pub since: Millis,
    /// The next automatic action, if it is known.
    pub next: Option<Millis>,
}

//! A running instance as people and probes see it: alive, ready, and how it stands.
//! Not here: where the facts come from (`app`), how they are shown (`cli`, `web`).
//!
//! What is read back by another process is tolerant: unknown fields are passed over, names are texts.

use crate::model::TenantId;
use crate::ops::Alerts;
use crate::ports::Explained;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What `web` asks of the process it runs in. `app` implements it over the core loop's last snapshot; nothing here may
/// block or ask Kafka.
pub trait Instance: Send + Sync {
    fn alive(&self) -> Liveness;
    fn readiness(&self) -> Readiness;
    fn status(&self) -> Status;

    /// How many shards there are, as configured.
    fn shards(&self) -> u32;

    /// What of a tenant, or of one of its connections, waits and why. None: the loop did not answer, because it has
    /// ended or is about to be started anew.
    fn explain(&self, tenant: TenantId, connection: Option<Arc<str>>) -> Explaining<'_>;
    fn alerts(&self) -> Alerts;
}

/// The loop's answer that is being waited for.
pub type Explaining<'a> = Pin<Box<dyn Future<Output = Option<Explained>> + Send + 'a>>;

/// Whether the core loop turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Since the last turn of the loop.
    pub beat_age: Duration,
}

impl Liveness {
    /// The loop turns at least once a second; what has not turned for so long hangs.
    pub const BEAT_AGE_MAX: Duration = Duration::from_secs(10);

    pub fn is_alive(self) -> bool {
        self.beat_age < Self::BEAT_AGE_MAX
    }
}

/// Whether it does its work: shards assigned, restored, not draining.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    pub ready: bool,
    /// Why not; empty if it is ready.
    pub reasons: Vec<Unready>,
}

impl Readiness {
    /// Ready if nothing speaks against it.
    pub fn unless(reasons: Vec<Unready>) -> Self {
        Self { ready: reasons.is_empty(), reasons }
    }
}

/// One thing that speaks against being ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unready {
    /// `unassigned`, `restoring`, `draining` or `stopped`.
    pub reason: Cow<'static, str>,
    /// The same for people.
    pub what: String,
}

impl Unready {
    /// The log has not yet said which shards are ours. Being given none is an assignment too.
    pub fn unassigned() -> Self {
        Self::new("unassigned", "no shard was assigned yet".to_owned())
    }

    pub fn restoring(running: usize, owned: usize) -> Self {
        Self::new("restoring", format!("{running} of {owned} shards are restored"))
    }

    pub fn draining() -> Self {
        Self::new("draining", "the process is about to end".to_owned())
    }

    /// What waits fills the disk that it may fill: no new job is read.
    pub fn full(shards: usize) -> Self {
        Self::new("full", format!("{shards} shards hold as much as they may: no new job is read until something ends"))
    }

    /// The loop has ended by itself; a person must act.
    pub fn stopped(what: &str) -> Self {
        Self::new("stopped", what.to_owned())
    }

    fn new(reason: &'static str, what: String) -> Self {
        Self { reason: Cow::Borrowed(reason), what }
    }
}

/// Answer of `GET /api/v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What people paused, of the shards of this instance.
    #[serde(default)]
    pub pauses: Vec<PauseStatus>,
    /// Connections that are held, by name.
    #[serde(default)]
    pub holds: Vec<HoldStatus>,
    pub instance: InstanceFacts,
    pub readiness: Readiness,
    pub totals: Totals,
    /// The shards of this instance, lowest first.
    pub shards: Vec<ShardStatus>,
    /// Connections that something waits for, by name.
    pub connections: Vec<ConnectionStatus>,
    /// Who is configured, and whether a newer change was refused.
    #[serde(default)]
    pub tenants: TenantsStatus,
}

/// The configured tenants. Moments are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantsStatus {
    pub tenants: u64,
    pub connections: u64,
    /// When they came into force.
    pub loaded_at: String,
    /// The last change of their folder, if it is not in force.
    pub refused: Option<RefusedStatus>,
}

/// A change that is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedStatus {
    pub at: String,
    pub faults_total: u64,
    /// The first of them, each with its place, what is wrong and what to do.
    pub faults: Vec<String>,
}

impl RefusedStatus {
    pub const FAULTS_SHOWN: usize = 20;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// `[kafka] group_instance_id`.
    pub id: String,
    pub version: String,
    /// Which log: `kafka` or `embedded`.
    pub log: String,
    pub uptime_seconds: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub shards_owned: u64,
    pub shards_running: u64,
    /// Deliveries that wait in delay topics.
    pub waiting: u64,
    /// Jobs that were read and have no committed fate.
    pub unsettled: u64,
    /// Bytes of deliveries in memory.
    pub memory_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStatus {
    pub shard: u32,
    /// `restoring`, `filing`, `running` or `closing`.
    pub phase: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// `tenant/connection`.
    pub connection: String,
    /// Deliveries that wait in delay topics.
    pub waiting: u64,
}

/// A pause. Moments are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseStatus {
    /// As it is typed: `all`, `crm hubspot`, `tenant acme`, `connection acme/hubspot`.
    pub scope: String,
    pub since: String,
    pub until: Option<String>,
    pub reason: String,
    pub actor: String,
    /// The whole of it in one sentence.
    pub text: String,
}

/// A hold. Moments are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStatus {
    /// `tenant/connection`.
    pub connection: String,
    /// `outage`, `credentials`, `quota` or `unconfigured`.
    pub cause: String,
    pub since: String,
    /// Absent where only a person can end it.
    pub next_at: Option<String>,
    pub waiting: u64,
    /// The whole of it in one sentence.
    pub text: String,
}

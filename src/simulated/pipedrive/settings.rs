//! How an account of the pretend Pipedrive behaves: its limits, custom fields, lags, recording.
//! Not here: what goes wrong on purpose (`faults`).

use serde::{Deserialize, Serialize};

use crate::simulated::{
    pretend::Behaviour,
    settings::{Latency, Recording},
};

/// One account's behaviour. Every part can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub limits: Limits,
    pub latency: Latency,
    /// Names of the custom fields of persons, organizations and deals, of which leads have those of deals.
    /// A name given twice is two fields.
    pub custom_fields: Vec<String>,
    /// Of those, the one that writers file their records under.
    pub key_field: String,
    /// How long a write takes to be seen by searches, evenly spread.
    pub search_lag: Latency,
    pub seed: u64,
    /// A write with a value that contains this text is refused (400).
    pub poison: Option<String>,
    /// The property whose values the ledger lists per record, in the order applied; a value applied twice to one record
    /// is a duplicate.
    pub marker: String,
    pub recording: Recording,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            latency: Latency::default(),
            custom_fields: vec!["external_id".to_owned()],
            key_field: "external_id".to_owned(),
            search_lag: Latency { min_ms: 0.0, max_ms: 5_000.0 },
            seed: 1,
            poison: None,
            marker: "event_number".to_owned(),
            recording: Recording::default(),
        }
    }
}

impl Behaviour for Settings {
    fn latency(&self) -> Latency {
        self.latency
    }

    fn recording(&self) -> Recording {
        self.recording
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn enforces_limits(&self) -> bool {
        self.limits.enforced
    }
}

/// The limits of a plan; `None` = unlimited. Default: Lite with one seat, by API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls in any `burst_ms`, searches counted.
    pub burst: Option<u64>,
    pub burst_ms: u64,
    /// Searches in any `burst_ms`.
    pub searches: Option<u64>,
    /// Tokens of a day, which begins at each whole `day_ms` since 1970.
    pub daily: Option<u64>,
    pub day_ms: u64,
    /// Whether the headers tell of the day: real ones do not always.
    pub tells_day: bool,
    /// So many refused calls in a row, and a page of a proxy (403) answers every call for `blocked_ms`.
    pub patience: u64,
    pub blocked_ms: u64,
    /// `false`: a call over the limit is counted as such but served.
    pub enforced: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst: Some(20),
            burst_ms: 2_000,
            searches: Some(10),
            daily: Some(30_000),
            day_ms: 86_400_000,
            tells_day: true,
            patience: 20,
            blocked_ms: 60_000,
            enforced: true,
        }
    }
}

impl Limits {
    /// No limit at all: for benchmarks.
    #[must_use]
    pub fn none() -> Self {
        Self { burst: None, searches: None, daily: None, ..Self::default() }
    }
}

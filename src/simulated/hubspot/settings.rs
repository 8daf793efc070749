//! How an account of the pretend HubSpot behaves: its plan's limits, latency, search lag, properties, recording.
//! Not here: what goes wrong on purpose (`faults`).

use serde::{Deserialize, Serialize};

use crate::simulated::{
    pretend::Behaviour,
    settings::{Latency, Recording},
};

/// One account's behaviour. Every part can be changed while it runs (`Accounts::change`, `POST /_control/settings`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// HubSpot's account number, shown in some error texts.
    pub hub_id: u64,
    pub limits: Limits,
    /// Share (0..1) of the burst limit that another application of this account uses, evenly spread.
    pub other_use: f64,
    /// The access token belongs to a public OAuth app: no daily limit and no daily headers.
    pub oauth: bool,
    pub latency: Latency,
    /// How long search shows a record as it was before a write, in milliseconds (the real one: 0 to 36 s).
    pub search_lag_ms: u64,
    /// Properties with unique values on *every* object, as if the set-up had been done. `email` of contacts always
    /// is; more come by `POST /crm/v3/properties/{object}`. Applies to what is written after a change.
    pub unique_properties: Vec<String>,
    /// Properties that exist on every object; `None`: any name is accepted.
    pub known_properties: Option<Vec<String>>,
    /// With trace ids an upsert or update reports errors per input (207). `false`: only a create does, as the guide
    /// (against the specification) has it; an upsert with one bad input is then refused whole.
    pub partial_errors: bool,
    /// Results of a batch come in an order of their own.
    pub shuffle: bool,
    pub seed: u64,
    /// A batch with a property value that contains this text is refused whole (400), trace ids or not.
    pub poison: Option<String>,
    /// The property whose values the ledger lists per record, in the order applied; a value applied twice to one
    /// record is a duplicate.
    pub marker: String,
    /// Beyond this many records per account the oldest is forgotten (and counted): for demos that run for days.
    pub records_max: Option<usize>,
    pub recording: Recording,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hub_id: 44_001,
            limits: Limits::default(),
            other_use: 0.0,
            oauth: false,
            latency: Latency::default(),
            search_lag_ms: 10_000,
            unique_properties: vec!["external_id".to_owned()],
            known_properties: None,
            partial_errors: true,
            shuffle: true,
            seed: 1,
            poison: None,
            marker: "event_number".to_owned(),
            records_max: None,
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

/// The limits of a plan; `None` = unlimited. Default: a private app of the Free and Starter plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls in any `burst_ms`, rolling.
    pub burst: Option<u64>,
    pub burst_ms: u64,
    /// Calls in a day of `day_ms`, counted from midnight UTC.
    pub daily: Option<u64>,
    pub day_ms: u64,
    /// Searches in any `search_ms`, rolling, exempt from the burst limit.
    pub search: Option<u64>,
    pub search_ms: u64,
    /// `false`: a call over the limit is counted as such but served.
    pub enforced: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst: Some(100),
            burst_ms: 10_000,
            daily: Some(250_000),
            day_ms: 86_400_000,
            search: Some(5),
            search_ms: 1_000,
            enforced: true,
        }
    }
}

impl Limits {
    /// No limit at all: for benchmarks.
    #[must_use]
    pub fn none() -> Self {
        Self { burst: None, daily: None, search: None, ..Self::default() }
    }
}

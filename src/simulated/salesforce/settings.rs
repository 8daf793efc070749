//! How an org of the pretend Salesforce behaves: its limits, fields, latency, recording.
//! Not here: what goes wrong on purpose (`faults`).

use serde::{Deserialize, Serialize};

use crate::simulated::{
    pretend::Behaviour,
    settings::{Latency, Recording},
};

/// One org's behaviour. Every part can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub limits: Limits,
    pub latency: Latency,
    /// Fields of every object that are marked External ID.
    pub external_id_fields: Vec<String>,
    /// Whether they are also marked Unique. If not, several records may have one value.
    pub unique: bool,
    /// Whether case counts in them and in other unique fields.
    pub case_sensitive: bool,
    /// Further fields of every object whose values are unique.
    pub unique_fields: Vec<String>,
    /// Fields that exist on every object; `None`: any name is accepted.
    pub known_fields: Option<Vec<String>>,
    /// New records of standard objects need the fields that Salesforce requires.
    pub required_fields: bool,
    pub seed: u64,
    /// A collection with a value that contains this text is refused whole (400).
    pub poison: Option<String>,
    /// The field whose values the ledger lists per record, in the order applied; a value applied twice to one record
    /// is a duplicate.
    pub marker: String,
    pub recording: Recording,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            latency: Latency::default(),
            external_id_fields: vec!["External_Id__c".to_owned()],
            unique: true,
            case_sensitive: false,
            unique_fields: Vec::new(),
            known_fields: None,
            required_fields: true,
            seed: 1,
            poison: None,
            marker: "Event_Number__c".to_owned(),
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

/// The limits of an edition; `None` = unlimited. Default: Developer Edition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls in any `day_ms`, rolling.
    pub daily: Option<u64>,
    pub day_ms: u64,
    /// Calls served beyond `daily` before any is refused: the limit is soft.
    pub overage: u64,
    /// Calls that run for `long_ms` or more at once; while there are as many, no further call is let in.
    pub concurrent: Option<u64>,
    pub long_ms: u64,
    /// `false`: a call over the limit is counted as such but served.
    pub enforced: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            daily: Some(15_000),
            day_ms: 86_400_000,
            overage: 0,
            concurrent: Some(5),
            long_ms: 20_000,
            enforced: true,
        }
    }
}

impl Limits {
    /// No limit at all: for benchmarks.
    #[must_use]
    pub fn none() -> Self {
        Self { daily: None, concurrent: None, ..Self::default() }
    }
}

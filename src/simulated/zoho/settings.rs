//! How an organisation of the pretend Zoho behaves: its limits, fields, latency, recording.
//! Not here: what goes wrong on purpose (`faults`).

use serde::{Deserialize, Serialize};

use crate::simulated::{
    grants::TokenRules,
    pretend::Behaviour,
    settings::{Latency, Recording},
};

/// One organisation's behaviour. Every part can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub limits: Limits,
    pub latency: Latency,
    /// Fields of every module that are unique and external (for the whole organisation).
    pub external_fields: Vec<String>,
    /// Further fields of every module that do not allow duplicate values.
    pub unique_fields: Vec<String>,
    /// Whether case counts in both.
    pub case_sensitive: bool,
    /// Modules beside Leads, Contacts, Accounts and Deals.
    pub custom_modules: Vec<String>,
    /// New records of the standard modules need the fields that Zoho requires.
    pub mandatory_fields: bool,
    /// The status of an answer in which some rows succeeded and some failed: 200, 202 or 207.
    pub mixed_status: u16,
    /// The status of an answer in which all rows failed: 400, or 202 as in older versions.
    pub failed_status: u16,
    pub tokens: TokenRules,
    pub seed: u64,
    /// A call with a value that contains this text is refused whole (400).
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
            external_fields: vec!["External_ID".to_owned()],
            unique_fields: Vec::new(),
            case_sensitive: true,
            custom_modules: Vec::new(),
            mandatory_fields: true,
            mixed_status: 200,
            failed_status: 400,
            tokens: TokenRules::default(),
            seed: 1,
            poison: None,
            marker: "Event_Number".to_owned(),
            recording: Recording::default(),
        }
    }
}

impl Settings {
    pub(super) fn is_unique(&self, field: &str) -> bool {
        self.unique().any(|it| it == field)
    }

    /// All fields without duplicate values.
    pub(super) fn unique(&self) -> impl Iterator<Item = &String> {
        self.external_fields.iter().chain(&self.unique_fields)
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

/// The limits of an edition; `None` = unlimited. Default: Free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Credits in any `day_ms`, rolling.
    pub credits: Option<u64>,
    pub day_ms: u64,
    /// What is left is told once so many percent are used.
    pub told_from_percent: u64,
    /// Calls at once.
    pub concurrent: Option<u64>,
    /// Of them, calls that write more than 10 records.
    pub heavy: Option<u64>,
    /// `false`: a call over the limit is counted as such but served.
    pub enforced: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            credits: Some(5_000),
            day_ms: 86_400_000,
            told_from_percent: 50,
            concurrent: Some(5),
            heavy: Some(10),
            enforced: true,
        }
    }
}

impl Limits {
    /// No limit at all: for benchmarks.
    #[must_use]
    pub fn none() -> Self {
        Self { credits: None, concurrent: None, heavy: None, ..Self::default() }
    }
}

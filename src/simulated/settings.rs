//! What can be set of any pretend account: latency, and how much its ledger keeps.
//! Not here: a CRM's limits and rules.

use serde::{Deserialize, Serialize};

/// How long a call takes, half of it before it is applied and half after, in milliseconds; evenly spread.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    pub min_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    #[must_use]
    pub fn fixed(ms: f64) -> Self {
        Self { min_ms: ms, max_ms: ms }
    }
}

/// How much the ledger keeps. Counters are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Keep a row per record: effects, duplicates, final properties.
    pub records: bool,
    /// Effects kept per record, the latest.
    pub effects: usize,
    /// Attempts kept per record, the latest.
    pub attempts: usize,
    /// Calls kept per account, the latest.
    pub calls: usize,
}

impl Default for Recording {
    fn default() -> Self {
        Self { records: true, effects: 256, attempts: 64, calls: 20_000 }
    }
}

impl Recording {
    /// Everything, without a bound: for tests.
    #[must_use]
    pub fn full() -> Self {
        Self { records: true, effects: usize::MAX, attempts: usize::MAX, calls: usize::MAX }
    }

    /// Counters only: for benchmarks. Duplicates are not seen then.
    #[must_use]
    pub fn off() -> Self {
        Self { records: false, effects: 0, attempts: 0, calls: 0 }
    }
}

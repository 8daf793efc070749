//! The five alerts by name, and one that fires.
//! Not here: when one fires.

use crate::model::Millis;
use std::fmt;

/// In the order in which people are shown them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    DeadLetterDepth,
    RetryRate,
    BucketLow,
    SyncLag,
    ConnectionHeld,
}

impl Alert {
    pub const ALL: [Self; 5] =
        [Self::DeadLetterDepth, Self::RetryRate, Self::BucketLow, Self::SyncLag, Self::ConnectionHeld];

    /// As metrics, rules for Prometheus and the runbook call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeadLetterDepth => "DeadLetterDepth",
            Self::RetryRate => "RetryRate",
            Self::BucketLow => "BucketLow",
            Self::SyncLag => "SyncLag",
            Self::ConnectionHeld => "ConnectionHeld",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

/// An alert that fires: everything in sentences for somebody who was just woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    pub since: Millis,
    /// One sentence.
    pub cause: String,
    /// What it is about, worst first, at most `NAMED_MAX`.
    pub named: Vec<Named>,
    /// How many more there are.
    pub unnamed: usize,
    /// What happens by itself.
    pub next: String,
    /// What a person does.
    pub todo: String,
}

/// One thing that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `tenant/connection`, or what else it is.
    pub who: String,
    pub what: String,
}

/// Names in one alert: a list that nobody reads to its end helps nobody.
pub(super) const NAMED_MAX: usize = 20;

/// What an alert's rule found; `since` is the board's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub cause: String,
    pub named: Vec<Named>,
    pub next: String,
    pub todo: &'static str,
}

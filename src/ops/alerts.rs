//! The alerts of a running instance as they are served.
//! Not here: when one fires (`alerts`).

use serde::{Deserialize, Serialize};

/// Answer of `GET /api/v1/alerts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// What an operator must look at, in the order of the runbook.
    pub firing: Vec<AlertStatus>,
    /// Names of those that do not fire.
    pub quiet: Vec<String>,
}

/// One that fires. All but the names are sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStatus {
    pub alert: String,
    /// RFC 3339; since when this process has seen it.
    pub since: String,
    pub cause: String,
    /// Worst first, at most 20.
    pub about: Vec<AboutStatus>,
    /// How many more it is about.
    pub more: u64,
    /// What happens by itself.
    pub next: String,
    /// What a person does.
    pub todo: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutStatus {
    /// `tenant/connection`, or what else it is.
    pub who: String,
    pub what: String,
}

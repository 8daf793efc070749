//! A pretend HubSpot in a process of its own, steered and questioned over HTTP.
//! Not here: how it behaves.

use super::http::{get, post};
use super::process::program;
use serde_json::{Value, json};
use sluicegate::simulated::hubspot::{AccountLedger, RecordLedger, Recording, Script, Settings, Summary, Totals};
use sluicegate::simulated::hubspot::{FaultRule, Latency, Limits};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// Ended when dropped.
pub(crate) struct Hubspot {
    child: Child,
    pub(crate) url: String,
}

/// No limits, everything recorded, a little latency.
fn settings() -> Settings {
    Settings {
        limits: Limits::none(),
        latency: Latency { min_ms: 4.0, max_ms: 20.0 },
        recording: Recording::full(),
        ..Settings::default()
    }
}

impl Hubspot {
    pub(crate) fn start() -> Self {
        let mut child = program()
            .args(["pretend-hubspot", "--listen", "127.0.0.1:0", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let hubspot = Self { child, url: url.trim().to_owned() };
        hubspot.command("rules", &json!({ "prefix": "", "settings": settings() }));
        hubspot
    }

    /// Changes settings of all accounts, those yet to open included.
    pub(crate) fn change(&self, change: &Value) {
        self.command("settings", &json!({ "change": change }));
    }

    /// Faults for all accounts, instead of those before.
    pub(crate) fn faults(&self, rules: &[FaultRule]) {
        self.command("faults", &json!({ "rules": rules }));
    }

    /// Opens the account of this access token before its first call, so that it can be given faults of its own.
    pub(crate) fn open(&self, token: &str) {
        self.command("accounts", &json!({ "account": token, "settings": settings() }));
    }

    /// Faults of an open account, instead of those it had.
    pub(crate) fn faults_of(&self, token: &str, rules: &[FaultRule]) {
        self.command("faults", &json!({ "account": token, "rules": rules }));
    }

    pub(crate) fn scripts(&self, scripts: &[Script]) {
        for some in scripts.chunks(1_000) {
            self.command("scripts", &json!({ "scripts": some }));
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        self.question("summary").unwrap()
    }

    /// Calls that arrived so far, at all accounts.
    pub(crate) fn calls(&self) -> u64 {
        self.summary().totals.calls
    }

    pub(crate) fn ledger(&self, token: &str) -> AccountLedger {
        self.question(&format!("ledger?account={token}")).unwrap()
    }

    /// Counters of one account that is open.
    pub(crate) fn totals(&self, token: &str) -> Totals {
        self.question(&format!("totals?account={token}")).unwrap()
    }

    /// Nothing if the record was never named.
    pub(crate) fn record(&self, token: &str, external_id: &str) -> Option<RecordLedger> {
        self.question(&format!("record?account={token}&object=contacts&external_id={external_id}"))
    }

    fn question<T: serde::de::DeserializeOwned>(&self, question: &str) -> Option<T> {
        let body = get(&format!("{}/_control/{question}", self.url)).ok()?;
        Some(serde_json::from_str(&body).unwrap())
    }

    fn command(&self, name: &str, body: &Value) {
        post(&format!("{}/_control/{name}", self.url), body);
    }
}

impl Drop for Hubspot {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

//! The pretend HubSpot in a process of its own, without limits and without a memory of single effects.
//! Not here: how it behaves (`sluicegate::simulated`).

use crate::process::{Process, program};
use crate::scene::token;
use reqwest::Client;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sluicegate::simulated::hubspot::{AccountLedger, FaultRule, Script, Summary, Totals};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) struct Crm {
    /// Only held: it ends with this.
    _process: Process,
    pub(crate) url: String,
    runtime: Runtime,
    client: Client,
}

impl Crm {
    pub(crate) fn start(latency: Duration) -> Self {
        let mut child = program()
            .args(["pretend-hubspot", "--quiet", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let crm = Self { _process: Process(child), url: line.trim().to_owned(), runtime, client };
        crm.behave(latency);
        crm
    }

    pub(crate) fn behave(&self, latency: Duration) {
        let ms = latency.as_millis();
        let settings = json!({
            "limits": {"burst": null, "daily": null, "search": null},
            "latency": {"min_ms": ms, "max_ms": ms},
            "recording": {"records": false, "effects": 0, "attempts": 0, "calls": 0},
            "records_max": 10_000,
        });
        self.command("rules", &json!({"prefix": "", "settings": settings}));
        self.command("settings", &json!({"change": settings}));
    }

    /// Opens the account of a tenant before its first call, empty, with these changes of the settings.
    pub(crate) fn open(&self, tenant: u64, change: &Value) {
        let account = token(tenant);
        self.command("accounts", &json!({"account": account}));
        self.command("settings", &json!({"account": account, "change": change}));
    }

    /// Faults of an open account, or of all, instead of those it had.
    pub(crate) fn faults(&self, tenant: Option<u64>, rules: &[FaultRule]) {
        self.command("faults", &json!({"account": tenant.map(token), "rules": rules}));
    }

    pub(crate) fn scripts(&self, scripts: &[Script]) {
        for some in scripts.chunks(1_000) {
            self.command("scripts", &json!({"scripts": some}));
        }
    }

    pub(crate) fn totals(&self, tenant: u64) -> Totals {
        self.question(&format!("totals?account={}", token(tenant)))
    }

    pub(crate) fn summary(&self) -> Summary {
        self.question("summary")
    }

    pub(crate) fn ledger(&self, tenant: u64) -> AccountLedger {
        self.question(&format!("ledger?account={}", token(tenant)))
    }

    fn question<T: DeserializeOwned>(&self, question: &str) -> T {
        let url = format!("{}/_control/{question}", self.url);
        self.runtime.block_on(async { self.client.get(url).send().await.unwrap().json().await.unwrap() })
    }

    /// Forgets all records and counts.
    pub(crate) fn reset(&self) {
        self.command("reset", &json!({}));
    }

    /// Calls and inputs that it has carried out.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let totals = self.summary().totals;
        (totals.calls, totals.inputs)
    }

    fn command(&self, name: &str, body: &Value) {
        let url = format!("{}/_control/{name}", self.url);
        let status = self.runtime.block_on(async { self.client.post(url).json(body).send().await.unwrap().status() });
        assert!(status.is_success() || status == 404, "{name}: {status}");
    }
}

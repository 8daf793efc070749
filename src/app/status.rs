//! `sluicegate status` and `explain`: ask a running instance how it stands, and why something waits.
//! Not here: what it answers.

use crate::app::run::{settings, told};
use crate::cli::Exit;
use crate::cli::args::{Explain, Global, Status as Args};
use crate::cli::output::{Output, Shown, Table, ended};
use crate::config::Settings;
use crate::credentials;
use crate::ops::{AskFault, Status, explanation, instance_url, status as ask};
use secrecy::SecretString;

pub(super) fn status(global: &Global, args: &Args, output: &mut Output) -> Exit {
    let asked = settings(global)
        .and_then(|settings| with_instance(&settings, args.url.as_deref(), async |url, token| ask(url, token).await));
    asked.map_or_else(|exit| exit, |it| ended(output.show(&it), Exit::Ok))
}

pub(super) fn explain(global: &Global, args: &Explain, output: &mut Output) -> Exit {
    let asked = settings(global).and_then(|settings| {
        let about = args.about.as_str();
        with_instance(&settings, args.url.as_deref(), async |url, token| explanation(url, about, token).await)
    });
    match asked {
        Ok(it) if it.missing.is_empty() => ended(output.show(&it), Exit::Ok),
        Ok(it) => ended(output.show(&it), Exit::Partial),
        Err(exit) => exit,
    }
}

/// Asks the instance at `url`, or the one that the configuration describes.
pub(super) fn with_instance<T>(
    settings: &Settings,
    url: Option<&str>,
    ask: impl AsyncFnOnce(&str, Option<&SecretString>) -> Result<T, AskFault>,
) -> Result<T, Exit> {
    let url = url.map_or_else(|| instance_url(settings.http.listen), str::to_owned);
    let token = settings.http.bearer_token.as_ref().map(credentials::resolve_token).transpose();
    let token = token.map_err(|fault| told(Exit::BadConfiguration, format!("http.bearer_token: {fault}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| told(Exit::Failure, error))?;
    runtime.block_on(ask(&url, token.as_ref())).map_err(|fault| told(exit_of(&fault), fault))
}

fn exit_of(fault: &AskFault) -> Exit {
    match fault {
        AskFault::Url { .. } => Exit::Usage,
        AskFault::Unreachable { .. }
        | AskFault::Unauthorized { .. }
        | AskFault::Refused { .. }
        | AskFault::Strange { .. } => Exit::Failure,
    }
}

impl Shown for Status {
    fn tables(&self) -> Vec<Table> {
        let mut shut = Table::new(["not called", "in words"]);
        for it in &self.pauses {
            shut.row([it.scope.clone(), it.text.clone()]);
        }
        for it in &self.holds {
            shut.row([it.connection.clone(), it.text.clone()]);
        }
        let shut = (!shut.rows.is_empty()).then_some(shut);
        let refused = self.tenants.refused.as_ref().map(|it| {
            let mut refused = Table::new(["tenants refused", "why they stay as they were"]);
            it.faults.iter().for_each(|fault| refused.row([it.at.clone(), fault.clone()]));
            refused
        });
        let mut facts = Table::new(["instance", "version", "log", "up", "ready"]);
        let reasons: Vec<&str> = self.readiness.reasons.iter().map(|it| it.what.as_str()).collect();
        let ready = if self.readiness.ready { "yes".to_owned() } else { format!("no: {}", reasons.join(", ")) };
        facts.row([
            self.instance.id.clone(),
            self.instance.version.clone(),
            self.instance.log.clone(),
            format!("{} s", self.instance.uptime_seconds),
            ready,
        ]);
        let mut tenants = Table::new(["tenants", "connections", "in force since"]);
        tenants.row([
            self.tenants.tenants.to_string(),
            self.tenants.connections.to_string(),
            self.tenants.loaded_at.clone(),
        ]);
        let mut totals = Table::new(["shards", "running", "waiting", "unsettled", "memory"]);
        totals.row([
            self.totals.shards_owned.to_string(),
            self.totals.shards_running.to_string(),
            self.totals.waiting.to_string(),
            self.totals.unsettled.to_string(),
            format!("{} KiB", self.totals.memory_bytes / 1024),
        ]);
        let mut waiting = Table::new(["connection", "waiting"]);
        for it in &self.connections {
            waiting.row([it.connection.clone(), it.waiting.to_string()]);
        }
        let waiting = (!self.connections.is_empty()).then_some(waiting);
        shut.into_iter().chain(refused).chain([facts, tenants, totals]).chain(waiting).collect()
    }
}

//! `sluicegate status`: asks a running instance how it stands.
//! Not here: what it answers.

use crate::app::run::{settings, told};
use crate::cli::Exit;
use crate::cli::args::{Global, Status as Args};
use crate::cli::output::{Output, Shown, Table, ended};
use crate::credentials;
use crate::ops::{AskFault, Status, instance_url, status as ask};

pub(super) fn status(global: &Global, args: &Args, output: &mut Output) -> Exit {
    match settings(global).and_then(|settings| {
        let url = args.url.clone().unwrap_or_else(|| instance_url(settings.http.listen));
        let token = settings.http.bearer_token.as_ref().map(credentials::resolve_token).transpose();
        let token = token.map_err(|fault| told(Exit::BadConfiguration, format!("http.bearer_token: {fault}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| told(Exit::Failure, error))?;
        runtime.block_on(ask(&url, token.as_ref())).map_err(|fault| told(exit_of(&fault), fault))
    }) {
        Ok(status) => ended(output.show(&status), Exit::Ok),
        Err(exit) => exit,
    }
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
        [facts, totals].into_iter().chain(waiting).collect()
    }
}

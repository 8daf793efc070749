//! `sluicegate check`: is the configuration sound, and is every secret there?
//! Not here: finding the faults (`config`, `credentials`); asking Kafka or a CRM.

use crate::cli::Exit;
use crate::cli::args::Global;
use crate::cli::environment::Environment;
use crate::cli::load::{Loaded, load};
use crate::cli::output::{Output, Shown, Table, complain, ended};
use crate::config::{PropertyValue, SecretSource, Settings};
use crate::credentials::{Fault, resolve, resolve_token};
use serde::Serialize;
use std::collections::BTreeMap;

/// Prints every fault to stderr, or a summary to stdout.
pub fn check(global: &Global, output: &mut Output) -> Exit {
    let environment = match Environment::new(global) {
        Ok(environment) => environment,
        Err(what) => {
            complain(what);
            return Exit::Usage;
        }
    };
    let loaded = match load(global.config.as_deref(), &environment) {
        Ok(loaded) => loaded,
        Err(fault) => {
            complain(fault);
            return Exit::BadConfiguration;
        }
    };
    let missing = missing_secrets(&loaded.settings);
    for what in &missing {
        complain(what);
    }
    if missing.is_empty() { ended(output.show(&summary(&loaded)), Exit::Ok) } else { Exit::BadConfiguration }
}

/// One line per secret that cannot be had.
pub fn missing_secrets(settings: &Settings) -> Vec<String> {
    let mut missing = Vec::new();
    let mut note = |what: &str, found: Result<(), Fault>| {
        if let Err(fault) = found {
            missing.push(format!("{what}: {fault}"));
        }
    };
    for (key, value) in &settings.kafka.properties {
        if let PropertyValue::From(source) = value {
            note(&format!("kafka.properties.{key}"), resolve(source).map(drop));
        }
    }
    let token = |source: &SecretSource| resolve_token(source).map(drop);
    if let Some(source) = &settings.http.bearer_token {
        note("http.bearer_token", token(source));
    }
    for it in settings.all_connections() {
        note(&format!("access_token of {}", it.connection.id), token(&it.access_token));
    }
    missing
}

/// What `check` tells of a sound configuration; nothing of it is secret.
#[derive(Debug, Serialize)]
struct Summary {
    files: Vec<String>,
    log: &'static str,
    /// Kafka's addresses, or the folder of the embedded log.
    place: String,
    topic_prefix: String,
    group_id: String,
    group_instance_id: String,
    /// What will be read for jobs.
    reads: String,
    partitions: u32,
    kafka_properties: Vec<String>,
    state_dir: String,
    listen: String,
    tenants: usize,
    connections: usize,
    connections_by_crm: BTreeMap<&'static str, usize>,
}

fn summary(loaded: &Loaded) -> Summary {
    let Loaded { settings, files, main: _ } = loaded;
    let mut by_crm = BTreeMap::new();
    for it in settings.all_connections() {
        *by_crm.entry(it.connection.crm.name()).or_default() += 1;
    }
    let kafka = &settings.kafka;
    let place = match settings.log.kind {
        crate::config::LogKind::Kafka => kafka.bootstrap_servers.clone(),
        crate::config::LogKind::Embedded => settings.log.dir.display().to_string(),
    };
    Summary {
        files: files.iter().map(|it| it.display().to_string()).collect(),
        log: settings.log.kind.name(),
        place,
        topic_prefix: kafka.topic_prefix.clone(),
        group_id: kafka.group_id.clone(),
        group_instance_id: kafka.group_instance_id.clone(),
        reads: format!("{}.jobs", kafka.topic_prefix),
        partitions: kafka.partitions,
        kafka_properties: kafka.properties.keys().cloned().collect(),
        state_dir: settings.state.dir.display().to_string(),
        listen: settings.http.listen.to_string(),
        tenants: settings.tenants.len(),
        connections: settings.all_connections().count(),
        connections_by_crm: by_crm,
    }
}

impl Shown for Summary {
    fn tables(&self) -> Vec<Table> {
        let files = match self.files.as_slice() {
            [] => "none; everything is default".to_owned(),
            [one] => one.clone(),
            [first, others @ ..] => format!("{first} and {} files of tenants", others.len()),
        };
        let by_crm: Vec<String> = self.connections_by_crm.iter().map(|(crm, count)| format!("{count} {crm}")).collect();
        let connections = if by_crm.is_empty() { "0".to_owned() } else { by_crm.join(", ") };
        let mut table = Table::new(["setting", "value"]);
        table.row(["configuration".to_owned(), files]);
        table.row(["log".to_owned(), format!("{} at {}", self.log, self.place)]);
        table.row(["reads".to_owned(), format!("{}, {} partitions", self.reads, self.partitions)]);
        table.row(["group".to_owned(), format!("{}, as {}", self.group_id, self.group_instance_id)]);
        table.row(["state".to_owned(), self.state_dir.clone()]);
        table.row(["http".to_owned(), self.listen.clone()]);
        table.row(["tenants".to_owned(), self.tenants.to_string()]);
        table.row(["connections".to_owned(), connections]);
        vec![table]
    }
}

#[cfg(test)]
mod tests;

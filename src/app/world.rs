//! The adapters that the settings ask for: which log, which store, which connectors, and how jobs get in.
//! Not here: what they do.

use crate::app::clock::Clock;
use crate::app::inbox::Events;
use crate::config::{self, PropertyValue};
use crate::credentials;
use crate::crm::{Access, Accesses, Http, HttpCrms, HttpLimits};
use crate::embedded::{self, EmbeddedLog};
use crate::kafka::KafkaSettings;
use crate::ports::Event;
use crate::wire;
use anyhow::{Context, Result, anyhow};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// `.applied` outlives the memory of a key by this.
const APPLIED_MARGIN: Duration = Duration::from_secs(24 * 3600);

/// What Kafka's clients are told, passwords read.
///
/// # Errors
/// When a secret cannot be read.
pub(super) fn kafka_settings(settings: &config::Settings) -> Result<KafkaSettings> {
    let mut properties = BTreeMap::new();
    for (name, value) in &settings.kafka.properties {
        let value = match value {
            PropertyValue::Literal(text) => text.clone(),
            PropertyValue::From(source) => {
                let secret = credentials::resolve(source).with_context(|| format!("kafka.properties.{name}"))?;
                secret.expose_secret().to_owned()
            }
        };
        properties.insert(name.clone(), value);
    }
    Ok(KafkaSettings {
        bootstrap_servers: settings.kafka.bootstrap_servers.clone(),
        topic_prefix: settings.kafka.topic_prefix.clone(),
        group_id: settings.kafka.group_id.clone(),
        group_instance_id: settings.kafka.group_instance_id.clone(),
        partitions: settings.kafka.partitions,
        replication_factor: settings.kafka.replication_factor,
        outcomes: true,
        idempotency_ttl: settings.state.idempotency_ttl,
        properties,
    })
}

/// How the embedded log is opened.
pub(super) fn embedded_settings(settings: &config::Settings) -> embedded::Settings {
    let applied = settings.state.idempotency_ttl + APPLIED_MARGIN;
    embedded::Settings {
        dir: settings.log.dir.clone(),
        shards: settings.kafka.partitions,
        partitioner: wire::partitioner::partition,
        retention: embedded::Retention { applied, ..embedded::Retention::default() },
    }
}

/// Opens the embedded log.
///
/// # Errors
/// When the folder is in use, damaged or was made with another number of shards.
pub(super) fn embedded_log(settings: &config::Settings, events: &Events) -> Result<(EmbeddedLog, embedded::Producer)> {
    Ok(EmbeddedLog::start(&embedded_settings(settings), sink(events))?)
}

/// Where an adapter sends its events.
pub(super) fn sink(events: &Events) -> Arc<dyn Fn(Event) + Send + Sync> {
    let events = events.clone();
    Arc::new(move |event| events.send(event))
}

/// The connectors with every access token read.
///
/// # Errors
/// When a token cannot be read; names each connection.
pub(super) fn accesses(settings: &config::Settings) -> Result<Accesses> {
    let mut directory = BTreeMap::new();
    let mut missing = Vec::new();
    for it in settings.all_connections() {
        let id = it.connection.id.clone();
        match credentials::resolve_token(&it.access_token) {
            Ok(access_token) => {
                let access = Access {
                    base_url: it.base_url.clone(),
                    access_token,
                    external_id_property: it.external_id_property.clone(),
                };
                directory.insert(id, Arc::new(access));
            }
            Err(fault) => missing.push(format!("access_token of {id}: {fault}")),
        }
    }
    if missing.is_empty() { Ok(Accesses::new(directory)) } else { Err(anyhow!(missing.join("\n"))) }
}

/// # Errors
/// When the operating system's certificates cannot be read.
pub(super) fn crms(runtime: &Handle, accesses: &Accesses, events: &Events, clock: Clock) -> Result<HttpCrms> {
    let http = Http::new(&HttpLimits::default())?;
    let now = Arc::new(move || clock.now());
    Ok(HttpCrms::new(runtime.clone(), http, accesses.clone(), sink(events), now))
}

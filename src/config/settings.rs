//! What the configuration says, once it is known to be sound: plain structs.
//! Not here: where a value came from, how it is written, the value of any secret.

use crate::model::{Connection, TenantId};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything in `sluicegate.toml`, the tenant files and the environment. Made by `config::parse` alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub log: LogSettings,
    pub kafka: KafkaSettings,
    pub state: StateSettings,
    pub retry: RetrySettings,
    pub hold: HoldSettings,
    pub alerts: AlertSettings,
    pub http: HttpSettings,
    /// CRM calls in flight in the process; at least 1.
    pub calls_max: usize,
    /// The folder of tenant files, already joined to the folder of the file that names it.
    pub tenants_folder: Option<PathBuf>,
    /// A tenant may have no connection: its jobs are known, and nobody wants them.
    pub tenants: BTreeMap<TenantId, Vec<ConnectionSettings>>,
}

impl Settings {
    /// The directory that the core routes by: every tenant with its connections, in the order of the files.
    pub fn connections(&self) -> BTreeMap<TenantId, Vec<Arc<Connection>>> {
        let shared = |all: &Vec<ConnectionSettings>| all.iter().map(|it| Arc::clone(&it.connection)).collect();
        self.tenants.iter().map(|(tenant, all)| (tenant.clone(), shared(all))).collect()
    }

    /// Every connection of every tenant.
    pub fn all_connections(&self) -> impl Iterator<Item = &ConnectionSettings> {
        self.tenants.values().flatten()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    Kafka,
    Embedded,
}

impl LogKind {
    pub const ALL: [Self; 2] = [Self::Kafka, Self::Embedded];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Embedded => "embedded",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub kind: LogKind,
    /// Used by the embedded log alone.
    pub dir: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    pub topic_prefix: String,
    /// Begins with the topic prefix.
    pub group_id: String,
    /// Only letters, digits, `.`, `_`, `-`.
    pub group_instance_id: String,
    /// Also the number of shards of the embedded log.
    pub partitions: u32,
    pub replication_factor: u16,
    /// None of those that Sluicegate sets itself.
    pub properties: BTreeMap<String, PropertyValue>,
}

/// The value of a librdkafka property. Never shown: some are passwords.
#[derive(Clone, PartialEq, Eq)]
pub enum PropertyValue {
    Literal(String),
    From(SecretSource),
}

impl fmt::Debug for PropertyValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => formatter.write_str("…"),
            Self::From(source) => source.fmt(formatter),
        }
    }
}

/// Where a secret is found; never the secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file, already joined to the folder of the file that names it.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(formatter, "environment variable {name}"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSettings {
    pub dir: PathBuf,
    pub idempotency_ttl: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RetrySettings {
    pub base: Duration,
    /// At least 1.
    pub factor: f64,
    /// Lowest and highest, both above 0.
    pub jitter: (f64, f64),
    pub max_retries: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldSettings {
    /// Failed calls in a row; none: a connection is never held because of an outage.
    pub after: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertSettings {
    pub dlq_depth: u64,
    /// 0 to 1.
    pub retry_rate: f64,
    pub retry_window: Duration,
    /// 0 to 1.
    pub bucket_low: f64,
    pub bucket_low_for: Duration,
    pub sync_lag: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    pub listen: SocketAddr,
    /// Always there when `listen` is beyond loopback.
    pub bearer_token: Option<SecretSource>,
    /// An `http://` or `https://` URL without a path.
    pub advertise: Option<String>,
}

/// One tenant's account at one CRM, with what its connector needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    pub connection: Arc<Connection>,
    pub access_token: SecretSource,
    /// No slash at the end.
    pub base_url: String,
    pub external_id_property: String,
}

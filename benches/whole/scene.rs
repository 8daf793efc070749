//! What is measured with: tenants, their jobs, fresh topics, and the configuration for all of it.
//! Not here: the processes.

use crate::broker::broker;
use serde_json::{Value, json};
use sluicegate::kafka::{self, KafkaSettings};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What scenes differ in.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) tenants: u64,
    pub(crate) batch_max: u64,
    pub(crate) partitions: u32,
    /// `limits` of each connection.
    pub(crate) limits: &'static str,
    /// Other `limits` for the first tenant.
    pub(crate) first_limits: Option<&'static str>,
    /// `[hold] after`.
    pub(crate) hold_after: u32,
}

/// Topics of our own and a configuration file for them.
pub(crate) struct Scene {
    pub(crate) settings: KafkaSettings,
    pub(crate) tenants: u64,
    folder: TempDir,
    pub(crate) listen: u16,
}

impl Scene {
    pub(crate) fn new(url: &str, tenants: u64, batch_max: u64) -> Self {
        Self::of(url, Shape::new(tenants, batch_max))
    }

    pub(crate) fn of(url: &str, shape: Shape) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let prefix = format!("bench-{started}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let settings = KafkaSettings {
            bootstrap_servers: broker().bootstrap.clone(),
            topic_prefix: prefix.clone(),
            group_id: prefix,
            group_instance_id: "bench".to_owned(),
            partitions: shape.partitions,
            replication_factor: 1,
            outcomes: true,
            idempotency_ttl: Duration::from_secs(7 * 24 * 3600),
            properties: BTreeMap::new(),
        };
        kafka::apply(&settings, &kafka::plan(&settings).unwrap()).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let scene = Self { settings, tenants: shape.tenants, folder: TempDir::new().unwrap(), listen: free };
        scene.configure(url, shape);
        scene
    }

    /// Writes the configuration file, for the next start.
    pub(crate) fn configure(&self, url: &str, shape: Shape) {
        std::fs::write(self.config(), self.text(url, shape)).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("sluicegate.toml")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn text(&self, url: &str, shape: Shape) -> String {
        let kafka = &self.settings;
        let mut text = format!(
            "[kafka]\nbootstrap_servers = \"{}\"\ntopic_prefix = \"{}\"\ngroup_id = \"{}\"\n\
             group_instance_id = \"bench\"\npartitions = {}\nreplication_factor = 1\n\n\
             [state]\ndir = \"{}\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n[hold]\nafter = {}\n",
            kafka.bootstrap_servers,
            kafka.topic_prefix,
            kafka.group_id,
            kafka.partitions,
            self.state().display(),
            self.listen,
            shape.hold_after
        );
        let batch_max = shape.batch_max;
        for tenant in 0..self.tenants {
            let limits = shape.first_limits.filter(|_| tenant == 0).unwrap_or(shape.limits);
            let (id, variable) = (tenant_id(tenant), variable(tenant));
            write!(
                text,
                "\n[[tenant]]\nid = \"{id}\"\n[[tenant.connection]]\nid = \"hubspot\"\ncrm = \"hubspot\"\n\
                 access_token = {{ env = \"{variable}\" }}\nbase_url = \"{url}\"\nbatch_max = {batch_max}\n\
                 limits = {limits}\n"
            )
            .unwrap();
        }
        text
    }
}

impl Shape {
    /// No limits, and holds as they are by default.
    pub(crate) fn new(tenants: u64, batch_max: u64) -> Self {
        let limits = r#"[{ calls = 1000000000, per = "1s" }]"#;
        Self { tenants, batch_max, partitions: partitions(), limits, first_limits: None, hold_after: 10 }
    }
}

/// As many as the configuration has by default, unless the environment asks for another number.
fn partitions() -> u32 {
    std::env::var("SLUICEGATE_BENCH_PARTITIONS").map_or(24, |it| it.parse().unwrap())
}

pub(crate) fn tenant_id(tenant: u64) -> String {
    format!("tenant-{tenant}")
}

pub(crate) fn token(tenant: u64) -> String {
    format!("pat-{tenant}")
}

pub(crate) fn variable(tenant: u64) -> String {
    format!("TOKEN_{tenant}")
}

pub(crate) fn external_id(job: u64) -> String {
    format!("c_{job}")
}

pub(crate) fn properties(job: u64) -> Value {
    json!({
        "email": format!("person-{job}@example.com"),
        "firstname": "Ada",
        "lastname": "Lovelace",
        "lifecyclestage": "lead",
        "last_call_at": "2026-03-01T12:00:00Z",
    })
}

/// The value of a message of `.jobs`.
pub(crate) fn job(tenant: u64, job: u64) -> String {
    value(tenant, job, &properties(job))
}

/// As `job`, and the CRM's ledger will say when it was written.
pub(crate) fn stamped_job(tenant: u64, job: u64) -> String {
    let mut properties = properties(job);
    properties["event_number"] = Value::from(now_us().to_string());
    value(tenant, job, &properties)
}

/// Unix microseconds, as the pretend HubSpot counts them.
pub(crate) fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

fn value(tenant: u64, job: u64, properties: &Value) -> String {
    json!({
        "tenant_id": tenant_id(tenant),
        "event_type": "contact.changed",
        "idempotency_key": format!("event-{job}"),
        "payload": {"object": "contact", "external_id": external_id(job), "properties": properties},
    })
    .to_string()
}

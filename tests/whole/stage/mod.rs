//! What every test here stands on: topics of its own, a pretend HubSpot of its own, processes that end with the test.
//! Not here: any expectation but that a process starts.

mod attempts;
mod http;
mod hubspot;
mod job;
mod judge;
mod process;
mod reader;
mod seats;
mod tap;

pub(crate) use attempts::{attempts, check_gaps, check_history, history, script, statuses};
pub(crate) use http::get;
pub(crate) use hubspot::Hubspot;
pub(crate) use job::{Job, jobs};
pub(crate) use judge::judge;
pub(crate) use process::{Running, await_that, program};
pub(crate) use reader::{Read, Reader, tally};
pub(crate) use tap::Tap;

use crate::support::{World, settings};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use seats::{Seat, take_seat};
use serde_json::Value;
use sluicegate::model::{Shard, TenantId, Topic};
use sluicegate::wire::partitioner;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// How many partitions each topic has.
pub(crate) const PARTITIONS: u32 = 6;

/// One test's part of the world.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) hubspot: Hubspot,
    pub(crate) tenants: Vec<String>,
    /// `[retry] base`.
    pub(crate) retry_base: &'static str,
    /// `[hold] after`.
    pub(crate) hold_after: u32,
    /// `limits` of each connection.
    pub(crate) limits: &'static str,
    /// `batch_max` of each connection.
    pub(crate) batch_max: u32,
    /// Whether there is a folder of tenant files besides.
    pub(crate) folder: bool,
    pub(crate) dir: TempDir,
    producer: OnceLock<BaseProducer>,
    /// None: it waits nearly all of its time, and others need not wait for it.
    _seat: Option<Seat>,
}

/// A message as somebody else's producer would send it.
#[derive(Clone, Default)]
pub(crate) struct Letter {
    /// None: Kafka's default partitioner.
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) timestamp: Option<i64>,
}

impl Stage {
    /// `name` must be unique among the tests; the program itself makes the topics.
    pub(crate) fn new(name: &str, tenants: usize) -> Self {
        Self::with(name, (0..).map(named).take(tenants).collect(), Some(take_seat()))
    }

    /// As `new`, for a test that waits nearly all of its time.
    pub(crate) fn patient(name: &str, tenants: usize) -> Self {
        Self::with(name, (0..).map(named).take(tenants).collect(), None)
    }

    /// As `new`, with tenants who all live in the first partition.
    pub(crate) fn in_one_partition(name: &str, tenants: usize) -> Self {
        let home = |it: &String| partitioner::home(&TenantId::from(it.as_str()), PARTITIONS);
        let tenants = (0..).map(named).filter(|it| home(it) == Shard(0)).take(tenants).collect();
        Self::with(name, tenants, Some(take_seat()))
    }

    fn with(name: &str, tenants: Vec<String>, seat: Option<Seat>) -> Self {
        let stage = Self {
            world: World { settings: settings(name, PARTITIONS) },
            hubspot: Hubspot::start(),
            tenants,
            retry_base: "200ms",
            hold_after: 10,
            limits: r#"[{ calls = 1000000000, per = "1s" }]"#,
            batch_max: 100,
            folder: false,
            dir: tempfile::Builder::new().prefix("sluicegate-whole-").tempdir().unwrap(),
            producer: OnceLock::new(),
            _seat: seat,
        };
        stage.apply_topics();
        stage
    }

    pub(crate) fn apply_topics(&self) {
        self.command(&["topics", "apply", "--yes"]);
    }

    /// What a person types, to its good end; returns what it printed.
    #[track_caller]
    pub(crate) fn command(&self, line: &[&str]) -> String {
        let config = self.config("setup", &self.hubspot.url);
        let output = program().args(line).arg("-c").arg(&config).output().unwrap();
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts `sluicegate run` as `instance`. `fail_point` as `SLUICEGATE_FAIL_POINT` has it.
    pub(crate) fn run(&self, instance: &str, fail_point: Option<&str>) -> Running {
        self.run_over(instance, fail_point, &self.hubspot.url)
    }

    /// As `run`, with the CRM behind `base_url`.
    pub(crate) fn run_over(&self, instance: &str, fail_point: Option<&str>, base_url: &str) -> Running {
        let config = self.config(instance, base_url);
        Running::start(&config, &self.dir.path().join(format!("{instance}.log")), fail_point)
    }

    /// `sluicegate enqueue`, from stdin.
    pub(crate) fn enqueue(&self, jobs: &[Job]) {
        let lines: Vec<String> = jobs.iter().map(Job::value).collect();
        let file = self.dir.path().join("jobs.ndjson");
        fs::write(&file, lines.join("\n")).unwrap();
        self.command(&["enqueue", file.to_str().unwrap()]);
    }

    /// Jobs from somebody else's producer, in their order.
    pub(crate) fn send(&self, jobs: &[Job]) {
        self.post(jobs.iter().map(Job::letter));
    }

    pub(crate) fn post(&self, letters: impl IntoIterator<Item = Letter>) {
        self.post_to(Topic::Jobs, letters);
    }

    pub(crate) fn post_to(&self, topic: Topic, letters: impl IntoIterator<Item = Letter>) {
        let producer = self.producer.get_or_init(|| producer(&self.world));
        let topic = self.world.topic(topic);
        for letter in letters {
            let mut record = BaseRecord::<[u8], [u8]>::to(&topic);
            record.partition = letter.partition;
            record.key = letter.key.as_deref();
            record.payload = letter.value.as_deref();
            record.timestamp = letter.timestamp;
            let headers = letter.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(KafkaHeader { key, value: value.as_deref() })
            });
            record.headers = (!letter.headers.is_empty()).then_some(headers);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    pub(crate) fn state_dir(&self, instance: &str) -> PathBuf {
        self.dir.path().join(format!("state-{instance}"))
    }

    pub(crate) fn forget_state(&self, instance: &str) {
        if let Err(error) = fs::remove_dir_all(self.state_dir(instance)) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }

    pub(crate) fn outcomes(&self) -> Reader {
        Reader::new(&self.world, Topic::Outcomes)
    }

    pub(crate) fn dead_letters(&self) -> Reader {
        Reader::new(&self.world, Topic::Dlq)
    }

    /// What happened at the CRM of one tenant.
    pub(crate) fn ledger(&self, tenant: &str) -> sluicegate::simulated::hubspot::AccountLedger {
        self.hubspot.ledger(&token(tenant))
    }

    /// Holds the access token of a tenant.
    pub(crate) fn token_file(&self, tenant: &str) -> PathBuf {
        self.dir.path().join(format!("{tenant}.token"))
    }

    /// A file of the folder of tenants.
    pub(crate) fn tenant_file(&self, name: &str) -> PathBuf {
        self.dir.path().join("tenants.d").join(format!("{name}.toml"))
    }

    /// A tenant as the configuration has it; its access token is written, too.
    pub(crate) fn tenant(&self, tenant: &str, base_url: &str) -> String {
        let file = self.token_file(tenant);
        // Written once: another instance may be reading it.
        if !file.exists() {
            fs::write(&file, token(tenant)).unwrap();
        }
        format!(
            "[[tenant]]\nid = {tenant:?}\n[[tenant.connection]]\nid = \"hubspot\"\ncrm = \"hubspot\"\n\
             access_token = {{ file = {file:?} }}\nbase_url = {base_url:?}\n\
             limits = {}\nbatch_max = {}\n",
            self.limits, self.batch_max
        )
    }

    pub(crate) fn config(&self, instance: &str, base_url: &str) -> PathBuf {
        let settings = &self.world.settings;
        let mut text = format!(
            "[kafka]\nbootstrap_servers = {:?}\ntopic_prefix = {:?}\ngroup_id = {:?}\n\
             group_instance_id = {instance:?}\npartitions = {PARTITIONS}\nreplication_factor = 1\n\
             [state]\ndir = {:?}\n[retry]\nbase = {:?}\n[hold]\nafter = {}\n[http]\nlisten = \"127.0.0.1:{}\"\n",
            settings.bootstrap_servers,
            settings.topic_prefix,
            settings.group_id,
            self.state_dir(instance),
            self.retry_base,
            self.hold_after,
            process::free_port(),
        );
        if self.folder {
            fs::create_dir_all(self.dir.path().join("tenants.d")).unwrap();
            text = format!("tenants = \"tenants.d\"\n{text}");
        }
        for tenant in &self.tenants {
            text += &self.tenant(tenant, base_url);
        }
        let path = self.dir.path().join(format!("{instance}.toml"));
        fs::write(&path, text).unwrap();
        path
    }
}

fn named(number: usize) -> String {
    format!("tenant-{number}")
}

fn producer(world: &World) -> BaseProducer {
    let mut client = world.client();
    client.set("enable.idempotence", "true").set("message.max.bytes", "33554432");
    client.set("partitioner", "murmur2_random").set("linger.ms", "1").create().unwrap()
}

/// The access token of a tenant, which names its account at the CRM.
pub(crate) fn token(tenant: &str) -> String {
    format!("token-of-{tenant}")
}

/// Unix microseconds, as the pretend HubSpot counts them.
pub(crate) fn now_us() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// A text of a JSON object that must be there.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name:?} in {value}"))
}

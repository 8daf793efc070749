//! What every client of the log is told: names under one prefix, and librdkafka's properties per role.
//! Not here: reading a configuration file (`config`), topic settings (`plan`).

use crate::kafka::errors::KafkaFault;
use crate::model::{Shard, Topic};
use rdkafka::ClientConfig;
use std::collections::BTreeMap;
use std::time::Duration;

/// Static membership: a restarted process is back within this without anybody taking over its shards.
pub const SESSION: Duration = Duration::from_secs(30);
/// After this the coordinator aborts a transaction by itself; also the longest an heir waits for a dead owner.
pub(super) const TRANSACTION: Duration = Duration::from_secs(12);
/// A message is delivered within this or its transaction is undone.
pub(super) const DELIVERY: Duration = Duration::from_secs(10);
/// One question to the cluster waits this long before it is asked again.
pub(super) const QUESTION: Duration = Duration::from_secs(5);

/// Where the log lives and what its parts are called.
#[derive(Clone)]
pub struct KafkaSettings {
    pub bootstrap_servers: String,
    pub topic_prefix: String,
    pub group_id: String,
    /// Names this process within the group; no two live processes may share it.
    pub group_instance_id: String,
    /// How many shards there are.
    pub partitions: u32,
    pub replication_factor: u16,
    /// Whether `.outcomes` is written at all.
    pub outcomes: bool,
    /// How long idempotency keys are remembered; sizes the retention of `.applied`.
    pub idempotency_ttl: Duration,
    /// librdkafka properties of the user. What the guarantees rest on overrides them.
    pub properties: BTreeMap<String, String>,
}

/// What a client is for; shows in `client.id`, so that broker logs and quotas can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Member,
    Reader,
    Ends,
    Commit,
    Tail,
    Produce,
    Admin,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Reader => "reader",
            Self::Ends => "ends",
            Self::Commit => "commit",
            Self::Tail => "tail",
            Self::Produce => "produce",
            Self::Admin => "admin",
        }
    }

    /// Properties that the guarantees rest on (facts/kafka.md §4, §10).
    fn properties(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Member => MEMBER,
            Self::Reader => READER,
            Self::Ends => &[("isolation.level", "read_uncommitted")],
            Self::Tail => TAIL,
            Self::Commit => COMMIT,
            Self::Produce => PRODUCE,
            Self::Admin => &[],
        }
    }
}

type Properties = &'static [(&'static str, &'static str)];

const MEMBER: Properties = &[
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "30000"),
    ("heartbeat.interval.ms", "3000"),
    ("max.poll.interval.ms", "60000"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("topic.metadata.refresh.interval.ms", "60000"),
];

/// How much is fetched ahead is per partition, because each has a queue of its own: `ahead`.
const READER: Properties = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    // One answer is one piece of memory until the last of its messages is taken.
    ("fetch.max.bytes", "4194304"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.queue.backoff.ms", "10"),
    ("fetch.error.backoff.ms", "100"),
];

const TAIL: Properties = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("isolation.level", "read_committed"),
    ("fetch.wait.max.ms", "50"),
];

const COMMIT: Properties = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("transaction.timeout.ms", "12000"),
    ("message.timeout.ms", "10000"),
    ("linger.ms", "1"),
    // What a producer compressed, by whatever means, must fit again when it goes on to a sibling topic.
    ("compression.type", "zstd"),
    // Below what every topic allows (`shape`): a message refused for its size is alone in its batch.
    ("batch.size", "262144"),
    // Counts before compression, so more than any fetch can bring (`receive.message.max.bytes`): the broker decides.
    ("message.max.bytes", "134217728"),
    ("retry.backoff.ms", "10"),
    ("retry.backoff.max.ms", "200"),
];

const PRODUCE: Properties = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("message.timeout.ms", "10000"),
    ("linger.ms", "2"),
    ("batch.size", "262144"),
    ("message.max.bytes", "33554432"),
    ("partitioner", "murmur2_random"),
];

impl KafkaSettings {
    /// The full name of one of our topics.
    pub fn topic(&self, topic: Topic) -> String {
        format!("{}.{}", self.topic_prefix, topic.suffix())
    }

    /// The topic behind a full name, if it is one of ours.
    pub fn topic_named(&self, name: &str) -> Option<Topic> {
        let suffix = name.strip_prefix(self.topic_prefix.as_str())?.strip_prefix('.')?;
        Topic::from_suffix(suffix)
    }

    /// The topics that have to exist.
    pub fn topics(&self) -> Vec<Topic> {
        Topic::ALL.into_iter().filter(|topic| self.outcomes || *topic != Topic::Outcomes).collect()
    }

    /// Stable per instance: a restarted process settles what it left behind at once.
    pub(super) fn transactional_id(&self) -> String {
        format!("{}-{}", self.topic_prefix, self.group_instance_id)
    }

    pub(super) fn client(&self, role: Role) -> ClientConfig {
        let mut client = ClientConfig::new();
        for (name, value) in &self.properties {
            client.set(name.as_str(), value.as_str());
        }
        client.set("bootstrap.servers", self.bootstrap_servers.as_str());
        client.set("client.id", format!("sluicegate-{}-{}", self.group_instance_id, role.name()));
        for (name, value) in role.properties() {
            client.set(*name, *value);
        }
        match role {
            Role::Member => {
                client.set("group.id", self.group_id.as_str());
                client.set("group.instance.id", self.group_instance_id.as_str());
            }
            // librdkafka wants a group for manual assignment too; it is never joined by these.
            Role::Reader => {
                client.set("group.id", self.group_id.as_str());
                for (name, value) in ahead(self.partitions) {
                    client.set(name, value.to_string());
                }
            }
            Role::Tail => {
                client.set("group.id", self.group_id.as_str());
            }
            Role::Commit => {
                client.set("transactional.id", self.transactional_id());
            }
            Role::Ends | Role::Produce | Role::Admin => {}
        }
        client
    }

    /// Refuses what no client could work with.
    ///
    /// # Errors
    /// `KafkaFault::Settings`, naming the setting.
    pub fn check(&self) -> Result<(), KafkaFault> {
        let empty = [
            ("kafka.bootstrap_servers", &self.bootstrap_servers),
            ("kafka.topic_prefix", &self.topic_prefix),
            ("kafka.group_id", &self.group_id),
            ("kafka.group_instance_id", &self.group_instance_id),
        ]
        .into_iter()
        .find(|(_, value)| value.trim().is_empty());
        if let Some((name, _)) = empty {
            return Err(KafkaFault::Settings(format!("{name} is empty; give it a value")));
        }
        if self.partitions == 0 || i32::try_from(self.partitions).is_err() {
            return Err(KafkaFault::Settings("kafka.partitions must be at least 1".to_owned()));
        }
        Ok(())
    }
}

/// What the queues of all partitions may hold together, in KiB, where one process owns every shard.
const AHEAD_KIB: u32 = 24 * 1024;
/// Topics of a shard that are read: `jobs`, five tiers, two changelogs.
const READ_TOPICS: u32 = 8;

/// How far each partition is read ahead. Besides its bytes librdkafka keeps about 300 more for each message, so they
/// are counted too; and a queue that is not full yet is filled by a whole fetch, which therefore is half as large.
fn ahead(partitions: u32) -> [(&'static str, u32); 3] {
    let kib = (AHEAD_KIB / READ_TOPICS / partitions.max(1)).clamp(64, 1024);
    [
        ("queued.max.messages.kbytes", kib),
        ("queued.min.messages", kib * 3),
        ("max.partition.fetch.bytes", kib * 1024 / 2),
    ]
}

/// Kafka counts partitions in `i32`; shards come from it, so nothing is lost.
pub(super) fn partition(shard: Shard) -> i32 {
    i32::try_from(shard.0).unwrap_or(i32::MAX)
}

/// Negative partitions are Kafka's "none".
pub(super) fn shard(partition: i32) -> Option<Shard> {
    u32::try_from(partition).ok().map(Shard)
}

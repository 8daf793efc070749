//! A set of topics of its own for each test, and raw clients that do what others would do to them.
//! Not here: the log under test (`instance`).

use super::broker::broker;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset as KafkaOffset, TopicPartitionList};
use sluicegate::kafka::{self, KafkaSettings};
use sluicegate::model::{Commit, CommitNumber, Header, Message, Millis, Offset, Outgoing, Shard, ShardCommit, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) settings: KafkaSettings,
}

impl World {
    /// `name` must be unique among the tests. The topics are made by `topics apply` itself.
    pub(crate) fn new(name: &str, partitions: u32) -> Self {
        let world = Self { settings: settings(name, partitions) };
        kafka::apply(&world.settings, &kafka::plan(&world.settings).unwrap()).unwrap();
        world
    }

    /// The same topics and group under another instance name.
    pub(crate) fn as_instance(&self, instance: &str) -> KafkaSettings {
        KafkaSettings { group_instance_id: instance.to_owned(), ..self.settings.clone() }
    }

    pub(crate) fn topic(&self, topic: Topic) -> String {
        self.settings.topic(topic)
    }

    /// Somebody else's producer, without transactions. Fails unless all of it arrives.
    pub(crate) fn produce(&self, topic: Topic, shard: u32, values: impl IntoIterator<Item = String>) {
        let producer: BaseProducer = self.client().set("linger.ms", "1").create().unwrap();
        let name = self.topic(topic);
        let mut sent = 0;
        let before = self.bounds(topic, shard).1.0;
        for value in values {
            sent += 1;
            let record = BaseRecord::to(&name).partition(partition(shard)).key("tenant").payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
        let after = self.bounds(topic, shard).1.0;
        assert!(before + sent <= after, "of {sent} messages for {name}/{shard} only {} arrived", after - before);
    }

    /// Log start and end, open transactions included.
    pub(crate) fn bounds(&self, topic: Topic, shard: u32) -> (Offset, Offset) {
        let client: BaseConsumer = self.client().set("isolation.level", "read_uncommitted").create().unwrap();
        let (low, high) = client.fetch_watermarks(&self.topic(topic), partition(shard), PATIENCE).unwrap();
        (offset(low), offset(high))
    }

    pub(crate) fn group_offset(&self, shard: u32) -> Option<Offset> {
        let client: BaseConsumer = self.client().set("group.id", &self.settings.group_id).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic(Topic::Jobs), partition(shard));
        let list = client.committed_offsets(list, PATIENCE).unwrap();
        match list.elements()[0].offset() {
            KafkaOffset::Offset(raw) => Some(offset(raw)),
            _ => None,
        }
    }

    /// What an operator's reset does, without waiting for the group to be empty.
    pub(crate) fn set_group_offset(&self, shard: u32, to: Offset) {
        let transaction = RawTransaction::begin(self, "somebody");
        let stranger: BaseConsumer = self.client().set("group.id", &self.settings.group_id).create().unwrap();
        let mut list = TopicPartitionList::new();
        let place = KafkaOffset::Offset(i64::try_from(to.0).unwrap());
        list.add_partition_offset(&self.topic(Topic::Jobs), partition(shard), place).unwrap();
        let nobody = stranger.group_metadata().unwrap();
        transaction.producer.send_offsets_to_transaction(&list, &nobody, PATIENCE).unwrap();
        transaction.commit();
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.settings.bootstrap_servers);
        client
    }
}

/// A transaction of somebody else's producer.
pub(crate) struct RawTransaction {
    pub(crate) producer: BaseProducer,
}

impl RawTransaction {
    pub(crate) fn begin(world: &World, id: &str) -> Self {
        let id = format!("{}-{id}", world.settings.topic_prefix);
        let producer: BaseProducer = world.client().set("transactional.id", id).create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        Self { producer }
    }

    pub(crate) fn write(&self, world: &World, topic: Topic, shard: u32, value: &str) {
        let name = world.topic(topic);
        let record = BaseRecord::to(&name).partition(partition(shard)).key("key").payload(value);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(PATIENCE).unwrap();
    }

    pub(crate) fn commit(self) {
        self.producer.commit_transaction(PATIENCE).unwrap();
    }

    pub(crate) fn abort(self) {
        self.producer.abort_transaction(PATIENCE).unwrap();
    }
}

pub(crate) fn settings(name: &str, partitions: u32) -> KafkaSettings {
    // Unique also against an outside broker that remembers earlier runs.
    let run = std::process::id();
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    KafkaSettings {
        bootstrap_servers: broker().bootstrap.clone(),
        topic_prefix: format!("t-{name}-{run}-{started}"),
        group_id: format!("t-{name}-{run}-{started}"),
        group_instance_id: "one".to_owned(),
        partitions,
        replication_factor: 1,
        outcomes: true,
        idempotency_ttl: Duration::from_secs(7 * 24 * 3600),
        properties: BTreeMap::new(),
    }
}

pub(crate) fn message(value: &str) -> Message {
    Message {
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: vec![
            Header { name: "twice".to_owned(), value: Some(Bytes::from_static(b"1")) },
            Header { name: "twice".to_owned(), value: Some(Bytes::new()) },
            Header { name: "none".to_owned(), value: None },
        ],
        timestamp: Millis(1_700_000_000_123),
    }
}

pub(crate) fn outgoing(topic: Topic, shard: u32, message: Message) -> Outgoing {
    Outgoing {
        topic,
        shard: Shard(shard),
        key: message.key,
        value: message.value,
        headers: message.headers,
        timestamp: Some(message.timestamp),
    }
}

/// A commit with one part per shard given.
pub(crate) fn commit_of(number: u64, parts: Vec<(u32, u64, Vec<Outgoing>)>) -> Arc<Commit> {
    let shards = parts
        .into_iter()
        .map(|(shard, group_offset, messages)| {
            (Shard(shard), ShardCommit { group_offset: Offset(group_offset), messages })
        })
        .collect();
    Arc::new(Commit { number: CommitNumber(number), shards })
}

fn partition(shard: u32) -> i32 {
    i32::try_from(shard).unwrap()
}

fn offset(raw: i64) -> Offset {
    Offset(u64::try_from(raw).unwrap())
}

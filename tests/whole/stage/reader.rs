//! Follows one topic from its start as any consumer would: committed messages only.
//! Not here: what they should say.

use super::PARTITIONS;
use crate::support::World;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::{Message, Offset, TopicPartitionList};
use sluicegate::model::Topic;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(crate) struct Reader {
    consumer: BaseConsumer,
    pub(crate) read: Vec<Read>,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) partition: i32,
    /// Unix milliseconds.
    pub(crate) timestamp: u64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Reader {
    pub(super) fn new(world: &World, topic: Topic) -> Self {
        let mut client = world.client();
        client.set("group.id", "reader").set("isolation.level", "read_committed").set("enable.auto.commit", "false");
        client.set("fetch.wait.max.ms", "50").set("fetch.message.max.bytes", "33554432");
        let consumer: BaseConsumer = client.create().unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(PARTITIONS).unwrap() {
            list.add_partition_offset(&world.topic(topic), partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        Self { consumer, read: Vec::new() }
    }

    /// Reads what there is; returns how many there are now.
    pub(crate) fn look(&mut self, span: Duration) -> usize {
        let until = Instant::now() + span;
        while let Some(message) = self.consumer.poll(until.saturating_duration_since(Instant::now())) {
            let message = message.unwrap();
            let headers = message.headers().into_iter().flat_map(|it| it.iter());
            self.read.push(Read {
                partition: message.partition(),
                timestamp: u64::try_from(message.timestamp().to_millis().unwrap()).unwrap(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: headers.map(|it| (it.key.to_owned(), it.value.map(<[u8]>::to_vec))).collect(),
            });
        }
        self.read.len()
    }

    /// Waits for `count` messages, and then a moment longer for one too many.
    #[track_caller]
    pub(crate) fn await_exactly(&mut self, count: usize, patience: Duration) {
        let until = Instant::now() + patience;
        while self.look(Duration::from_millis(50)) < count && Instant::now() < until {}
        self.look(Duration::from_millis(300));
        assert_eq!(self.read.len(), count, "messages after {patience:?}");
    }
}

impl Read {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.value.as_deref().unwrap()).unwrap()
    }

    /// Headers by name; a name must come once.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let all: Vec<_> = self.headers.iter().filter(|(it, _)| it == name).collect();
        assert!(all.len() <= 1, "{name} comes more than once");
        Some(String::from_utf8(all.first()?.1.clone().unwrap()).unwrap())
    }
}

/// How many outcomes of each kind.
pub(crate) fn tally(outcomes: &[Read]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for outcome in outcomes {
        *tally.entry(super::text(&outcome.json(), "outcome").to_owned()).or_default() += 1;
    }
    tally
}

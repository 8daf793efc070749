//! Deletes what is settled from the delay topics, best effort.
//! Not here: what is settled.

use crate::kafka::admin::{Admin, block_on};
use crate::kafka::message::raw;
use crate::kafka::settings::{KafkaSettings, QUESTION, partition};
use crate::model::{Offset, Shard, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub(super) struct Purge {
    pub(super) shard: Shard,
    pub(super) topic: Topic,
    pub(super) below: Offset,
}

/// A partition is purged no more often: each time costs the brokers a request and a file, and nobody waits for it.
const PAUSE: Duration = Duration::from_secs(10);

type Places = BTreeMap<(Topic, Shard), Offset>;

/// The purger's thread: runs until nobody can ask it any more. What piles up is asked of Kafka in one go.
pub(super) fn run(settings: &Arc<KafkaSettings>, admin: &Admin, wishes: &Receiver<Purge>) {
    let mut warned = false;
    let mut wanted = Places::new();
    let mut done_at = BTreeMap::new();
    loop {
        let patience = wanted.keys().map(|it| rest(&done_at, it)).min();
        match wishes.recv_timeout(patience.unwrap_or(PAUSE)) {
            Ok(first) => {
                for wish in std::iter::once(first).chain(wishes.try_iter()) {
                    let known = wanted.entry((wish.topic, wish.shard)).or_default();
                    *known = wish.below.max(*known);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let below: Places = wanted.extract_if(.., |it, _| rest(&done_at, it).is_zero()).collect();
        if below.is_empty() {
            continue;
        }
        match delete(settings, admin, &below) {
            Ok(()) => warned = false,
            Err(error) if warned => tracing::debug!(%error, "delay topics were not purged"),
            Err(error) => {
                warned = true;
                tracing::warn!(%error, "delay topics were not purged and grow; does the ACL allow DELETE on them?");
            }
        }
        let now = Instant::now();
        done_at.extend(below.into_keys().map(|it| (it, now)));
    }
}

/// How long a partition is to be left alone still.
fn rest(done_at: &BTreeMap<(Topic, Shard), Instant>, partition: &(Topic, Shard)) -> Duration {
    done_at.get(partition).map_or(Duration::ZERO, |it| (*it + PAUSE).saturating_duration_since(Instant::now()))
}

fn delete(settings: &KafkaSettings, admin: &Admin, below: &Places) -> KafkaResult<()> {
    let mut list = TopicPartitionList::with_capacity(below.len());
    for ((topic, shard), below) in below {
        list.add_partition_offset(&settings.topic(*topic), partition(*shard), KafkaOffset::Offset(raw(*below)))?;
    }
    let options = AdminOptions::new().request_timeout(Some(QUESTION)).operation_timeout(Some(QUESTION));
    let deleted = block_on(admin.delete_records(&list, &options))?;
    let first_fault: Option<KafkaError> = deleted.elements().iter().find_map(|it| it.error().err());
    first_fault.map_or(Ok(()), Err)
}

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
use std::sync::mpsc::Receiver;

pub(super) struct Purge {
    pub(super) shard: Shard,
    pub(super) topic: Topic,
    pub(super) below: Offset,
}

/// The purger's thread: runs until nobody can ask it any more. What piles up is asked of Kafka in one go.
pub(super) fn run(settings: &Arc<KafkaSettings>, admin: &Admin, wishes: &Receiver<Purge>) {
    let mut warned = false;
    while let Ok(first) = wishes.recv() {
        let mut below = BTreeMap::new();
        for wish in std::iter::once(first).chain(wishes.try_iter()) {
            let known: &mut Offset = below.entry((wish.topic, wish.shard)).or_default();
            *known = wish.below.max(*known);
        }
        match delete(settings, admin, &below) {
            Ok(()) => warned = false,
            Err(error) if warned => tracing::debug!(%error, "delay topics were not purged"),
            Err(error) => {
                warned = true;
                tracing::warn!(%error, "delay topics were not purged and grow; does the ACL allow DELETE on them?");
            }
        }
    }
}

fn delete(settings: &KafkaSettings, admin: &Admin, below: &BTreeMap<(Topic, Shard), Offset>) -> KafkaResult<()> {
    let mut list = TopicPartitionList::with_capacity(below.len());
    for ((topic, shard), below) in below {
        list.add_partition_offset(&settings.topic(*topic), partition(*shard), KafkaOffset::Offset(raw(*below)))?;
    }
    let options = AdminOptions::new().request_timeout(Some(QUESTION)).operation_timeout(Some(QUESTION));
    let deleted = block_on(admin.delete_records(&list, &options))?;
    let first_fault: Option<KafkaError> = deleted.elements().iter().find_map(|it| it.error().err());
    first_fault.map_or(Ok(()), Err)
}

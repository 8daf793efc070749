//! Reads the end of one changelog after a commit of unknown fate.
//! Not here: settling the transaction itself; that was done by taking over the transactional id.

use crate::kafka::context::Quiet;
use crate::kafka::ends;
use crate::kafka::errors::KafkaFault;
use crate::kafka::message::{offset, raw, received};
use crate::kafka::settings::{KafkaSettings, QUESTION, Role, partition};
use crate::model::{Offset, Received, Shard, Topic};
use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use std::time::{Duration, Instant};

/// How long one try may take; the old transaction is settled, so nothing holds the reader up for long.
const PATIENCE: Duration = Duration::from_secs(30);

/// All committed messages of `state[shard]` from `from` to the end that anybody has written to. Blocks.
///
/// # Errors
/// When Kafka does not answer in time; try again.
pub(super) fn read(settings: &KafkaSettings, shard: Shard, from: Offset) -> Result<Vec<Received>, KafkaFault> {
    let fault = |error: KafkaError| KafkaFault::of(&error);
    let name = settings.topic(Topic::State);
    let at = partition(shard);
    let (start, end) = ends::client(settings)?.fetch_watermarks(&name, at, QUESTION).map_err(fault)?;
    let from = from.max(offset(start));
    if from >= offset(end) {
        return Ok(Vec::new());
    }
    let consumer: BaseConsumer<Quiet> =
        BaseConsumer::from_config_and_context(&settings.client(Role::Tail), Quiet).map_err(fault)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&name, at, KafkaOffset::Offset(raw(from))).map_err(fault)?;
    consumer.assign(&list).map_err(fault)?;
    let until = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    while position(&consumer, &name, at) < end {
        match consumer.poll(Duration::from_millis(20)) {
            Some(Ok(message)) => messages.push(received(&message)),
            Some(Err(error)) => tracing::debug!(%error, "reading the end of the changelog"),
            None => {}
        }
        if Instant::now() >= until {
            return Err(KafkaFault::Unreachable(format!("{name}/{shard} was not read to its end in time")));
        }
    }
    Ok(messages)
}

/// Also passes control records, which are never delivered (facts/kafka.md R2).
fn position(consumer: &BaseConsumer<Quiet>, name: &str, at: i32) -> i64 {
    let Ok(list) = consumer.position() else { return -1 };
    match list.find_partition(name, at).map(|it| it.offset()) {
        Some(KafkaOffset::Offset(position)) => position,
        Some(_) | None => -1,
    }
}

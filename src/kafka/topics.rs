//! Whether all topics of all shards exist with the partition counts that the configuration says.
//! Not here: their settings and how to create them (`plan`).

use crate::kafka::context::Quiet;
use crate::kafka::errors::KafkaFault;
use crate::kafka::settings::{KafkaSettings, QUESTION};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaRespErr;

/// Checked at start and at every assignment. Blocks for the answers of the cluster.
pub(super) fn check(client: &BaseConsumer<Quiet>, settings: &KafkaSettings) -> Result<(), KafkaFault> {
    let mut missing = Vec::new();
    let mut wrong = Vec::new();
    for topic in settings.topics() {
        let name = settings.topic(topic);
        match partitions(client, &name)? {
            None => missing.push(name),
            Some(count) if count != settings.partitions => wrong.push(format!("{name} has {count}")),
            Some(_) => {}
        }
    }
    if !missing.is_empty() {
        return Err(KafkaFault::Topics(format!(
            "topics are missing: {}; create them with `sluicegate topics apply`",
            missing.join(", ")
        )));
    }
    if !wrong.is_empty() {
        return Err(KafkaFault::Topics(format!(
            "partition counts differ from kafka.partitions = {}: {}; tenants would move away from their state. \
             Set kafka.partitions to the count of all topics, or move to new topics under another topic_prefix",
            settings.partitions,
            wrong.join(", ")
        )));
    }
    Ok(())
}

/// How many partitions a topic has; none if there is no such topic.
pub(super) fn partitions(client: &BaseConsumer<Quiet>, name: &str) -> Result<Option<u32>, KafkaFault> {
    let metadata = client.fetch_metadata(Some(name), QUESTION).map_err(|error| KafkaFault::of(&error))?;
    let Some(topic) = metadata.topics().iter().find(|it| it.name() == name) else { return Ok(None) };
    match topic.error() {
        None => Ok(u32::try_from(topic.partitions().len()).ok().filter(|count| *count > 0)),
        Some(
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
        ) => Ok(None),
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) => {
            Err(KafkaFault::Unauthorized(format!("topic {name} may not be described")))
        }
        Some(other) => Err(KafkaFault::Unreachable(format!("topic {name}: {other:?}"))),
    }
}

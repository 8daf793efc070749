//! Whether all topics of all shards exist with the partition counts that the configuration says, and with room for
//! what goes from one into the other.
//! Not here: their other settings and how to create them (`plan`).

use crate::kafka::admin::Admin;
use crate::kafka::context::Quiet;
use crate::kafka::errors::KafkaFault;
use crate::kafka::plan::{current, job_max};
use crate::kafka::settings::{KafkaSettings, QUESTION};
use crate::kafka::shape::{MESSAGE_MAX, rules};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaRespErr;

/// Checked at start and at every assignment. Blocks for the answers of the cluster.
pub(super) fn check(client: &BaseConsumer<Quiet>, admin: &Admin, settings: &KafkaSettings) -> Result<(), KafkaFault> {
    check_partitions(client, settings)?;
    check_sizes(admin, settings)
}

fn check_partitions(client: &BaseConsumer<Quiet>, settings: &KafkaSettings) -> Result<(), KafkaFault> {
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

/// A sibling that takes less than `.jobs` does would stop a shard at the first large job.
fn check_sizes(admin: &Admin, settings: &KafkaSettings) -> Result<(), KafkaFault> {
    let names: Vec<String> = settings.topics().into_iter().map(|it| settings.topic(it)).collect();
    let current = match current(admin, &names) {
        Ok(current) => current,
        Err(KafkaFault::Unauthorized(what)) => {
            tracing::warn!(what, "whether the topics take large messages is not known");
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    let job_max = job_max(&current, settings);
    let small = settings.topics().into_iter().filter_map(|topic| {
        let name = settings.topic(topic);
        let value = current.get(&name)?.all.get(MESSAGE_MAX)?;
        let (_, rule) = rules(topic, settings, job_max).into_iter().find(|(name, _)| *name == MESSAGE_MAX)?;
        (!rule.allows(value)).then(|| format!("{name} has {value} and needs {rule}"))
    });
    let small: Vec<String> = small.collect();
    if small.is_empty() {
        return Ok(());
    }
    Err(KafkaFault::Topics(format!(
        "max.message.bytes is too small: {}; a job that .jobs takes must fit into the others with our headers.          `sluicegate topics apply` raises it",
        small.join(", ")
    )))
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

//! `[kafka]`: the cluster and the names under which we are known there.
//! Not here: librdkafka's properties (`properties`).

use crate::config::section::Section;
use crate::config::value::{Value, Wrong, integer, shown, text};
use crate::config::{KafkaSettings, Place, address, properties};

/// Kafka allows 249 characters; the longest of our endings needs 10.
const PREFIX_MAX: usize = 200;

pub(super) fn read(mut section: Section<'_>) -> KafkaSettings {
    let bootstrap_servers = section.required("bootstrap_servers", address::brokers).unwrap_or_default();
    let topic_prefix = section.required("topic_prefix", name).unwrap_or_default();
    let group_id = section.optional("group_id", name).unwrap_or_else(|| topic_prefix.clone());
    if !group_id.starts_with(&topic_prefix) {
        let what = format!("{} does not begin with the topic prefix {topic_prefix:?}", shown(&group_id));
        let hint = format!("write \"{topic_prefix}…\": one prefixed ACL covers topics and groups, or leave it out");
        section.fault("group_id", Wrong::new(what, hint));
    }
    let settings = KafkaSettings {
        bootstrap_servers,
        topic_prefix,
        group_id,
        group_instance_id: instance(&mut section),
        partitions: section.required("partitions", integer(1..=10_000_u32)).unwrap_or_default(),
        replication_factor: section.required("replication_factor", integer(1..=15_u16)).unwrap_or_default(),
        properties: properties::read(&section.section("properties")),
    };
    section.finish();
    settings
}

/// The name of this instance: as given, else the host's.
fn instance(section: &mut Section<'_>) -> String {
    let faults = section.reading.faults.borrow().len();
    if let Some(given) = section.optional("group_instance_id", name) {
        return given;
    }
    if section.reading.faults.borrow().len() > faults {
        return String::new();
    }
    let host = section.reading.env.host_name().map(|it| it.trim().replace(|it: char| !is_letter(it), "-"));
    host.filter(|it| !it.is_empty() && it.len() <= PREFIX_MAX).unwrap_or_else(|| {
        let wrong = Wrong::new("has no default: this host has no name", "add `group_instance_id = \"sluicegate-0\"`");
        section.reading.fault(Place::Default, section.path_of("group_instance_id"), wrong);
        String::new()
    })
}

fn name(value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value)?;
    let hint = "use letters, digits, `.`, `_` and `-`, at most 200";
    if !name.chars().all(is_letter) || name.len() > PREFIX_MAX || [".", ".."].contains(&name.as_str()) {
        return Err(Wrong::new(format!("{} is not a name that Kafka allows", shown(&name)), hint));
    }
    Ok(name)
}

fn is_letter(it: char) -> bool {
    it.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&it)
}

//! `[kafka.properties]`: any librdkafka property but those on which our promises rest.
//! Not here: whether librdkafka knows a property; it says so itself when a client is made.

use crate::config::section::Section;
use crate::config::value::{Wrong, kind, shown};
use crate::config::{Place, PropertyValue, secret};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Set elsewhere in the configuration.
const ELSEWHERE: [(&str, &str); 6] = [
    ("bootstrap.servers", "kafka.bootstrap_servers"),
    ("metadata.broker.list", "kafka.bootstrap_servers"),
    ("group.id", "kafka.group_id"),
    ("group.instance.id", "kafka.group_instance_id"),
    ("client.id", "kafka.group_instance_id"),
    ("transactional.id", "kafka.group_id and kafka.group_instance_id"),
];

/// What Sluicegate must decide itself: exactly-once, order, ownership and the lease rest on them.
const OURS: [&str; 24] = [
    "acks",
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.protocol",
    "group.remote.assignor",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.send.max.retries",
    "message.timeout.ms",
    "offset.store.method",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "transaction.timeout.ms",
];

pub(super) fn read(section: &Section<'_>) -> BTreeMap<String, PropertyValue> {
    let mut found = BTreeMap::new();
    for (key, value, place) in section.entries() {
        one(section, key.to_owned(), (value, place), &mut found);
    }
    for (key, given) in section.reading.env.kafka_properties() {
        let place = Place::Origin(given.origin);
        if is_free(section, &key, &place) {
            found.insert(key, PropertyValue::Literal(given.text));
        }
    }
    found
}

fn one<'a>(
    section: &Section<'a>,
    key: String,
    (value, place): (&'a DeValue<'a>, Place),
    found: &mut BTreeMap<String, PropertyValue>,
) {
    let literal = match value {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Integer(it) => it.to_string(),
        DeValue::Float(it) => it.to_string(),
        DeValue::Boolean(it) => it.to_string(),
        DeValue::Table(table) => return table_of(section, key, (table, place), found),
        DeValue::Datetime(_) | DeValue::Array(_) => {
            let hint = "write it as librdkafka expects it, in double quotes";
            let wrong = Wrong::new(format!("is {}, not a property's value", kind(value)), hint);
            return section.reading.fault(place, path(section, &key), wrong);
        }
    };
    if is_free(section, &key, &place) {
        found.insert(key, PropertyValue::Literal(literal));
    }
}

/// The source of a secret, or a dotted key that was written without quotes.
fn table_of<'a>(
    section: &Section<'a>,
    key: String,
    (table, place): (&'a DeTable<'a>, Place),
    found: &mut BTreeMap<String, PropertyValue>,
) {
    if !is_dotted_key(&key, table) {
        if is_free(section, &key, &place)
            && let Ok(source) = secret::source(section, path(section, &key), place, table)
        {
            found.insert(key, PropertyValue::From(source));
        }
        return;
    }
    for (inner, value) in table {
        let place = section.places.at(inner.span().start);
        one(section, format!("{key}.{}", inner.get_ref()), (value.get_ref(), place), found);
    }
}

/// Whether the table comes from a dotted key without quotes. Its last word is none of those that people write when they
/// mean a secret, but for two properties of librdkafka that end in `.file`.
fn is_dotted_key(key: &str, table: &DeTable<'_>) -> bool {
    let secret = ["env", "file", "environment", "env_var", "variable", "var", "path", "value", "secret"];
    let ends_in_file = ["sasl.oauthbearer.assertion", "sasl.oauthbearer.assertion.private.key"];
    !table.is_empty()
        && (ends_in_file.contains(&key) || !table.keys().any(|it| secret.contains(&it.get_ref().as_ref())))
}

fn is_free(section: &Section<'_>, key: &str, place: &Place) -> bool {
    let hint = if let Some((_, setting)) = ELSEWHERE.iter().find(|(name, _)| *name == key) {
        format!("remove it; it follows from {setting}")
    } else if OURS.contains(&key) {
        "remove it; what Sluicegate promises rests on its own value".to_owned()
    } else {
        return true;
    };
    section.reading.fault(place.clone(), path(section, key), Wrong::new("is set by Sluicegate", hint));
    false
}

fn path(section: &Section<'_>, key: &str) -> String {
    section.path_of(&shown(key))
}

//! What the messages of our topics say, read by the contract (DESIGN §3.3, §3.4) and not by the code under test;
//! only the changelog's bytes are read with the product's own codec.
//! Not here: whether it is true (`invariants`).

use crate::workload::JOB_HEADER;
use serde_json::Value;
use sluicegate::model::{Because, Message, Millis, Offset, Outcome, Reason, Shard};

/// A message of a delay topic or of the dead letter topic.
#[derive(Clone, Debug)]
pub struct Letter {
    pub connection: Option<String>,
    pub attempt: u32,
    pub because: Option<Because>,
    pub due: Option<Millis>,
    pub since: Option<Millis>,
    pub paused_at: Option<Millis>,
    pub origin_topic: String,
    pub shard: Shard,
    pub seq: Offset,
    pub origin_timestamp: Option<Millis>,
    pub history: Vec<Tried>,
    pub reason: Option<Reason>,
    pub exhausted: bool,
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub struct Tried {
    pub attempt: u32,
    pub counted: bool,
    /// So many were left out before it.
    pub cut: u32,
    pub status: Option<u64>,
    /// What became of it was never heard.
    pub unknown: bool,
}

/// One line of `.outcomes`.
#[derive(Clone, Debug)]
pub struct OutcomeLine {
    /// Absent: the message never was a delivery.
    pub connection: Option<(String, String)>,
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    /// When it ended, as its process took the time to be.
    pub at: Option<Millis>,
    pub shard: Shard,
    pub seq: Offset,
}

/// # Errors
/// In words: which header is missing or wrong.
pub fn letter(message: &Message) -> Result<Letter, String> {
    let (origin_topic, shard, seq) = origin(text(message, "sluicegate-origin").ok_or("no sluicegate-origin")?)?;
    let number = |name: &str| text(message, name).map(|it| it.parse::<u64>().map_err(|_| format!("{name}: `{it}`")));
    let history = match text(message, "sluicegate-history") {
        Some(json) => history(json)?,
        None => Vec::new(),
    };
    let named = |name: &str| text(message, name);
    Ok(Letter {
        connection: named("sluicegate-connection").map(str::to_owned),
        attempt: u32::try_from(number("sluicegate-attempt").transpose()?.unwrap_or(0)).map_err(|it| it.to_string())?,
        because: named("sluicegate-because")
            .map(|it| Because::from_name(it).ok_or_else(|| format!("because `{it}`")))
            .transpose()?,
        due: number("sluicegate-due-at").transpose()?.map(Millis),
        since: number("sluicegate-waiting-since").transpose()?.map(Millis),
        paused_at: number("sluicegate-paused-at").transpose()?.map(Millis),
        origin_topic,
        shard,
        seq,
        origin_timestamp: number("sluicegate-origin-timestamp").transpose()?.map(Millis),
        history,
        reason: named("sluicegate-reason")
            .map(|it| Reason::from_name(it).ok_or_else(|| format!("reason `{it}`")))
            .transpose()?,
        exhausted: named("sluicegate-exhausted") == Some("true"),
    })
}

fn history(json: &str) -> Result<Vec<Tried>, String> {
    let entries: Vec<Value> = serde_json::from_str(json).map_err(|it| format!("sluicegate-history: {it}"))?;
    let one = |it: &Value| Tried {
        attempt: it["attempt"].as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or(u32::MAX),
        counted: it["counted"] != Value::Bool(false),
        cut: it["dropped_before"].as_u64().and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
        status: it["status"].as_u64(),
        unknown: it["result"] == "outcome_unknown",
    };
    Ok(entries.iter().map(one).collect())
}

/// # Errors
/// In words: what the line lacks.
pub fn outcome(message: &Message) -> Result<OutcomeLine, String> {
    let value = message.value.as_deref().ok_or("an outcome without a value")?;
    let json: Value = serde_json::from_slice(value).map_err(|it| it.to_string())?;
    let field = |name: &str| json[name].as_str().ok_or_else(|| format!("no `{name}` in {json}"));
    let (_, shard, seq) = origin(field("origin")?)?;
    let outcome = field("outcome")?;
    let connection = match json["connection"].as_str() {
        Some(name) => Some((field("tenant_id")?.to_owned(), name.to_owned())),
        None => None,
    };
    Ok(OutcomeLine {
        connection,
        outcome: Outcome::ALL
            .into_iter()
            .find(|it| it.name() == outcome)
            .ok_or_else(|| format!("outcome `{outcome}`"))?,
        reason: json["reason"]
            .as_str()
            .map(|it| Reason::from_name(it).ok_or_else(|| format!("reason `{it}`")))
            .transpose()?,
        at: field("at")?
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|it| u64::try_from(it.as_millisecond()).ok())
            .map(Millis),
        shard,
        seq,
    })
}

/// Which job of the workload this is a copy of.
pub fn job_number(message: &Message) -> Option<u32> {
    text(message, JOB_HEADER)?.parse().ok()
}

/// Which job of the workload a call's input comes from.
pub fn job_of_properties(properties: &str) -> Option<u32> {
    let rest = properties.split_once("\"n\":\"")?.1;
    rest.split('"').next()?.parse().ok()
}

/// Headers that are not ours: what must be the original's, in its order.
pub fn foreign_headers(message: &Message) -> Vec<&sluicegate::model::Header> {
    let ours = |name: &str| name.starts_with("sluicegate-") || name.starts_with("kafka_dlt-");
    message.headers.iter().filter(|it| !ours(&it.name)).collect()
}

fn text<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    std::str::from_utf8(message.header(name)?).ok()
}

/// `topic/partition/offset`.
fn origin(text: &str) -> Result<(String, Shard, Offset), String> {
    let wrong = || format!("origin `{text}`");
    let mut parts = text.rsplitn(3, '/');
    let offset = parts.next().and_then(|it| it.parse().ok()).ok_or_else(wrong)?;
    let shard = parts.next().and_then(|it| it.parse().ok()).ok_or_else(wrong)?;
    let topic = parts.next().ok_or_else(wrong)?;
    Ok((topic.to_owned(), Shard(shard), Offset(offset)))
}

#[test]
fn a_letter_is_read_by_the_contract() {
    use sluicegate::model::Header;
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: Some(value.to_owned().into()) };
    let message = Message {
        key: None,
        value: None,
        headers: vec![
            header("traceparent", "x"),
            header("sluicegate-origin", "sluicegate.jobs/3/4711"),
            header("sluicegate-attempt", "2"),
            header("sluicegate-because", "retry"),
            header("sluicegate-due-at", "1700000000000"),
            header(
                "sluicegate-history",
                r#"[{"attempt":1,"at":"x","result":"timeout"},{"attempt":1,"counted":false}]"#,
            ),
        ],
        timestamp: Millis(0),
    };
    let letter = letter(&message).unwrap();
    assert_eq!((letter.shard, letter.seq, letter.attempt), (Shard(3), Offset(4711), 2));
    assert_eq!((letter.because, letter.due), (Some(Because::Retry), Some(Millis(1_700_000_000_000))));
    assert_eq!(letter.history.iter().filter(|it| it.counted).count(), 1);
    assert_eq!(foreign_headers(&message).len(), 1);
}

//! What our headers say on delay and dead letter messages (DESIGN §3.3), and the original that they were added to.
//! Not here: when a delivery waits or dies, the JSON of its history (`history`).
//!
//! **Whose is a header?** Ours are the names of this file, no prefix: an unknown `sluicegate-…` is somebody else's and
//! is kept like any other. On a job only `-source`, `-replay-id` and `-force` mean anything; they belong to the job and
//! stay with it, as they were, through waits and death. Any other of our names on a job is a leftover (a dead letter
//! copied by another tool, say): it means nothing, and it goes when the first header of ours is written, because two
//! headers of one name, one of them true, would be read differently by different clients. `kafka_dlt-…` are names of
//! others too: ours are added last on a dead letter, and of each name only the last one is taken off again.

mod fields;
#[cfg(test)]
mod tests;

use crate::model::{Attempt, Because, ConnectionId, Header, History, Message, Millis, Origin, Reason, RecordHash};
use crate::wire::escape;
use crate::wire::history;
use crate::wire::job::Malformed;
use fields::Fields;

/// Which delivery of the job this is: `tenant/connection`; `/` and `%` within a part are percent-encoded.
pub const CONNECTION: &str = "sluicegate-connection";
/// The record's hash, 32 hex digits.
pub const RECORD: &str = "sluicegate-record";
pub const ATTEMPT: &str = "sluicegate-attempt";
pub const BECAUSE: &str = "sluicegate-because";
pub const DUE_AT: &str = "sluicegate-due-at";
pub const WAITING_SINCE: &str = "sluicegate-waiting-since";
/// The last release while the delivery was not to be called, because a person paused it or its connection was not
/// configured: how long it may wait counts from here. Absent if there was none.
pub const PAUSED_AT: &str = "sluicegate-paused-at";
/// `topic/partition/offset` of the job in `.jobs`.
pub const ORIGIN: &str = "sluicegate-origin";
pub const ORIGIN_TIMESTAMP: &str = "sluicegate-origin-timestamp";
/// `topic/partition/offset` of the message that a source made the job of; the job's own.
pub const SOURCE: &str = "sluicegate-source";
pub const HISTORY: &str = "sluicegate-history";
pub const REASON: &str = "sluicegate-reason";
/// `true` when retries ran out; else absent.
pub const EXHAUSTED: &str = "sluicegate-exhausted";
/// Set on a replayed message; the job's own.
pub const REPLAY_ID: &str = "sluicegate-replay-id";
/// Set with a replay id on a job that is to be applied though it was before; the job's own.
pub const FORCE: &str = "sluicegate-force";
/// An operator's command in the first delay topic.
pub const COMMAND: &str = "sluicegate-command";
/// The topic of the job, under the name that tools for Spring's dead letters read.
pub const DLT_TOPIC: &str = "kafka_dlt-original-topic";
/// What was wrong, likewise.
pub const DLT_MESSAGE: &str = "kafka_dlt-exception-message";

const OURS: [&str; 13] = [
    CONNECTION,
    RECORD,
    ATTEMPT,
    BECAUSE,
    DUE_AT,
    WAITING_SINCE,
    PAUSED_AT,
    ORIGIN,
    ORIGIN_TIMESTAMP,
    HISTORY,
    REASON,
    EXHAUSTED,
    COMMAND,
];
const DLT_MESSAGE_BYTES_MAX: usize = 1024;

/// What is known of a delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingFacts {
    pub connection: ConnectionId,
    pub record: RecordHash,
    pub attempt: Attempt,
    pub because: Because,
    /// Not before this, or the estimate.
    pub due: Millis,
    /// The first release.
    pub since: Millis,
    /// The last release under a pause, if there was one.
    pub paused_at: Option<Millis>,
    pub origin: Origin,
    /// The job's own timestamp: a message that waits has that of its last release.
    pub origin_timestamp: Millis,
    pub history: History,
}

/// What is known of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadFacts {
    /// Absent: the message never was a delivery.
    pub connection: Option<ConnectionId>,
    pub record: Option<RecordHash>,
    pub attempt: Attempt,
    /// The first release; absent if it never waited.
    pub since: Option<Millis>,
    pub origin: Origin,
    pub origin_timestamp: Millis,
    pub reason: Reason,
    pub exhausted: bool,
    /// What was wrong, for people; scrubbed. Cut to 1 KiB when written.
    pub what: String,
    pub history: History,
}

/// The headers of a message that waits: those of the original, then ours. `original` may be the job itself or a
/// message of it that has waited before.
pub fn waiting_headers(original: &Message, facts: &WaitingFacts) -> Vec<Header> {
    let mut headers = foreign(&original.headers);
    headers.extend([
        header(CONNECTION, escape::connection(&facts.connection)),
        header(RECORD, facts.record.to_string()),
        header(ATTEMPT, facts.attempt.0.to_string()),
        header(BECAUSE, facts.because.name().to_owned()),
        header(DUE_AT, facts.due.to_string()),
        header(WAITING_SINCE, facts.since.to_string()),
        header(ORIGIN, origin_text(&facts.origin)),
        header(ORIGIN_TIMESTAMP, facts.origin_timestamp.to_string()),
    ]);
    headers.extend(facts.paused_at.map(|it| header(PAUSED_AT, it.to_string())));
    headers.extend(history_header(&facts.history));
    headers
}

/// Reads what `waiting_headers` wrote.
///
/// # Errors
/// When one of our headers is missing or is not what we write: somebody else wrote into the delay topic.
pub fn waiting_facts(message: &Message) -> Result<WaitingFacts, Malformed> {
    let fields = Fields::of(message);
    Ok(WaitingFacts {
        connection: fields.needed(CONNECTION, escape::read_connection)?,
        record: fields.needed(RECORD, fields::record)?,
        attempt: fields.needed(ATTEMPT, fields::attempt)?,
        because: fields.needed(BECAUSE, Because::from_name)?,
        due: fields.needed(DUE_AT, fields::millis)?,
        since: fields.needed(WAITING_SINCE, fields::millis)?,
        paused_at: fields.perhaps(PAUSED_AT, fields::millis)?,
        origin: fields.needed(ORIGIN, fields::origin)?,
        origin_timestamp: fields.needed(ORIGIN_TIMESTAMP, fields::millis)?,
        history: history_of(message),
    })
}

/// The headers of a dead letter: those of the original, then ours. `original` as for `waiting_headers`.
pub fn dead_headers(original: &Message, facts: &DeadFacts) -> Vec<Header> {
    let mut headers = foreign(&original.headers);
    headers.extend(facts.connection.as_ref().map(|it| header(CONNECTION, escape::connection(it))));
    headers.extend(facts.record.map(|it| header(RECORD, it.to_string())));
    headers.push(header(ATTEMPT, facts.attempt.0.to_string()));
    headers.extend(facts.since.map(|it| header(WAITING_SINCE, it.to_string())));
    headers.extend([
        header(ORIGIN, origin_text(&facts.origin)),
        header(ORIGIN_TIMESTAMP, facts.origin_timestamp.to_string()),
    ]);
    headers.extend(history_header(&facts.history));
    headers.push(header(REASON, facts.reason.name().to_owned()));
    headers.extend(facts.exhausted.then(|| header(EXHAUSTED, "true".to_owned())));
    let mut what = facts.what.clone();
    what.truncate(what.floor_char_boundary(DLT_MESSAGE_BYTES_MAX));
    headers.extend([header(DLT_TOPIC, facts.origin.topic.to_string()), header(DLT_MESSAGE, what)]);
    headers
}

/// Reads what `dead_headers` wrote.
///
/// # Errors
/// When one of our headers is missing or is not what we write: no dead letter of ours.
pub fn dead_facts(message: &Message) -> Result<DeadFacts, Malformed> {
    let fields = Fields::of(message);
    Ok(DeadFacts {
        connection: fields.perhaps(CONNECTION, escape::read_connection)?,
        record: fields.perhaps(RECORD, fields::record)?,
        attempt: fields.needed(ATTEMPT, fields::attempt)?,
        since: fields.perhaps(WAITING_SINCE, fields::millis)?,
        origin: fields.needed(ORIGIN, fields::origin)?,
        origin_timestamp: fields.needed(ORIGIN_TIMESTAMP, fields::millis)?,
        reason: fields.needed(REASON, Reason::from_name)?,
        exhausted: fields.perhaps(EXHAUSTED, fields::truth)?.unwrap_or(false),
        what: fields.needed(DLT_MESSAGE, |it| Some(it.to_owned()))?,
        history: history_of(message),
    })
}

/// The job as it was read from `.jobs`, out of a message that waits.
pub fn original(message: &Message, facts: &WaitingFacts) -> Message {
    Message { headers: foreign(&message.headers), timestamp: facts.origin_timestamp, ..message.clone() }
}

/// The message as it was read from `.jobs`, out of a dead letter.
pub fn original_of_dead(message: &Message, facts: &DeadFacts) -> Message {
    let mut headers = foreign(&message.headers);
    for name in [DLT_MESSAGE, DLT_TOPIC] {
        if let Some(at) = headers.iter().rposition(|it| it.name == name) {
            headers.remove(at);
        }
    }
    Message { headers, timestamp: facts.origin_timestamp, ..message.clone() }
}

/// The last release of a waiting message under a pause, if there was one.
pub fn paused_at(message: &Message) -> Option<Millis> {
    Fields::of(message).perhaps(PAUSED_AT, fields::millis).ok().flatten()
}

/// The same waiting message, released under a pause at `now`.
pub fn with_pause(mut message: Message, now: Millis) -> Message {
    message.headers.retain(|it| it.name != PAUSED_AT);
    message.headers.push(header(PAUSED_AT, now.to_string()));
    message
}

/// The id of the replay that brought this message, if one did.
pub fn replay_id(message: &Message) -> Option<&str> {
    std::str::from_utf8(message.header(REPLAY_ID)?).ok().filter(|it| !it.is_empty())
}

/// The original, marked as brought by this replay; an earlier mark goes.
pub fn with_replay_id(mut original: Message, id: &str) -> Message {
    original.headers.retain(|it| it.name != REPLAY_ID);
    original.headers.push(header(REPLAY_ID, id.to_owned()));
    original
}

/// `topic/partition/offset`.
pub fn origin_text(origin: &Origin) -> String {
    format!("{}/{}/{}", origin.topic, origin.shard, origin.seq)
}

fn foreign(headers: &[Header]) -> Vec<Header> {
    let mut kept = Vec::with_capacity(headers.len().saturating_add(OURS.len()));
    kept.extend(headers.iter().filter(|it| !OURS.contains(&&*it.name)).cloned());
    kept
}

fn header(name: &str, value: String) -> Header {
    Header { name: name.to_owned(), value: Some(value.into()) }
}

/// None while nothing was tried: most deliveries that wait have no history.
fn history_header(history: &History) -> Option<Header> {
    (!history.0.is_empty()).then(|| header(HISTORY, history::encode(history)))
}

fn history_of(message: &Message) -> History {
    message.header(HISTORY).map(history::decode).unwrap_or_default()
}

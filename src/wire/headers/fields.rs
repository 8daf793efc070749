//! The values of our headers: decimal numbers, hex, names, places.
//! Not here: which headers there are (`headers`).

use crate::model::{Attempt, Message, Millis, Offset, Origin, RecordHash, Shard};
use crate::wire::job::Malformed;

/// The headers of one message, read by name; of several with one name the last counts, as in Kafka's clients.
pub(super) struct Fields<'a> {
    message: &'a Message,
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a Message) -> Self {
        Self { message }
    }

    pub(super) fn needed<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Malformed> {
        self.perhaps(name, read)?.ok_or_else(|| Malformed::new(format!("header `{name}` is missing")))
    }

    pub(super) fn perhaps<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Malformed> {
        let Some(value) = self.message.header(name) else { return Ok(None) };
        let read = std::str::from_utf8(value).ok().and_then(read);
        read.map(Some).ok_or_else(|| Malformed::new(format!("header `{name}` cannot be understood")))
    }
}

pub(super) fn millis(text: &str) -> Option<Millis> {
    decimal(text).map(Millis)
}

pub(super) fn attempt(text: &str) -> Option<Attempt> {
    decimal(text)?.try_into().ok().map(Attempt)
}

pub(super) fn record(text: &str) -> Option<RecordHash> {
    let is_hex = text.len() == 32 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok())?.map(RecordHash)
}

/// `topic/partition/offset`; a topic's name has no `/`.
pub(super) fn origin(text: &str) -> Option<Origin> {
    let (rest, seq) = text.rsplit_once('/')?;
    let (topic, shard) = rest.rsplit_once('/')?;
    if topic.is_empty() || topic.contains('/') {
        return None;
    }
    let shard = Shard(decimal(shard)?.try_into().ok()?);
    Some(Origin { topic: topic.into(), shard, seq: Offset(decimal(seq)?) })
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Digits only: the standard parser would take a sign.
fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok())?
}

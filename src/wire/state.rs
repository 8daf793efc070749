//! The bytes of the changelog: readable keys and compact values (core rules §1).
//! Not here: keys of the local store (`index`), though its values are these.
//!
//! Keys: `commit`, `position/<topic>`, `settled/<topic>/<segment>`, `dead/<seq>/<tenant>/<connection>` (or `dead/<seq>/`
//! for what never was a delivery), `connection/<tenant>/<connection>`, `ref/<tenant>/<connection>/<object>/<external id>`, ids percent-encoded; in `.applied` 16 bytes of tenant hash and 16 of dedupe hash, big
//! endian. No key has two texts. Values: the format, 1, then numbers in LEB128, texts counted. A value of a format
//! this version does not know is an error that stops the shard: guessing would lose or repeat work.
//! **All of this lies in people's Kafka: it never changes without a new format.** `tests/data/v0.1` pins it.

mod bits;
mod connection;
mod held;
mod key;
mod reference;
#[cfg(test)]
mod tests;

use crate::model::{
    AppliedMark, CommitMark, CommitNumber, DeadMark, Incarnation, Millis, Offset, Position, Reason, Rewinds, StateKey,
    StateValue, Topic,
};
use crate::wire::binary::{Cut, Pen};
use bytes::Bytes;
use thiserror::Error;

/// The format of every value that is written; the first byte of each.
pub const FORMAT: u8 = 1;

/// Bytes of ours that cannot be read: the shard stops, a person must act.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StateFault {
    #[error("the value of `{key}` has format {format}, which is not known here; start the newer version that wrote it")]
    UnknownFormat { key: String, format: u8 },
    #[error("`{key}` is no key of `{topic}`; see what else writes to that topic, or start the newer version that did")]
    UnknownKey { topic: &'static str, key: String },
    #[error("the value of `{key}` is damaged; see what else writes to it, and restore or rebuild it")]
    Damaged { key: String },
}

/// Key and value as the changelog carries them. The value is to be of the key's kind; one of another kind is written
/// as it is and refused by `decode`.
pub fn encode(key: &StateKey, value: &StateValue) -> (Bytes, Bytes) {
    (encode_key(key), encode_value(value).into())
}

/// The key alone: with no value it deletes.
pub fn encode_key(key: &StateKey) -> Bytes {
    key::encode(key)
}

/// The value alone, as the local store keeps it too.
pub fn encode_value(value: &StateValue) -> Vec<u8> {
    let mut pen = Pen::starting_with(FORMAT);
    match value {
        StateValue::Commit(mark) => {
            pen.number(mark.number.0);
            pen.number(mark.incarnation.0);
        }
        StateValue::Position(position) => {
            pen.number(position.low.0);
            pen.number(position.low_max.0);
            pen.number(position.read.0);
            pen.number(u64::from(position.rewinds.0));
        }
        StateValue::Settled(bits) => bits::write(&mut pen, bits),
        StateValue::Dead(mark) => {
            pen.counted(mark.reason.name().as_bytes());
            pen.perhaps(mark.code.as_deref().map(str::as_bytes));
            pen.number(mark.at.0);
            pen.number(u64::from(mark.rewinds.0));
        }
        StateValue::Hold(hold) => held::write_hold(&mut pen, hold),
        StateValue::Pause(pause) => held::write_pause(&mut pen, pause),
        StateValue::Applied(mark) => {
            pen.number(mark.at.0);
            pen.number(mark.seq.0);
        }
        StateValue::Connection(mark) => connection::write(&mut pen, mark),
        StateValue::Ref(mark) => reference::write(&mut pen, mark),
    }
    pen.done()
}

/// Reads a message of `.state` or `.applied`; no value: the key is deleted.
///
/// # Errors
/// When it is not one of ours, or of a newer version.
pub fn decode(topic: Topic, key: &[u8], value: Option<&[u8]>) -> Result<(StateKey, Option<StateValue>), StateFault> {
    let Some(read) = key::decode(topic, key) else {
        return Err(StateFault::UnknownKey { topic: topic.suffix(), key: key::shown(topic, key) });
    };
    let value = value.map(|it| decode_value(&read, it)).transpose()?;
    Ok((read, value))
}

/// Reads the value under `key`, from the changelog or the local store.
///
/// # Errors
/// When it is damaged, or of a newer version.
pub fn decode_value(key: &StateKey, value: &[u8]) -> Result<StateValue, StateFault> {
    let shown = || key::shown(key.topic(), &key::encode(key));
    match value.split_first() {
        Some((&FORMAT, rest)) => read(key, Cut::of(rest)).ok_or_else(|| StateFault::Damaged { key: shown() }),
        Some((&format, _)) => Err(StateFault::UnknownFormat { key: shown(), format }),
        None => Err(StateFault::Damaged { key: shown() }),
    }
}

fn read(key: &StateKey, mut cut: Cut<'_>) -> Option<StateValue> {
    let value = match key {
        StateKey::Commit => StateValue::Commit(CommitMark {
            number: CommitNumber(cut.number()?),
            incarnation: Incarnation(cut.number()?),
        }),
        StateKey::Position(_) => StateValue::Position(Position {
            low: Offset(cut.number()?),
            low_max: Offset(cut.number()?),
            read: Offset(cut.number()?),
            rewinds: Rewinds(cut.small()?),
        }),
        StateKey::Settled(_, _) => StateValue::Settled(Box::new(bits::read(&mut cut)?)),
        StateKey::Dead(_, _) => StateValue::Dead(dead(&mut cut)?),
        StateKey::Connection(_) => StateValue::Connection(connection::read(&mut cut)?),
        StateKey::Hold(_) => StateValue::Hold(held::read_hold(&mut cut)?),
        StateKey::Pause(_) => StateValue::Pause(held::read_pause(&mut cut)?),
        StateKey::Ref(_, _, _) => StateValue::Ref(reference::read(&mut cut)?),
        StateKey::Applied(_, _) => {
            StateValue::Applied(AppliedMark { at: Millis(cut.number()?), seq: Offset(cut.number()?) })
        }
    };
    cut.end()?;
    Some(value)
}

fn dead(cut: &mut Cut<'_>) -> Option<DeadMark> {
    let reason = Reason::from_name(cut.text()?)?;
    let code = match cut.perhaps()? {
        None => None,
        Some(code) => Some(std::str::from_utf8(code).ok()?.to_owned()),
    };
    Some(DeadMark { reason, code, at: Millis(cut.number()?), rewinds: Rewinds(cut.small()?) })
}

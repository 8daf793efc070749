//! The keys of the local store, ordered as scans need them, and its entries (core rules §3).
//! Not here: when they are written (`engine`), values of the changelog part (`state`).
//!
//! A key is one byte for its space, then its parts in order, numbers big endian, ids terminated: **the order of keys in a
//! space is the order of their parts**, and a scan of one connection never meets another. The values that engine and
//! store agree on beyond entries are plain: another key, or eight bytes of a number. A local copy can be rebuilt from
//! the log; even so a released layout only changes together with `ENTRY_FORMAT` or with a new space.

mod entry;
#[cfg(test)]
mod tests;

use crate::model::{
    ConnectionId, DedupeHash, EntryKey, Millis, Object, Offset, Place, RecordHash, Segment, Seq, StateKey, TenantHash,
    Tier, Topic,
};
use crate::wire::binary::{Cut, Pen};
use crate::wire::state::StateFault;

pub use entry::{ENTRY_FORMAT, decode_entry, encode_entry};

const COMMIT: u8 = 0x01;
const POSITION: u8 = 0x02;
const SETTLED: u8 = 0x03;
const DEAD: u8 = 0x04;
const APPLIED: u8 = 0x05;
const CONNECTION: u8 = 0x06;
const HOLD: u8 = 0x07;
const PAUSE: u8 = 0x08;
const REF: u8 = 0x09;
const MESSAGE: u8 = 0x10;
const ENTRY: u8 = 0x11;
const RECORD: u8 = 0x12;
const TIMER: u8 = 0x13;
const QUEUE: u8 = 0x14;
const READ: u8 = 0x20;
const CHANGELOG: u8 = 0x21;

/// Where a key of the changelog lies in the local store; its value is that of the changelog.
pub fn state_key(key: &StateKey) -> Vec<u8> {
    match key {
        StateKey::Commit => vec![COMMIT],
        StateKey::Position(topic) => vec![POSITION, topic_byte(*topic)],
        StateKey::Settled(topic, segment) => {
            let mut pen = Pen::starting_with(SETTLED);
            pen.byte(topic_byte(*topic));
            pen.ordered(segment.0);
            pen.done()
        }
        StateKey::Dead(seq, connection) => {
            let mut pen = Pen::starting_with(DEAD);
            pen.ordered(seq.0);
            pen.byte(u8::from(connection.is_some()));
            if let Some(connection) = connection {
                pen.connection(connection);
            }
            pen.done()
        }
        StateKey::Hold(connection) => {
            let mut pen = Pen::starting_with(HOLD);
            pen.connection(connection);
            pen.done()
        }
        StateKey::Pause(about) => {
            let mut pen = Pen::starting_with(PAUSE);
            pen.scope(about);
            pen.done()
        }
        StateKey::Ref(id, object, external_id) => {
            let mut pen = Pen::starting_with(REF);
            pen.connection(id);
            pen.terminated(&object.0);
            pen.terminated(external_id);
            pen.done()
        }
        StateKey::Applied(tenant, dedupe) => {
            let mut pen = Pen::starting_with(APPLIED);
            pen.hash(tenant.0);
            pen.hash(dedupe.0);
            pen.done()
        }
        StateKey::Connection(id) => {
            let mut pen = Pen::starting_with(CONNECTION);
            pen.connection(id);
            pen.done()
        }
    }
}

/// # Errors
/// When it is no key of the changelog's part of the store.
pub fn decode_state_key(key: &[u8]) -> Result<StateKey, StateFault> {
    whole(key, |cut| match cut.byte()? {
        COMMIT => Some(StateKey::Commit),
        POSITION => Some(StateKey::Position(topic_of(cut.byte()?)?)),
        SETTLED => Some(StateKey::Settled(topic_of(cut.byte()?)?, Segment(cut.ordered()?))),
        DEAD => {
            let seq = Offset(cut.ordered()?);
            match cut.byte()? {
                0 => Some(StateKey::Dead(seq, None)),
                1 => Some(StateKey::Dead(seq, Some(cut.connection()?))),
                _ => None,
            }
        }
        HOLD => cut.connection().map(StateKey::Hold),
        PAUSE => cut.scope().map(StateKey::Pause),
        REF => Some(StateKey::Ref(cut.connection()?, Object(cut.terminated()?.into()), cut.terminated()?.into())),
        APPLIED => Some(StateKey::Applied(TenantHash(cut.hash()?), DedupeHash(cut.hash()?))),
        CONNECTION => Some(StateKey::Connection(cut.connection()?)),
        _ => None,
    })
}

/// Whether an idempotency key that succeeded lies there.
pub fn is_applied_key(key: &[u8]) -> bool {
    key.first() == Some(&APPLIED)
}

/// All `dead` keys, lowest `seq` first.
pub fn dead_space() -> Vec<u8> {
    vec![DEAD]
}

/// All `connection` keys.
pub fn connection_space() -> Vec<u8> {
    vec![CONNECTION]
}

/// All `hold` keys.
pub fn hold_space() -> Vec<u8> {
    vec![HOLD]
}

/// All `pause` keys.
pub fn pause_space() -> Vec<u8> {
    vec![PAUSE]
}

/// All `position` keys.
pub fn position_space() -> Vec<u8> {
    vec![POSITION]
}

/// All segments of the settled set of one topic, lowest first.
pub fn settled_prefix(topic: Topic) -> Vec<u8> {
    vec![SETTLED, topic_byte(topic)]
}

/// All segments of the settled set, topic by topic.
pub fn settled_space() -> Vec<u8> {
    vec![SETTLED]
}

/// Which delivery a message of a delay topic is; the value is its `entry_key`.
pub fn message_key(place: Place) -> Vec<u8> {
    let mut pen = Pen::starting_with(MESSAGE);
    pen.byte(topic_byte(Topic::Delay(place.tier)));
    pen.ordered(place.offset.0);
    pen.done()
}

/// # Errors
/// When it is no `message` key.
pub fn decode_message_key(key: &[u8]) -> Result<Place, StateFault> {
    in_space(MESSAGE, key, |cut| {
        let tier = tier_of(cut.byte()?)?;
        Some(Place { tier, offset: Offset(cut.ordered()?) })
    })
}

/// All messages of one delay topic, oldest first.
pub fn message_prefix(tier: Tier) -> Vec<u8> {
    vec![MESSAGE, topic_byte(Topic::Delay(tier))]
}

/// A waiting delivery; the value is `encode_entry`.
pub fn entry_key(key: &EntryKey) -> Vec<u8> {
    let mut pen = Pen::starting_with(ENTRY);
    pen.ordered(key.seq.0);
    pen.connection(&key.connection);
    pen.done()
}

/// # Errors
/// When it is no `entry` key.
pub fn decode_entry_key(key: &[u8]) -> Result<EntryKey, StateFault> {
    in_space(ENTRY, key, entry_parts)
}

/// All waiting deliveries, lowest `seq` first.
pub fn entry_space() -> Vec<u8> {
    vec![ENTRY]
}

/// A waiting delivery of a CRM record.
pub fn record_key(record: RecordHash, seq: Seq) -> Vec<u8> {
    let mut key = record_prefix(record);
    key.extend_from_slice(&seq.0.to_be_bytes());
    key
}

/// # Errors
/// When it is no `record` key.
pub fn decode_record_key(key: &[u8]) -> Result<(RecordHash, Seq), StateFault> {
    in_space(RECORD, key, |cut| Some((RecordHash(cut.hash()?), Offset(cut.ordered()?))))
}

/// All waiting deliveries of a CRM record; the first is its head.
pub fn record_space() -> Vec<u8> {
    vec![RECORD]
}

/// All waiting deliveries of one record, lowest `seq` first.
pub fn record_prefix(record: RecordHash) -> Vec<u8> {
    let mut pen = Pen::starting_with(RECORD);
    pen.hash(record.0);
    pen.done()
}

/// A retry that is not yet due.
pub fn timer_key(due: Millis, key: &EntryKey) -> Vec<u8> {
    let mut pen = Pen::starting_with(TIMER);
    pen.ordered(due.0);
    pen.ordered(key.seq.0);
    pen.connection(&key.connection);
    pen.done()
}

/// # Errors
/// When it is no `timer` key.
pub fn decode_timer_key(key: &[u8]) -> Result<(Millis, EntryKey), StateFault> {
    in_space(TIMER, key, |cut| Some((Millis(cut.ordered()?), entry_parts(cut)?)))
}

/// All timers, the earliest first.
pub fn timer_prefix() -> Vec<u8> {
    vec![TIMER]
}

/// Where the timers from `due` on begin.
pub fn timer_from(due: Millis) -> Vec<u8> {
    let mut pen = Pen::starting_with(TIMER);
    pen.ordered(due.0);
    pen.done()
}

/// A head with no timer running.
pub fn queue_key(connection: &ConnectionId, seq: Seq) -> Vec<u8> {
    let mut key = queue_prefix(connection);
    key.extend_from_slice(&seq.0.to_be_bytes());
    key
}

/// # Errors
/// When it is no `queue` key.
pub fn decode_queue_key(key: &[u8]) -> Result<(ConnectionId, Seq), StateFault> {
    in_space(QUEUE, key, |cut| Some((cut.connection()?, Offset(cut.ordered()?))))
}

/// The queue of one connection, lowest `seq` first.
pub fn queue_prefix(connection: &ConnectionId) -> Vec<u8> {
    let mut pen = Pen::starting_with(QUEUE);
    pen.connection(connection);
    pen.done()
}

/// The queues of all connections.
pub fn queue_space() -> Vec<u8> {
    vec![QUEUE]
}

/// Up to where a delay topic has been filed; the value is eight bytes, big endian.
pub fn read_key(topic: Topic) -> Vec<u8> {
    vec![READ, topic_byte(topic)]
}

/// # Errors
/// When it is no `read` key.
pub fn decode_read_key(key: &[u8]) -> Result<Topic, StateFault> {
    in_space(READ, key, |cut| topic_of(cut.byte()?))
}

/// Up to where a changelog has been taken over; the value is eight bytes, big endian.
pub fn changelog_key(topic: Topic) -> Vec<u8> {
    vec![CHANGELOG, topic_byte(topic)]
}

/// # Errors
/// When it is no `changelog` key.
pub fn decode_changelog_key(key: &[u8]) -> Result<Topic, StateFault> {
    in_space(CHANGELOG, key, |cut| topic_of(cut.byte()?))
}

fn entry_parts(cut: &mut Cut<'_>) -> Option<EntryKey> {
    Some(EntryKey { seq: Offset(cut.ordered()?), connection: cut.connection()? })
}

fn in_space<T>(space: u8, key: &[u8], read: impl FnOnce(&mut Cut<'_>) -> Option<T>) -> Result<T, StateFault> {
    whole(key, |cut| if cut.byte()? == space { read(cut) } else { None })
}

fn whole<T>(key: &[u8], read: impl FnOnce(&mut Cut<'_>) -> Option<T>) -> Result<T, StateFault> {
    let mut cut = Cut::of(key);
    let parts = read(&mut cut);
    parts
        .filter(|_| cut.end().is_some())
        .ok_or_else(|| StateFault::UnknownKey { topic: "the local store", key: hex(key) })
}

/// At most the first 64 bytes.
pub(super) fn hex(key: &[u8]) -> String {
    key.iter().take(64).map(|it| format!("{it:02x}")).collect()
}

/// In the order of `Topic`.
fn topic_byte(topic: Topic) -> u8 {
    match topic {
        Topic::Jobs => 0,
        Topic::Delay(Tier::S5) => 1,
        Topic::Delay(Tier::S10) => 2,
        Topic::Delay(Tier::S20) => 3,
        Topic::Delay(Tier::S40) => 4,
        Topic::Delay(Tier::S80) => 5,
        Topic::Dlq => 6,
        Topic::State => 7,
        Topic::Applied => 8,
        Topic::Outcomes => 9,
    }
}

fn topic_of(byte: u8) -> Option<Topic> {
    Topic::ALL.into_iter().find(|it| topic_byte(*it) == byte)
}

pub(super) fn tier_of(byte: u8) -> Option<Tier> {
    Tier::ALL.into_iter().find(|it| tier_byte(*it) == byte)
}

pub(super) fn tier_byte(tier: Tier) -> u8 {
    topic_byte(Topic::Delay(tier))
}

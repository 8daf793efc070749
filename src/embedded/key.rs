//! Where things lie on disk: the keys of messages and of what the log knows about itself.
//! Not here: values (`frame`, `disk`).
//!
//! A message: topic (1 byte), shard (4, big-endian), offset (8, big-endian), so that one partition of one topic is one
//! range in offset order.

use crate::model::{Offset, Shard, Tier, Topic};

pub(super) const FORMAT: &[u8] = b"format";
pub(super) const IDENTITY: &[u8] = b"identity";
pub(super) const SHARDS: &[u8] = b"shards";

/// Kinds of facts about one partition, by their first byte. All others begin with a letter above `a`.
const START: u8 = 1;
const END: u8 = 2;
const GROUP: u8 = 3;
const CLEANED: u8 = 4;

pub(super) fn message(topic: Topic, shard: Shard, offset: Offset) -> [u8; 13] {
    let mut key = [0; 13];
    let parts = [code(topic)].into_iter().chain(shard.0.to_be_bytes()).chain(offset.0.to_be_bytes());
    for (place, byte) in key.iter_mut().zip(parts) {
        *place = byte;
    }
    key
}

/// The offset in the key of a message.
pub(super) fn offset(key: &[u8]) -> Option<Offset> {
    key.last_chunk::<8>().map(|it| Offset(u64::from_be_bytes(*it)))
}

/// The first offset that was not deleted.
pub(super) fn start(topic: Topic, shard: Shard) -> Vec<u8> {
    fact(START, topic, shard)
}

/// The next offset to be given.
pub(super) fn end(topic: Topic, shard: Shard) -> Vec<u8> {
    fact(END, topic, shard)
}

/// The group's offset of `jobs[shard]`.
pub(super) fn group(shard: Shard) -> Vec<u8> {
    fact(GROUP, Topic::Jobs, shard)
}

/// How far a changelog has been cleaned.
pub(super) fn cleaned(topic: Topic, shard: Shard) -> Vec<u8> {
    fact(CLEANED, topic, shard)
}

fn fact(kind: u8, topic: Topic, shard: Shard) -> Vec<u8> {
    [&[kind, code(topic)], shard.0.to_be_bytes().as_slice()].concat()
}

/// On disk for ever: never change one, never use one twice.
fn code(topic: Topic) -> u8 {
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

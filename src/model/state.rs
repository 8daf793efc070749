//! The state of a shard that must not vanish: what the changelog topics carry (core rules §1).
//! Not here: its bytes (`wire`), when it changes (`machine`).

use crate::model::{
    CommitNumber, ConnectionId, ConnectionMark, DedupeHash, Hold, Incarnation, Millis, Object, Offset, Pause, Reason,
    RefMark, Rewinds, Scope, Segment, Seq, TenantHash, Topic,
};
use std::sync::Arc;

/// Offsets in one segment of the settled set.
pub const SEGMENT_BITS: u64 = 4096;

/// One key of the changelog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    Commit,
    Position(Topic),
    Settled(Topic, Segment),
    /// No connection: the message never was a delivery.
    Dead(Seq, Option<ConnectionId>),
    Applied(TenantHash, DedupeHash),
    /// The limit windows of a connection.
    Connection(ConnectionId),
    Hold(ConnectionId),
    Pause(Scope),
    /// Of a record whose object has no unique key in the CRM.
    Ref(ConnectionId, Object, Arc<str>),
}

impl StateKey {
    /// The changelog that carries this key.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Commit
            | Self::Position(_)
            | Self::Settled(_, _)
            | Self::Dead(_, _)
            | Self::Connection(_)
            | Self::Hold(_)
            | Self::Pause(_)
            | Self::Ref(_, _, _) => Topic::State,
            Self::Applied(_, _) => Topic::Applied,
        }
    }
}

/// The value under a key of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateValue {
    Commit(CommitMark),
    Position(Position),
    Settled(Box<SegmentBits>),
    Dead(DeadMark),
    Hold(Hold),
    Pause(Pause),
    Ref(RefMark),
    Applied(AppliedMark),
    Connection(ConnectionMark),
}

/// Which commit was the last: tells the fate of an unanswered one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitMark {
    pub number: CommitNumber,
    pub incarnation: Incarnation,
}

/// How far an input topic has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Everything below is settled.
    pub low: Offset,
    /// The highest `low` ever; a message below it was settled once.
    pub low_max: Offset,
    /// Everything below has been read once.
    pub read: Offset,
    pub rewinds: Rewinds,
}

/// Which of 4,096 offsets are settled: bit `offset % 4096`, lowest bit first.
#[derive(Clone, PartialEq, Eq)]
pub struct SegmentBits(pub [u64; 64]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadMark {
    pub reason: Reason,
    /// The CRM's own code.
    pub code: Option<String>,
    pub at: Millis,
    /// The rewind during which it died.
    pub rewinds: Rewinds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedMark {
    pub at: Millis,
    pub seq: Seq,
}

impl std::fmt::Debug for SegmentBits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set: u32 = self.0.iter().map(|it| it.count_ones()).sum();
        write!(formatter, "SegmentBits({set} set)")
    }
}

impl Default for SegmentBits {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl SegmentBits {
    pub fn has(&self, offset: Offset) -> bool {
        let (word, mask) = bit(offset);
        self.0.get(word).is_some_and(|it| it & mask != 0)
    }

    pub fn set(&mut self, offset: Offset) {
        let (word, mask) = bit(offset);
        if let Some(it) = self.0.get_mut(word) {
            *it |= mask;
        }
    }

    /// Clears the bits of `segment` for offsets from `from` to below `to`.
    pub fn clear(&mut self, segment: Segment, from: Offset, to: Offset) {
        let first = segment.0.saturating_mul(SEGMENT_BITS);
        for offset in (first..first.saturating_add(SEGMENT_BITS)).filter(|it| (from.0..to.0).contains(it)) {
            let (word, mask) = bit(Offset(offset));
            if let Some(it) = self.0.get_mut(word) {
                *it &= !mask;
            }
        }
    }
}

/// The word and the mask of an offset within its segment.
fn bit(offset: Offset) -> (usize, u64) {
    let within = offset.0 % SEGMENT_BITS;
    (usize::try_from(within / 64).unwrap_or(0), 1 << (within % 64))
}

//! A delivery that waits in a delay topic, as the waiting index knows it (core rules §3).
//! Not here: its keys in the local store (`wire`), when it runs (`machine`).

use crate::model::{Attempt, Because, ConnectionId, Message, Millis, Offset, RecordHash, Seq, Tier};

/// Names a delivery within its shard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    pub seq: Seq,
    pub connection: ConnectionId,
}

/// Where the message of a waiting delivery lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub tier: Tier,
    pub offset: Offset,
}

/// One waiting delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: EntryKey,
    pub place: Place,
    pub record: RecordHash,
    pub attempt: Attempt,
    pub because: Because,
    /// Not before this moment, if `because` is a retry; else the estimate that people are shown.
    pub due: Millis,
    /// The first release.
    pub since: Millis,
    /// The message as it lies in the delay topic, our headers included.
    pub message: Message,
}

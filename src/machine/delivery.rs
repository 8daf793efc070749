//! One job for one connection while it is in memory.
//! Not here: when it is called (`choose`), where it waits on disk (`waiting`).

use crate::machine::{Head, Way};
use crate::model::{
    Attempt, Because, Connection, DedupeHash, Entry, EntryKey, History, Job, Message, Millis, Place, RecordHash, Seq,
    TenantHash,
};
use std::sync::Arc;

/// Where a job goes: one of its deliveries, as the routes decided.
#[derive(Clone, Debug)]
pub struct Target {
    pub connection: Arc<Connection>,
    pub tenant: TenantHash,
    pub dedupe: DedupeHash,
    pub record: RecordHash,
}

/// How the waiting index holds a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    pub place: Place,
    pub because: Because,
    /// When its timer ends; 0: it has none.
    pub timer: Millis,
    /// Bytes of its message.
    pub size: u32,
}

impl Waits {
    /// How a message lies in the index.
    pub fn of(entry: &Entry, timer: Millis) -> Self {
        let size = u32::try_from(entry.message.size()).unwrap_or(u32::MAX);
        Self { place: entry.place, because: entry.because, timer, size }
    }
}

/// What is deduplicated, ordered, called and retried.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub seq: Seq,
    pub target: Target,
    pub job: Arc<Job>,
    /// The message of `jobs`, byte for byte.
    pub original: Arc<Message>,
    /// How it waits; absent while it is still in `jobs` itself.
    pub waits: Option<Waits>,
    pub attempt: Attempt,
    pub history: History,
    /// The first release.
    pub since: Option<Millis>,
    /// The last release under a pause, if there was one.
    pub paused_at: Option<Millis>,
    /// How often its call was refused as a whole: each makes the next call ten times smaller.
    pub level: u32,
    /// Absent where the CRM has a unique key for its record.
    pub way: Option<Box<Way>>,
}

impl Delivery {
    /// One that comes from the index.
    pub fn waiting(head: Head) -> Self {
        Self {
            seq: head.seq,
            target: head.target,
            job: head.job,
            original: head.original,
            waits: Some(head.waits),
            attempt: head.attempt,
            history: head.history,
            since: Some(head.since),
            paused_at: head.paused_at,
            level: 0,
            way: None,
        }
    }

    pub fn key(&self) -> EntryKey {
        EntryKey { seq: self.seq, connection: self.target.connection.id.clone() }
    }

    /// Bytes held in memory: its texts, and what lies around them.
    pub fn size(&self) -> usize {
        /// The boxes of delivery, job and message, their short texts, and its places in sets and maps, as the allocator
        /// rounds them (64-bit, by the sizes of the types).
        const OVERHEAD: usize = 850;
        /// Likewise around each header.
        const HEADER: usize = 100;
        self.original.size() + HEADER * self.original.headers.len() + self.job.change.size() + OVERHEAD
    }
}

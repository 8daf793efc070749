//! What the next commit carries of one shard, in words; the loop turns it into messages and store writes.
//! Not here: bytes; when it is sealed.

use crate::machine::{Delivery, Waits};
use crate::model::{
    Because, Crm, Entry, EntryKey, Message, Millis, Offset, Outcome, Reason, RecordHash, Shard, StateKey, StateValue,
    Tier, Topic,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outcomes entered since the last seal and all that goes with them.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Changelog puts and (no value) deletes; the last word per key.
    pub puts: BTreeMap<StateKey, Option<StateValue>>,
    pub released: Vec<Released>,
    pub renewed: Vec<Renewed>,
    pub dead: Vec<DeadLetter>,
    pub forwarded: Vec<Forwarded>,
    pub ended: Vec<Ended>,
    /// Entries of the waiting index that end with this commit.
    pub removed: BTreeMap<EntryKey, Removed>,
    /// How far delay topics have been read, where a message was settled without being filed: the position passes it
    /// only with this commit.
    pub reads: BTreeMap<Tier, Offset>,
    /// Messages settled with this commit.
    pub settled: usize,
    /// Bytes of messages carried, roughly.
    pub bytes: usize,
}

impl Part {
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.released.is_empty()
            && self.renewed.is_empty()
            && self.dead.is_empty()
            && self.forwarded.is_empty()
            && self.ended.is_empty()
            && self.removed.is_empty()
            && self.reads.is_empty()
    }

    /// This part followed by a later one: what an aborted commit becomes.
    pub fn join(&mut self, later: Self) {
        self.puts.extend(later.puts);
        self.released.extend(later.released);
        self.renewed.extend(later.renewed);
        self.dead.extend(later.dead);
        self.forwarded.extend(later.forwarded);
        self.ended.extend(later.ended);
        self.removed.extend(later.removed);
        self.reads.extend(later.reads);
        self.settled += later.settled;
        self.bytes += later.bytes;
    }
}

/// A delivery that goes to a delay topic.
#[derive(Clone, Debug)]
pub struct Released {
    pub delivery: Box<Delivery>,
    pub because: Because,
    pub tier: Tier,
    pub due: Millis,
    pub since: Millis,
    /// How often the log refused this message: its history is cut, at last it is dead.
    pub refusals: u32,
}

/// A message that goes into its delay topic once more, as it is.
#[derive(Clone, Debug)]
pub struct Renewed {
    pub tier: Tier,
    pub message: Message,
    /// Marked with this moment, unless the mark makes it too large for its topic.
    pub paused_at: Option<Millis>,
}

/// A message for the dead letter topic.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Where the message was read: `jobs`, or for a strange one the delay topic.
    pub topic: Topic,
    pub offset: Offset,
    pub original: Arc<Message>,
    pub reason: Reason,
    /// For people, scrubbed.
    pub what: String,
    /// `true`: retries ran out.
    pub exhausted: bool,
    /// Absent: the message never was a delivery.
    pub delivery: Option<Box<Delivery>>,
    /// As of a released one.
    pub refusals: u32,
}

/// A job on its way to its tenant's home.
#[derive(Clone, Debug)]
pub struct Forwarded {
    pub home: Shard,
    pub offset: Offset,
    pub original: Arc<Message>,
    /// How often the log refused this message.
    pub refusals: u32,
}

/// Which message of a part the log refuses, by its place in the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    Released(usize),
    Dead(usize),
    Forwarded(usize),
    Renewed(usize),
    /// An outcome or a piece of the changelog: nothing can be done without it.
    Other,
}

/// A delivery's line in `.outcomes`.
#[derive(Clone, Debug)]
pub struct Ended {
    pub delivery: Box<Delivery>,
    pub outcome: Outcome,
    pub at: Millis,
    /// The CRM's id of the record, where it told one.
    pub record_id: Option<String>,
    pub reason: Option<Reason>,
    pub code: Option<String>,
}

impl Ended {
    pub fn crm(&self) -> Crm {
        self.delivery.target.connection.crm
    }
}

/// Under which keys an entry lies in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub record: RecordHash,
    pub waits: Waits,
}

/// A write of the waiting index that needs no commit: the index is derived from the topics.
#[derive(Clone, Debug)]
pub enum IndexWrite {
    /// A message of a delay topic is filed; `queued`: it may run at once. `replaces`: how the same delivery lay before.
    File { entry: Box<Entry>, waits: Waits, queued: bool, replaces: Option<Waits> },
    /// A delivery became the head of its record.
    Queue(EntryKey, RecordHash),
    /// A timer has fired.
    TimerGone(Millis, EntryKey, RecordHash),
    /// Everything below has been filed or passed.
    Read(Tier, Offset),
}

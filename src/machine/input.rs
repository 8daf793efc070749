//! What a machine is told, what it needs to know first, and what it answers: closed lists.
//! Not here: what follows from an input (`step`).

use crate::machine::{IndexWrite, Note, Suspect, Target, delivery::Waits};
use crate::model::{
    AppliedMark, Attempt, CallEnded, Command, ConnectionId, DeadMark, DedupeHash, Entry, EntryKey, History, Job,
    Message, Millis, Offset, Reason, RecordHash, RefMark, Seq, Shard, StateKey, TenantHash, Tier,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that can happen to a shard.
#[derive(Debug)]
pub enum Input {
    /// Messages of `jobs`, decoded and routed; `position` is the next offset to come. `spill`: memory is short.
    Jobs {
        jobs: Vec<JobRead>,
        position: Offset,
        spill: bool,
    },
    /// Messages of a delay topic, decoded.
    Waiting {
        tier: Tier,
        messages: Vec<WaitingRead>,
        position: Offset,
    },
    CallEnded(CallEnded),
    /// The connection's credentials are others than before.
    AccessChanged(ConnectionId),
    /// Heads of a connection, loaded from its queue; `next`: where the queue goes on, if it does.
    Heads {
        connection: ConnectionId,
        heads: Vec<Head>,
        next: Option<Seq>,
    },
    /// Waiting deliveries that have lain in their topic for long.
    Renew(Vec<Aged>),
    /// Waiting deliveries whose time is over.
    Expire(Vec<Head>),
    /// Waiting deliveries whose messages cannot be read.
    Unreadable(Vec<(Aged, String)>),
    /// Timers that have run out, with the record each belongs to.
    Due(Vec<(Millis, EntryKey, RecordHash)>),
    /// The oldest entry of a delay topic, read from the index after a commit.
    Oldest(Tier, Offset),
    /// `dead` keys of the store whose dead letters have served their time.
    Forget(Vec<StateKey>),
    /// The part under way is committed and written to the store.
    Committed,
    /// The part under way was undone; it joins what is building.
    Aborted,
    /// The same, because the log refuses one of its messages for good; why, in words.
    Refused(Suspect, String),
}

#[derive(Debug)]
pub struct JobRead {
    pub offset: Offset,
    pub message: Arc<Message>,
    pub verdict: Verdict,
}

/// What decoding and routing made of a message of `jobs`.
#[derive(Debug)]
pub enum Verdict {
    /// Not meant for a CRM.
    Ignored,
    Malformed {
        reason: Reason,
        what: String,
    },
    /// Its tenant is not configured and may be soon: it is read again later.
    Later,
    /// Its tenant lives at another shard.
    Forward(Shard),
    Deliver {
        job: Arc<Job>,
        targets: Vec<Target>,
    },
}

/// A message of a delay topic, decoded.
#[derive(Debug)]
pub struct WaitingRead {
    pub offset: Offset,
    pub content: WaitingContent,
}

#[derive(Debug)]
pub enum WaitingContent {
    Entry(Box<Entry>),
    /// An operator's.
    Command(Box<Command>),
    /// Not a delivery of ours: somebody else wrote into the topic.
    Strange {
        message: Arc<Message>,
        what: String,
    },
}

/// An entry of the index, loaded and decoded to be called.
#[derive(Debug)]
pub struct Head {
    pub seq: Seq,
    pub waits: Waits,
    pub target: Target,
    pub job: Arc<Job>,
    pub original: Arc<Message>,
    pub attempt: Attempt,
    pub history: History,
    pub since: Millis,
    /// The last release under a pause, if there was one.
    pub paused_at: Option<Millis>,
}

/// An entry of the index with its message, as it lies there.
#[derive(Clone, Debug)]
pub struct Aged {
    pub key: EntryKey,
    pub record: RecordHash,
    pub waits: Waits,
    pub message: Message,
    /// It is released anew while nobody may call it: its age is to count from here.
    pub paused_at: Option<Millis>,
}

/// Keys of the store that an input needs.
#[derive(Debug, Default)]
pub struct Wants {
    pub applied: Vec<(TenantHash, DedupeHash)>,
    pub dead: Vec<(Seq, Option<ConnectionId>)>,
    pub entries: Vec<EntryKey>,
    pub records: Vec<RecordWant>,
    /// Keys of records without a unique key in the CRM.
    pub refs: Vec<StateKey>,
}

/// The first `limit` waiting deliveries of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordWant {
    pub record: RecordHash,
    pub limit: usize,
}

/// What of an entry a decision may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    pub attempt: Attempt,
    pub waits: Waits,
}

/// What the store said: committed state only.
#[derive(Debug, Default)]
pub struct Seen {
    pub applied: BTreeMap<DedupeHash, AppliedMark>,
    pub dead: BTreeMap<StateKey, DeadMark>,
    pub refs: BTreeMap<StateKey, RefMark>,
    /// Waiting deliveries.
    pub entries: BTreeMap<EntryKey, EntryFacts>,
    /// Waiting deliveries of a record in order, each with the end of its timer (0: no timer).
    pub records: BTreeMap<RecordHash, Vec<(Seq, Millis)>>,
}

/// What a step asks the loop to do.
#[derive(Debug, Default)]
pub struct Out {
    pub index: Vec<IndexWrite>,
    pub notes: Vec<Note>,
}

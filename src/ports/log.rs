//! The log that holds jobs, waits and state: shards, messages, a commit, and what happened to it.
//! Not here: Kafka. The product's log, the embedded one and the simulated one all speak this.
//!
//! Life of a shard: `Assigned` -> `open` (changelogs and delay topics are read) -> `read_jobs` -> commits
//! -> `Revoking` -> `close`, or `Lost` at any time. At the end `leave`.

use crate::model::{Commit, CommitNumber, Offset, Received, Shard, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Commands to the log. Called by the loop's thread; none blocks, each answer is a `LogEvent`.
pub trait Log {
    /// Starts reading `state`, `applied` and the delay topics of an assigned shard, each from the offset given,
    /// or from the log's start where none is given or the given one no longer exists.
    fn open(&mut self, shard: Shard, from: BTreeMap<Topic, Offset>);

    /// Starts (or starts again) reading `jobs[shard]` at `from`. What was under way from an earlier read of it is
    /// dropped by the log: after this call only messages of the new read arrive.
    fn read_jobs(&mut self, shard: Shard, from: Offset);

    /// Whether more messages of this topic are wanted. Wanted at first. Messages under way may still arrive.
    /// A changelog that is not wanted any more never is again, until the shard is opened anew.
    fn want(&mut self, shard: Shard, topic: Topic, wanted: bool);

    /// Makes `commit` one transaction, together with the group's offsets. At most one is under way;
    /// `LogEvent::CommitEnded` follows. A commit may be handed in again after it was aborted.
    fn commit(&mut self, commit: Arc<Commit>);

    /// After `Fate::Unknown`: settles the old transaction and reads `state[shard]` from `from` to its end;
    /// `LogEvent::Tail` follows. No commit is accepted before.
    fn settle(&mut self, shard: Shard, from: Offset);

    /// Deletes what lies below `below` in a delay topic. Best effort; not answered.
    fn purge(&mut self, shard: Shard, topic: Topic, below: Offset);

    /// Answers `Revoking`: nothing of these shards will be committed any more.
    fn close(&mut self, shards: &[Shard]);

    /// Leaves the log at the end of the process, with all shards; `LogEvent::Closed` follows and nothing after it.
    fn leave(&mut self);
}

/// What the log says.
#[derive(Debug)]
pub enum LogEvent {
    /// These shards are ours from now on.
    Assigned(Vec<Assignment>),
    /// Messages of one topic in offset order. `position` is the next offset that will be looked at; it also passes
    /// offsets that are never delivered, so an event may come with no message at all.
    Messages {
        shard: Shard,
        topic: Topic,
        messages: Vec<Received>,
        position: Offset,
    },
    /// These shards go to another owner as soon as `close` says so, or after the log's own patience (10 s).
    Revoking(Vec<Shard>),
    /// These shards are somebody else's already.
    Lost(Vec<Shard>),
    CommitEnded {
        number: CommitNumber,
        fate: Fate,
    },
    /// Answer to `settle`: everything of `state[shard]` from the offset asked to its end, in one piece.
    Tail {
        shard: Shard,
        messages: Vec<Received>,
    },
    /// A shard, or with no shard named the whole log, cannot go on; a person must act.
    Stopped {
        shard: Option<Shard>,
        fault: LogFault,
        cause: StopCause,
    },
    /// The last event: the log is left.
    Closed,
}

/// Which kind of end a stop is: what the process answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// Something broke, or contradicts itself.
    Failed,
    /// The log is out of reach, or does not let us in.
    Barred,
    /// The log is not set up as it must be; nothing was done.
    Unfit,
}

/// One shard that became ours, and where its topics stood at that moment.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub shard: Shard,
    /// Changes when the cluster or one of the topics is another than before.
    pub identity: LogIdentity,
    /// The group's committed offset of `jobs[shard]`.
    pub group_offset: Option<Offset>,
    /// Log start of each of our topics for this shard.
    pub starts: BTreeMap<Topic, Offset>,
    /// End of `state`, `applied`, the delay topics and `jobs`, by a read-uncommitted client: a topic has caught up
    /// when a `Messages` event of it carries a `position` at or above its end.
    pub ends: BTreeMap<Topic, Offset>,
    /// How many shards there are.
    pub shards: u32,
    /// Calls may start until this long after the start of the last committed transaction; a third of the session.
    pub lease: Duration,
}

/// Names a cluster and the topics of a shard; compared only for equality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIdentity(pub String);

/// What became of a commit.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Done. `ends`: for each changelog partition written, an offset from which only later commits are read.
    Committed { ends: BTreeMap<(Shard, Topic), Offset> },
    /// Undone; the same commit may be tried again.
    Aborted(LogFault),
    /// No answer: perhaps done, perhaps not. `Log::settle` finds out.
    Unknown(LogFault),
    /// Another process has taken over our name, or the shards of this commit are no longer all ours.
    Fenced(LogFault),
    /// Refused for good, and it would be again: too large, not allowed. `culprit`: the message that it is for, where
    /// another commit without it would go through.
    Refused { fault: LogFault, culprit: Option<Culprit> },
}

/// One message of a commit: number `index`, from 0, of those of the part of `shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    pub shard: Shard,
    pub index: usize,
}

impl Fate {
    /// The name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Committed { .. } => "committed",
            Self::Aborted(_) => "aborted",
            Self::Unknown(_) => "unknown",
            Self::Fenced(_) => "fenced",
            Self::Refused { .. } => "refused",
        }
    }
}

/// What went wrong, in words for an operator: a fact, then what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub struct LogFault {
    pub what: String,
}

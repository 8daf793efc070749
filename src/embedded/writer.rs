//! The writer thread: makes commits and appends durable, all that wait with one fsync, in the order they came.
//! Not here: what a page holds (`page`), reading (`courier`), which messages have served their time (`janitor`).

use super::EmbeddedFault;
use super::board::Board;
use super::bounds::{Bounds, Partition};
use super::disk::Disk;
use super::page::Page;
use crate::model::{Commit, CommitNumber, Millis, Offset, Outgoing, Shard, Topic};
use crate::ports::{Culprit, Event, Fate, LogEvent, LogFault, StopCause};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::SystemTime;
use tracing::error;

/// What one fsync covers at most, roughly.
const GROUP_BYTES: usize = 16 << 20;
/// The largest value of a job (`wire::job`) with 64 KiB for key and headers.
const JOB_BYTES_MAX: usize = (1 << 20) + (64 << 10);
/// With room for our headers on top, as siblings of `jobs` have it (DESIGN §3.1).
const MESSAGE_BYTES_MAX: usize = JOB_BYTES_MAX + (128 << 10);

pub(super) type Appended = Result<Vec<(Shard, Offset)>, EmbeddedFault>;

pub(super) enum Task {
    /// The sizes were checked; `size` is theirs together.
    Append {
        messages: Vec<Outgoing>,
        size: usize,
        answer: SyncSender<Appended>,
    },
    Commit(Arc<Commit>),
    Trim(BTreeMap<Partition, Offset>),
    /// No more commits; then the courier says that the log is left.
    Leave,
    Stop,
}

pub(super) struct Writer {
    pub(super) disk: Arc<Disk>,
    pub(super) board: Arc<Board>,
    pub(super) tasks: Receiver<Task>,
    pub(super) events: Arc<dyn Fn(Event) + Send + Sync>,
    /// Bytes of appends that wait: what producers look at before they add more.
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) bounds: Bounds,
    pub(super) left: bool,
    /// After a failed write nobody knows what is on disk, so nothing more is written.
    pub(super) broken: Option<EmbeddedFault>,
}

/// What is answered once the page is on disk.
enum Receipt {
    Appended(SyncSender<Appended>, Vec<(Shard, Offset)>),
    Committed(CommitNumber, BTreeMap<(Shard, Topic), Offset>),
    /// Nothing of it is on the page.
    Refused(CommitNumber, EmbeddedFault, Option<Culprit>),
}

impl Writer {
    /// Until `Stop`, or until nobody can send tasks any more.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.tasks.recv() {
            let mut group = vec![first];
            let mut bytes = 0;
            while let Some(task) = group.last() {
                bytes += task.size();
                if bytes >= GROUP_BYTES || task.is_end() {
                    break;
                }
                let Ok(next) = self.tasks.try_recv() else { break };
                group.push(next);
            }
            let stopping = matches!(group.last(), Some(Task::Stop));
            let leaving = matches!(group.last(), Some(Task::Leave));
            self.write(group);
            if leaving {
                self.left = true;
                self.board.leave();
            }
            if stopping {
                return;
            }
        }
    }

    fn write(&mut self, group: Vec<Task>) {
        let disk = Arc::clone(&self.disk);
        let mut receipts = Vec::new();
        let mut page = match Page::new(&disk, &mut self.bounds, now()) {
            Ok(page) => page,
            Err(fault) => return self.fail(fault, group_receipts(group)),
        };
        for task in group {
            let receipt = match task {
                Task::Append { messages, size, answer } => {
                    self.waiting.fetch_sub(size, Ordering::Relaxed);
                    let places = messages.iter().map(|it| (it.shard, page.append(it))).collect();
                    Some(Receipt::Appended(answer, places))
                }
                Task::Commit(_) if self.left => None,
                Task::Commit(commit) => Some(put(&commit, &mut page)),
                Task::Trim(trims) => {
                    trims.into_iter().for_each(|(partition, below)| page.trim(partition, below));
                    None
                }
                Task::Leave | Task::Stop => None,
            };
            receipts.extend(receipt);
        }
        let sync = !receipts.is_empty();
        let written = page.finish();
        if let Some(fault) = self.broken.clone() {
            return self.answer_broken(&fault, receipts);
        }
        if let Some(written) = written {
            if let Err(fault) = disk.write(written.batch, sync) {
                return self.fail(fault, receipts);
            }
            self.board.update(|bounds| bounds.apply(written.changes));
        }
        self.answer(receipts);
    }

    fn answer(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            match receipt {
                // A producer that no longer waits has given up; its jobs are in the log all the same.
                Receipt::Appended(answer, places) => drop(answer.send(Ok(places))),
                Receipt::Committed(number, ends) => self.say(number, Fate::Committed { ends }),
                Receipt::Refused(number, fault, culprit) => self.say(number, refused(&fault, culprit)),
            }
        }
    }

    /// The first failure stops the log: a person must look at the disk.
    fn fail(&mut self, fault: EmbeddedFault, receipts: Vec<Receipt>) {
        error!(%fault, "the log cannot be written");
        self.broken = Some(fault.clone());
        self.answer_broken(&fault, receipts);
        let fault = LogFault::from(&fault);
        (self.events)(Event::Log(LogEvent::Stopped { shard: None, fault, cause: StopCause::Failed }));
    }

    fn answer_broken(&self, fault: &EmbeddedFault, receipts: Vec<Receipt>) {
        for receipt in receipts {
            match receipt {
                Receipt::Appended(answer, _) => drop(answer.send(Err(fault.clone()))),
                Receipt::Committed(number, _) => self.say(number, Fate::Unknown(LogFault::from(fault))),
                Receipt::Refused(number, fault, culprit) => self.say(number, refused(&fault, culprit)),
            }
        }
    }

    fn say(&self, number: CommitNumber, fate: Fate) {
        (self.events)(Event::Log(LogEvent::CommitEnded { number, fate }));
    }
}

impl Task {
    fn size(&self) -> usize {
        match self {
            Self::Append { size, .. } => *size,
            Self::Commit(commit) => commit.shards.values().flat_map(|it| &it.messages).map(Outgoing::size).sum(),
            Self::Trim(_) | Self::Leave | Self::Stop => 0,
        }
    }

    fn is_end(&self) -> bool {
        match self {
            Self::Leave | Self::Stop => true,
            Self::Append { .. } | Self::Commit(_) | Self::Trim(_) => false,
        }
    }
}

/// Those who wait for an answer although nothing was written.
fn group_receipts(group: Vec<Task>) -> Vec<Receipt> {
    let receipt = |task| match task {
        Task::Append { answer, .. } => Some(Receipt::Appended(answer, Vec::new())),
        Task::Commit(commit) => Some(Receipt::Committed(commit.number, BTreeMap::new())),
        Task::Trim(_) | Task::Leave | Task::Stop => None,
    };
    group.into_iter().filter_map(receipt).collect()
}

fn refused(fault: &EmbeddedFault, culprit: Option<Culprit>) -> Fate {
    Fate::Refused { fault: LogFault::from(fault), culprit }
}

/// Nothing of a commit is written unless all of it can be.
fn check(commit: &Commit, shards: u32) -> Result<(), (EmbeddedFault, Option<Culprit>)> {
    let owners = commit.shards.keys();
    let messages = || commit.shards.values().flat_map(|it| &it.messages);
    let mut named = owners.copied().chain(messages().map(|it| it.shard));
    if let Some(stranger) = named.find(|it| it.0 >= shards) {
        return Err((EmbeddedFault::NoSuchShard(stranger.0), None));
    }
    for (shard, part) in &commit.shards {
        for (index, message) in part.messages.iter().enumerate() {
            check_size(message).map_err(|fault| (fault, Some(Culprit { shard: *shard, index })))?;
        }
    }
    Ok(())
}

pub(super) fn check_size(message: &Outgoing) -> Result<(), EmbeddedFault> {
    let size = message.size();
    let limit = if message.topic == Topic::Jobs { JOB_BYTES_MAX } else { MESSAGE_BYTES_MAX };
    if size > limit {
        return Err(EmbeddedFault::TooLarge { size, limit });
    }
    Ok(())
}

fn put(commit: &Commit, page: &mut Page<'_>) -> Receipt {
    if let Err((fault, culprit)) = check(commit, page.shards()) {
        return Receipt::Refused(commit.number, fault, culprit);
    }
    let mut ends = BTreeMap::new();
    for (shard, part) in &commit.shards {
        page.set_group_offset(*shard, part.group_offset);
        for message in &part.messages {
            page.append(message);
            if matches!(message.topic, Topic::State | Topic::Applied) {
                ends.insert((message.shard, message.topic), page.end((message.topic, message.shard)));
            }
        }
    }
    Receipt::Committed(commit.number, ends)
}

pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

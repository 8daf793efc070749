//! The embedded log as the loop sees it: all shards are ours from the start, nobody fences us.
//! Not here: the work, which its threads do.

use super::board::Board;
use super::courier::Courier;
use super::disk::Disk;
use super::janitor::Janitor;
use super::page::Page;
use super::producer::Producer;
use super::reader::Reader;
use super::retain::Retention;
use super::writer::{Task, Writer, now};
use super::{EmbeddedFault, bounds::Bounds};
use crate::model::{Commit, Offset, Shard, Topic};
use crate::ports::{Assignment, Event, Log, LogIdentity};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tracing::warn;

/// Key and number of shards to the shard: Kafka's default partitioner, so that a later move to Kafka moves no tenant.
pub type Partitioner = fn(&[u8], u32) -> Shard;

/// Nobody else can take our shards while we hold the directory; a lease only bounds how long commits may fail.
const LEASE: Duration = Duration::from_secs(60);
const SHARDS_MAX: u32 = 10_000;

/// How to open a log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `log.dir`; made if it is missing.
    pub dir: PathBuf,
    /// Decided when the log is made; another number later is refused.
    pub shards: u32,
    pub partitioner: Partitioner,
    pub retention: Retention,
}

/// The log of one node. Dropped, its threads end soon; `shutdown` waits for them.
pub struct EmbeddedLog {
    pub(super) disk: Arc<Disk>,
    pub(super) board: Arc<Board>,
    pub(super) tasks: Sender<Task>,
    /// Dropped to stop the janitor.
    janitor: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl EmbeddedLog {
    /// Opens or makes the log and says `Assigned` with all shards. `events` is called by the log's own threads and may
    /// block: with a bounded queue behind it, messages wait on disk. It must not wait for a method of this log.
    ///
    /// # Errors
    /// The directory is in use, damaged, of another format or with another number of shards, or the disk fails.
    pub fn start(
        settings: &Settings,
        events: Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Result<(Self, Producer), EmbeddedFault> {
        let shards = settings.shards;
        if shards == 0 || shards > SHARDS_MAX {
            return Err(EmbeddedFault::ShardCount(shards));
        }
        let disk = Arc::new(Disk::open(&settings.dir, shards)?);
        let bounds = disk.bounds()?;
        let assigned = (0..shards).map(|it| assignment(&disk, &bounds, Shard(it))).collect();
        let board = Arc::new(Board::new(bounds.clone()));
        let (tasks, received) = channel();
        let (janitor, janitor_stopped) = channel();
        let producer = Producer::new(tasks.clone(), settings);
        let log = Self { disk, board, tasks, janitor: Some(janitor), threads: Vec::new() };
        let writer = Writer {
            disk: Arc::clone(&log.disk),
            board: Arc::clone(&log.board),
            tasks: received,
            events: Arc::clone(&events),
            waiting: Arc::clone(&producer.waiting),
            bounds,
            left: false,
            broken: None,
        };
        let courier = log.courier(events, assigned);
        let janitor = log.janitor(settings);
        let log = log.spawn("writer", move || writer.run())?;
        let log = log.spawn("courier", move || courier.run())?;
        let log = log.spawn("janitor", move || janitor.run(&janitor_stopped))?;
        Ok((log, producer))
    }

    fn courier(&self, events: Arc<dyn Fn(Event) + Send + Sync>, assigned: Vec<Assignment>) -> Courier {
        Courier { disk: Arc::clone(&self.disk), board: Arc::clone(&self.board), events, assigned }
    }

    fn janitor(&self, settings: &Settings) -> Janitor {
        Janitor {
            disk: Arc::clone(&self.disk),
            board: Arc::clone(&self.board),
            tasks: self.tasks.clone(),
            retention: settings.retention.clone(),
        }
    }

    fn spawn(mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<Self, EmbeddedFault> {
        let thread = Builder::new().name(format!("log-{name}")).spawn(run);
        self.threads.push(thread.map_err(|error| self.disk.io("start a thread", &error))?);
        Ok(self)
    }

    /// For operators, while no node runs: sets the group's offset of `jobs[shard]`, so that the next start reads the
    /// jobs from there again (core rules §9: a replay) or skips what lies before it.
    ///
    /// # Errors
    /// As `start`; `NotInLog` for an offset that is not there.
    pub fn set_group_offset(settings: &Settings, shard: Shard, offset: Offset) -> Result<(), EmbeddedFault> {
        let disk = Disk::open(&settings.dir, settings.shards)?;
        let mut bounds = disk.bounds()?;
        if shard.0 >= settings.shards {
            return Err(EmbeddedFault::NoSuchShard(shard.0));
        }
        let (start, end) = (bounds.start(Topic::Jobs, shard), bounds.end(Topic::Jobs, shard));
        if !(start..=end).contains(&offset) {
            return Err(EmbeddedFault::NotInLog { offset: offset.0, start: start.0, end: end.0 });
        }
        let mut page = Page::new(&disk, &mut bounds, now())?;
        page.set_group_offset(shard, offset);
        page.finish().map_or(Ok(()), |written| disk.write(written.batch, true))
    }

    /// For operators: looks into the log.
    pub fn reader(&self) -> Reader {
        Reader { disk: Arc::clone(&self.disk), board: Arc::clone(&self.board) }
    }

    /// Ends the log's threads and waits for them: what was handed in is written, nothing more is delivered. The
    /// directory is free once all `Reader`s are gone too. Must not be called while `events` waits for the caller.
    pub fn shutdown(mut self) {
        self.stop();
        for thread in std::mem::take(&mut self.threads) {
            if thread.join().is_err() {
                warn!("a thread of the log ended by a panic");
            }
        }
    }

    fn stop(&mut self) {
        // Fails if the writer has ended already, which is what is wanted.
        drop(self.tasks.send(Task::Stop));
        self.board.stop();
        self.janitor = None;
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Log for EmbeddedLog {
    fn open(&mut self, shard: Shard, from: BTreeMap<Topic, Offset>) {
        let bounds = self.board.bounds();
        for topic in Topic::ALL.into_iter().filter(|it| is_restored(*it)) {
            let (start, end) = (bounds.start(topic, shard), bounds.end(topic, shard));
            let asked = from.get(&topic).copied().filter(|it| (start..=end).contains(it));
            self.board.read(shard, topic, asked.unwrap_or(start));
        }
    }

    fn read_jobs(&mut self, shard: Shard, from: Offset) {
        self.board.read(shard, Topic::Jobs, from);
    }

    fn want(&mut self, shard: Shard, topic: Topic, wanted: bool) {
        self.board.want(shard, topic, wanted);
    }

    fn commit(&mut self, commit: Arc<Commit>) {
        self.hand(Task::Commit(commit));
    }

    fn settle(&mut self, shard: Shard, from: Offset) {
        self.board.ask_tail(shard, from);
    }

    fn purge(&mut self, shard: Shard, topic: Topic, below: Offset) {
        match topic {
            Topic::Delay(_) => self.board.purge((topic, shard), below),
            Topic::Jobs | Topic::Dlq | Topic::State | Topic::Applied | Topic::Outcomes => {
                warn!(topic = topic.suffix(), "only delay topics are purged; report this as a bug");
            }
        }
    }

    fn close(&mut self, shards: &[Shard]) {
        self.board.close(shards);
    }

    fn leave(&mut self) {
        let all: Vec<Shard> = (0..self.disk.shards).map(Shard).collect();
        self.board.close(&all);
        self.hand(Task::Leave);
    }
}

impl EmbeddedLog {
    /// The writer outlives every sender but a stopped log's, which nobody commits to.
    fn hand(&self, task: Task) {
        if self.tasks.send(task).is_err() {
            warn!("the log was asked for something after its end");
        }
    }
}

fn is_restored(topic: Topic) -> bool {
    match topic {
        Topic::State | Topic::Applied | Topic::Delay(_) => true,
        Topic::Jobs | Topic::Dlq | Topic::Outcomes => false,
    }
}

fn assignment(disk: &Disk, bounds: &Bounds, shard: Shard) -> Assignment {
    let ended = Topic::ALL.into_iter().filter(|it| is_restored(*it) || *it == Topic::Jobs);
    Assignment {
        shard,
        identity: LogIdentity(disk.identity.clone()),
        group_offset: bounds.groups.get(&shard).copied(),
        starts: Topic::ALL.into_iter().map(|it| (it, bounds.start(it, shard))).collect(),
        ends: ended.map(|it| (it, bounds.end(it, shard))).collect(),
        shards: disk.shards,
        lease: LEASE,
    }
}

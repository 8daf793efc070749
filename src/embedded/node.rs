//! The embedded log as the loop sees it: all shards are ours from the start, nobody fences us.
//! Not here: the work, which its threads do.

use super::board::Board;
use super::courier::Courier;
use super::disk::Disk;
use super::janitor::Janitor;
use super::producer::Producer;
use super::reader::Reader;
use super::retain::Retention;
use super::writer::{Task, Writer};
use super::{EmbeddedFault, bounds::Bounds};
use crate::model::{Commit, Offset, Shard, Topic};
use crate::ports::{Assignment, Event, Log, LogEvent, LogIdentity};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
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
        let waiting = Arc::new(AtomicUsize::new(0));
        let (disk_, board_, events_) = (Arc::clone(&disk), Arc::clone(&board), Arc::clone(&events));
        let writer = Writer {
            disk: disk_,
            board: board_,
            tasks: received,
            events: events_,
            waiting: Arc::clone(&waiting),
            bounds,
            left: false,
            broken: None,
        };
        let courier = Courier { disk: Arc::clone(&disk), board: Arc::clone(&board), events: Arc::clone(&events) };
        let janitor = Janitor {
            disk: Arc::clone(&disk),
            board: Arc::clone(&board),
            tasks: tasks.clone(),
            retention: settings.retention.clone(),
        };
        let (stop_janitor, janitor_stopped) = channel();
        let dir = &settings.dir;
        let start = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let started = Builder::new().name(format!("log-{name}")).spawn(run);
            started.map_err(|error| EmbeddedFault::io("start a thread for the log", dir, &error))
        };
        let first = LogEvent::Assigned(assigned);
        let threads = vec![
            start("writer", Box::new(move || writer.run()))?,
            start(
                "courier",
                Box::new(move || {
                    events(Event::Log(first));
                    courier.run();
                }),
            )?,
            start("janitor", Box::new(move || janitor.run(&janitor_stopped)))?,
        ];
        let producer = Producer {
            tasks: tasks.clone(),
            waiting,
            keyless: Arc::default(),
            partitioner: settings.partitioner,
            shards,
        };
        Ok((Self { disk, board, tasks, janitor: Some(stop_janitor), threads }, producer))
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
        let closed = self.board.close(shards);
        if u32::try_from(closed).is_ok_and(|it| it >= self.disk.shards) {
            self.hand(Task::Leave);
        }
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

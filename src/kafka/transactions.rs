//! Hands commits to the producer of the moment, watches over it, and replaces it when it is of no more use.
//! Not here: the calls themselves (`transactor`), which block; each producer has a thread of its own for them.

use crate::kafka::emitter::Emitter;
use crate::kafka::errors::{Verdict, fault};
use crate::kafka::member::MemberConsumer;
use crate::kafka::ownership::{Losses, Ownership};
use crate::kafka::settings::KafkaSettings;
use crate::kafka::tail;
use crate::kafka::transactor::{Ended, Transactor};
use crate::model::{Commit, CommitNumber, Offset, Received, Shard};
use crate::ports::{Fate, LogEvent, LogFault, StopCause};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Longer than all time limits of one commit together: only a call that ignores its own is caught (librdkafka#5456).
const WATCHDOG: Duration = Duration::from_secs(45);
/// How often an idle producer serves librdkafka's news.
const IDLE: Duration = Duration::from_millis(200);

pub(super) enum Wake {
    Task(Task),
    Leave,
    /// From the producer with this number; an earlier one is not listened to any more.
    Worker(u64, Report),
}

pub(super) enum Task {
    /// With what had been lost when it was handed in.
    Commit(Arc<Commit>, Losses),
    Settle {
        shard: Shard,
        from: Offset,
    },
}

pub(super) enum Report {
    Ready,
    /// There will be no producer: why, and which kind of end that is.
    Refused(LogFault, StopCause),
    Ended(CommitNumber, Ended),
    Tail(Shard, Vec<Received>),
}

/// What a producer's thread needs.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) settings: Arc<KafkaSettings>,
    pub(super) ownership: Arc<Ownership>,
    pub(super) member: Weak<MemberConsumer>,
    pub(super) wakes: Sender<Wake>,
}

struct Worker {
    number: u64,
    tasks: Sender<Task>,
    ready: bool,
}

pub(super) struct Transactions {
    parts: Parts,
    emitter: Arc<Emitter>,
    worker: Option<Worker>,
    workers: u64,
    waiting: VecDeque<Task>,
    /// The commit under way, and when its producer is given up.
    under_way: Option<(CommitNumber, Instant)>,
    settling: bool,
}

impl Transactions {
    pub(super) fn new(parts: Parts, emitter: &Arc<Emitter>) -> Self {
        Self {
            parts,
            emitter: Arc::clone(emitter),
            worker: None,
            workers: 0,
            waiting: VecDeque::new(),
            under_way: None,
            settling: false,
        }
    }

    /// Runs until the log is left; a producer that is stuck then is left behind with its thread.
    pub(super) fn run(mut self, wakes: &Receiver<Wake>) {
        self.hire();
        loop {
            let patience = self
                .under_way
                .map_or(Duration::from_secs(60), |(_, until)| until.saturating_duration_since(Instant::now()));
            match wakes.recv_timeout(patience) {
                Ok(Wake::Leave) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Wake::Task(task)) => self.waiting.push_back(task),
                Ok(Wake::Worker(number, report)) => {
                    if self.worker.as_ref().is_some_and(|worker| worker.number == number) {
                        self.hear(report);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.watch(),
            }
            self.go_on();
        }
    }

    /// A new producer takes over the transactional id, which settles what the one before left behind.
    fn hire(&mut self) {
        self.workers += 1;
        let number = self.workers;
        let (tasks, inbox) = channel();
        let parts = self.parts.clone();
        let spawned =
            std::thread::Builder::new().name("kafka-commit".to_owned()).spawn(move || serve(number, &parts, &inbox));
        match spawned {
            Ok(_) => self.worker = Some(Worker { number, tasks, ready: false }),
            Err(error) => self.emitter.stopped(None, fault(format!("no thread for transactions: {error}"))),
        }
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Ready => {
                if let Some(worker) = &mut self.worker {
                    worker.ready = true;
                }
            }
            Report::Refused(fault, cause) => {
                self.worker = None;
                self.waiting.clear();
                self.emitter.stopped_for(cause, None, fault);
            }
            Report::Ended(number, ended) => {
                self.under_way = None;
                if !ended.usable {
                    self.worker = None;
                }
                self.emitter.emit(LogEvent::CommitEnded { number, fate: ended.fate });
            }
            Report::Tail(shard, messages) => {
                self.settling = false;
                self.emitter.emit(LogEvent::Tail { shard, messages });
            }
        }
    }

    /// Gives up a producer whose call does not come back. Nobody waits for its thread.
    fn watch(&mut self) {
        let Some((number, until)) = self.under_way else { return };
        if Instant::now() < until {
            return;
        }
        self.under_way = None;
        self.worker = None;
        let fault = fault("kafka did not answer a transaction in time; its outcome will be looked up");
        self.emitter.emit(LogEvent::CommitEnded { number, fate: Fate::Unknown(fault) });
    }

    fn go_on(&mut self) {
        if self.waiting.is_empty() || self.under_way.is_some() || self.settling {
            return;
        }
        let Some(worker) = &self.worker else { return self.hire() };
        if !worker.ready {
            return;
        }
        let Some(task) = self.waiting.pop_front() else { return };
        match &task {
            Task::Commit(commit, _) => self.under_way = Some((commit.number, Instant::now() + WATCHDOG)),
            Task::Settle { .. } => self.settling = true,
        }
        if let Err(unsent) = worker.tasks.send(task) {
            // Its thread is gone without a word: begin anew.
            self.waiting.push_front(unsent.0);
            self.under_way = None;
            self.settling = false;
            self.hire();
        }
    }
}

/// A producer's thread: takes over, then works off tasks until it is of no more use or nobody listens.
fn serve(number: u64, parts: &Parts, inbox: &Receiver<Task>) {
    let report = |report| parts.wakes.send(Wake::Worker(number, report)).is_ok();
    let transactor = match Transactor::new(&parts.settings, &parts.ownership, &parts.member) {
        Ok(transactor) => transactor,
        Err(fault) => {
            let cause = fault.cause();
            report(Report::Refused(fault.into(), cause));
            return;
        }
    };
    if let Err((fault, cause)) = take_over(&transactor, parts) {
        report(Report::Refused(fault, cause));
        return;
    }
    if parts.ownership.leaving() || !report(Report::Ready) {
        return;
    }
    loop {
        match inbox.recv_timeout(IDLE) {
            Ok(Task::Commit(commit, since)) => {
                let ended = transactor.commit(&commit, since);
                let usable = ended.usable;
                if !report(Report::Ended(commit.number, ended)) || !usable {
                    return;
                }
            }
            Ok(Task::Settle { shard, from }) => {
                let Some(messages) = read_tail(parts, shard, from) else { return };
                if !report(Report::Tail(shard, messages)) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => transactor.idle(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Tries until it is done, refused for good, or the log is left.
fn take_over(transactor: &Transactor, parts: &Parts) -> Result<(), (LogFault, StopCause)> {
    while !parts.ownership.leaving() {
        match transactor.init() {
            Ok(()) => return Ok(()),
            Err((Verdict::Retry | Verdict::Abort, fault)) => {
                tracing::warn!(%fault, "transactions are not ready yet");
            }
            Err((Verdict::Refuse, fault)) => return Err((fault, StopCause::Barred)),
            Err((Verdict::Fence | Verdict::Broken, fault)) => return Err((fault, StopCause::Failed)),
        }
    }
    Ok(())
}

/// Tries until it is done or the log is left.
fn read_tail(parts: &Parts, shard: Shard, from: Offset) -> Option<Vec<Received>> {
    while !parts.ownership.leaving() {
        match tail::read(&parts.settings, shard, from) {
            Ok(messages) => return Some(messages),
            Err(fault) => tracing::warn!(%fault, "the end of the changelog is not known yet"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    None
}

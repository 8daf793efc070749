//! The world of one run: virtual time, the broker, the disks, the CRM, the processes, and what all of them do next.
//! Not here: the engines (`run`), which see the world only through the ports.

use crate::agenda::Agenda;
use crate::broker::Broker;
use crate::client::Client;
use crate::commit::Step;
use crate::crm::Oracle;
use crate::dice::Dice;
use crate::faults::{Armed, Fault, Killed, Point};
use crate::group::Group;
use crate::ledger::Ledger;
use crate::marks::Marks;
use crate::options::Options;
use crate::partition::TxnId;
use crate::store::Disk;
use crate::view::View;
use crate::workload::Workload;
use sluicegate::model::{Millis, Offset, Shard, Topic};
use sluicegate::ports::Event;
use std::cell::{Ref, RefCell, RefMut};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// When every run begins: 2025-06-01.
pub const BEGIN: Millis = Millis(1_748_736_000_000);

/// One life of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    pub slot: usize,
    pub life: u64,
}

impl fmt::Display for Life {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "i{}.{}", self.slot, self.life)
    }
}

/// Everything that can happen, planned on the agenda.
#[derive(Debug)]
pub enum Action {
    Turn { who: Life, stamp: u64 },
    Start(usize),
    Fault(Fault),
    Thaw(Life),
    Assign(Life),
    Fetch { who: Life, shard: Shard, topic: Topic, read: u64 },
    Commit { who: Life, step: Step },
    Settle { who: Life, shard: Shard, from: Offset },
    SettleRead { who: Life, shard: Shard, from: Offset, until: Offset },
    Patience { who: Life, shard: Shard },
    Notice(Life),
    Session { slot: usize, beat: u64 },
    Mark { txn: TxnId, shard: Shard, topic: Topic },
    MarkOffsets(TxnId),
    LateEnd(TxnId),
    TransactionTimeout(TxnId),
    Land(usize),
    Answer { who: Life, flight: usize },
    Produce(usize),
    EndProduced(TxnId, bool),
    Maintain,
    FaultsOff,
    CheckDrained,
}

impl Action {
    /// The process that must be running for this to happen; without one it is the world's own doing.
    fn who(&self) -> Option<Life> {
        match self {
            Self::Turn { who, .. }
            | Self::Assign(who)
            | Self::Fetch { who, .. }
            | Self::Commit { who, .. }
            | Self::Settle { who, .. }
            | Self::SettleRead { who, .. }
            | Self::Patience { who, .. }
            | Self::Notice(who)
            | Self::Answer { who, .. } => Some(*who),
            Self::Start(_)
            | Self::Fault(_)
            | Self::Thaw(_)
            | Self::Session { .. }
            | Self::Mark { .. }
            | Self::MarkOffsets(_)
            | Self::LateEnd(_)
            | Self::TransactionTimeout(_)
            | Self::Land(_)
            | Self::Produce(_)
            | Self::EndProduced(_, _)
            | Self::Maintain
            | Self::FaultsOff
            | Self::CheckDrained => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Down,
    Running,
    Frozen,
}

/// One instance as its host sees it.
#[derive(Debug)]
pub struct Process {
    pub life: u64,
    pub status: Status,
    pub inbox: VecDeque<Parcel>,
    /// What it would have done while it was frozen.
    pub deferred: Vec<Action>,
    /// Counts the times it was last heard of.
    pub beat: u64,
    /// The next turn, and its stamp: older plans are void.
    pub turn: Option<(Millis, u64)>,
    pub armed: Option<Armed>,
    pub draining: bool,
    /// Turns in a row without any event and without time passing.
    pub idle_turns: u32,
    pub turns: u64,
    /// It was told of a commit's fate with this turn.
    pub committed: bool,
    /// What its clock is ahead, ms.
    pub clock: i64,
    pub view: View,
}

/// An event on its way to the loop; of a read that has been started anew it is dropped.
#[derive(Debug)]
pub struct Parcel {
    pub event: Event,
    pub read: Option<(Shard, Topic, u64)>,
}

/// Separate sources of chance, so that one part's draws do not move another's.
#[derive(Debug)]
pub struct DiceSet {
    pub log: Dice,
    pub crm: Dice,
    pub fault: Dice,
    pub process: Dice,
    pub clock: Dice,
}

/// A promise that did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    pub invariant: &'static str,
    pub what: String,
    pub at: Millis,
}

#[derive(Debug)]
pub struct World {
    pub now: Millis,
    pub options: Rc<Options>,
    pub agenda: Agenda<Action>,
    pub dice: DiceSet,
    pub broker: Broker,
    pub group: Group,
    pub clients: Vec<Client>,
    pub processes: Vec<Process>,
    pub disks: Vec<Disk>,
    pub crm: Oracle,
    pub workload: Workload,
    pub ledger: Ledger,
    pub marks: Marks,
    pub failure: Option<Failure>,
    pub faults_on: bool,
    /// Everything is stopped, or being stopped, by the operator.
    pub maintenance: bool,
    pub done: bool,
    pub reads: u64,
    /// To be killed once the present action is over.
    pub doomed: Vec<usize>,
    pub verbose: bool,
    pub lines: RefCell<VecDeque<String>>,
    pub hash: u64,
    pub actions: u64,
}

impl World {
    pub fn new(options: Options, verbose: bool) -> Self {
        let dice = Dice::new(options.seed);
        let instances = options.instances;
        let workload = Workload::draw(&options, dice.fork("workload"));
        Self {
            now: BEGIN,
            agenda: Agenda::new(),
            dice: DiceSet {
                log: dice.fork("log"),
                crm: dice.fork("crm"),
                fault: dice.fork("fault"),
                process: dice.fork("process"),
                clock: dice.fork("clock"),
            },
            broker: Broker::new(options.shards, instances, options.log.base),
            group: Group::default(),
            clients: (0..instances).map(|_| Client::default()).collect(),
            processes: (0..instances).map(|_| Process::new()).collect(),
            disks: (0..instances).map(|_| Disk::default()).collect(),
            crm: Oracle::draw(&options, dice.fork("outages")),
            ledger: Ledger::new(options.shards),
            workload,
            marks: Marks::default(),
            failure: None,
            faults_on: true,
            maintenance: false,
            done: false,
            reads: 0,
            doomed: Vec::new(),
            verbose,
            lines: RefCell::default(),
            hash: 0xcbf2_9ce4_8422_2325,
            actions: 0,
            options: Rc::new(options),
        }
    }

    /// Does what was planned, unless its process is gone or frozen. Gives back what only `run` can do.
    pub fn perform(&mut self, action: Action) -> Option<Action> {
        self.actions += 1;
        if let Some(who) = action.who() {
            let process = &mut self.processes[who.slot];
            if process.life != who.life || process.status == Status::Down {
                return None;
            }
            if process.status == Status::Frozen {
                process.deferred.push(action);
                return None;
            }
        }
        match action {
            Action::Assign(who) => self.assign(who),
            Action::Fetch { who, shard, topic, read } => self.fetch(who, (shard, topic), read),
            Action::Commit { who, step } => self.commit_step(who, step),
            Action::Settle { who, shard, from } => self.settle(who, shard, from),
            Action::SettleRead { who, shard, from, until } => self.settle_read(who, shard, from, until),
            Action::Patience { who, shard } => self.patience_over(who, shard),
            Action::Notice(who) => self.notice(who),
            Action::Session { slot, beat } => self.session_over(slot, beat),
            Action::Mark { txn, shard, topic } => self.mark(txn, shard, topic),
            Action::MarkOffsets(txn) => self.mark_offsets(txn),
            Action::LateEnd(txn) => self.late_end(txn),
            Action::TransactionTimeout(txn) => self.time_out(txn),
            Action::Land(flight) => self.land(flight),
            Action::Answer { who, flight } => self.answer_call(who, flight),
            Action::Produce(event) => self.produce_event(event),
            Action::EndProduced(txn, committed) => self.end_produced(txn, committed),
            Action::Thaw(who) => self.thaw(who),
            Action::FaultsOff => self.end_faults(),
            Action::CheckDrained => self.check_drained(),
            Action::Turn { .. } | Action::Start(_) | Action::Fault(_) | Action::Maintain => return Some(action),
        }
        None
    }

    pub fn life(&self, slot: usize) -> Life {
        Life { slot, life: self.processes[slot].life }
    }

    /// What a process takes the time to be.
    pub fn clock(&self, who: Life) -> Millis {
        Millis(self.now.0.checked_add_signed(self.processes[who.slot].clock).unwrap())
    }

    pub fn is_alive(&self, who: Life) -> bool {
        let process = &self.processes[who.slot];
        process.life == who.life && process.status != Status::Down
    }

    /// Puts an event into the inbox; the loop turns as soon as it gets the processor.
    pub fn deliver(&mut self, who: Life, parcel: Parcel) {
        if !self.is_alive(who) {
            return;
        }
        self.processes[who.slot].inbox.push_back(parcel);
        let delay = self.dice.process.between(0, self.options.process.turn_ms);
        self.plan_turn(who, Millis(self.now.0 + delay));
    }

    /// Plans the next turn, unless one comes sooner anyway.
    pub fn plan_turn(&mut self, who: Life, at: Millis) {
        let at = at.max(self.now);
        let process = &mut self.processes[who.slot];
        if process.turn.is_some_and(|it| it.0 <= at) {
            return;
        }
        let stamp = process.turn.map_or(0, |it| it.1) + 1 + self.actions * 4;
        process.turn = Some((at, stamp));
        self.agenda.plan(at, Action::Turn { who, stamp });
    }

    /// The first broken promise is what a run ends with.
    pub fn broken(&mut self, invariant: &'static str, what: String) {
        self.trace(|| format!("BROKEN {invariant}: {what}"));
        if self.failure.is_none() {
            self.failure = Some(Failure { invariant, what, at: self.now });
        }
    }

    /// A step of the run that its hash covers.
    pub fn note(&mut self, kind: &str, one: u64, other: u64) {
        let mut mix = |value: u64| self.hash = (self.hash ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        mix(self.now.0);
        kind.bytes().for_each(|it| mix(u64::from(it)));
        mix(one);
        mix(other);
    }

    /// A line of the trace, made only if somebody will read it.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        /// What is kept for a failing seed.
        const LINES: usize = 20_000;
        if self.verbose {
            let ms = self.now.0 - BEGIN.0;
            let mut lines = self.lines.borrow_mut();
            if lines.len() == LINES {
                lines.pop_front();
            }
            lines.push_back(format!("{:>4}.{:03} {}", ms / 1000, ms % 1000, line()));
        }
    }
}

impl Process {
    fn new() -> Self {
        Self {
            life: 0,
            status: Status::Down,
            inbox: VecDeque::new(),
            deferred: Vec::new(),
            beat: 0,
            turn: None,
            armed: None,
            draining: false,
            idle_turns: 0,
            turns: 0,
            committed: false,
            clock: 0,
            view: View::default(),
        }
    }
}

/// The world as the ports hold it.
#[derive(Clone, Debug)]
pub struct Shared(Rc<RefCell<World>>);

impl Shared {
    pub fn new(world: World) -> Self {
        Self(Rc::new(RefCell::new(world)))
    }

    pub fn borrow(&self) -> Ref<'_, World> {
        self.0.borrow()
    }

    pub fn borrow_mut(&self) -> RefMut<'_, World> {
        self.0.borrow_mut()
    }

    /// Called by each port before it does anything: the process may die right here.
    pub fn at_port(&self, who: Life, point: Point) {
        let dies = self.borrow_mut().dies_at(who, point);
        if dies {
            std::panic::resume_unwind(Box::new(Killed));
        }
    }
}

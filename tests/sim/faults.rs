//! What strikes a process: kills at any moment and at named points, power loss, freezes, drains.
//! Not here: what the log and the CRM do wrong (`commit`, `crm`).

use crate::marks::Mark;
use crate::world::{Action, Life, Parcel, Status, World};
use sluicegate::model::Millis;
use sluicegate::ports::{Event, LogEvent};

/// What a port throws when its process dies inside a turn.
#[derive(Debug)]
pub struct Killed;

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Now, or at the next time one of its points is passed.
    Kill {
        slot: usize,
        aim: Option<(Point, u32)>,
        power: bool,
    },
    Freeze {
        slot: usize,
        for_ms: u64,
    },
    Drain {
        slot: usize,
    },
    Rebalance,
    /// A second producer with the same transactional id appears.
    FenceProducer {
        slot: usize,
    },
}

/// Where a process can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Any call of a port.
    Any,
    Opening,
    Running,
    CommitSealed,
    ProducedSome,
    Produced,
    OffsetsSent,
    EndSent,
    Committed,
    /// The commit is done and the loop is about to write it down.
    StoreWrite,
    Settling,
    CallStarting,
    CallLanded,
    CallAnswered,
    Closing,
    Noting,
}

impl Point {
    pub const ALL: [Self; 16] = [
        Self::Any,
        Self::Opening,
        Self::Running,
        Self::CommitSealed,
        Self::ProducedSome,
        Self::Produced,
        Self::OffsetsSent,
        Self::EndSent,
        Self::Committed,
        Self::StoreWrite,
        Self::Settling,
        Self::CallStarting,
        Self::CallLanded,
        Self::CallAnswered,
        Self::Closing,
        Self::Noting,
    ];
}

/// A kill that waits for its point.
#[derive(Clone, Copy, Debug)]
pub struct Armed {
    point: Point,
    countdown: u32,
    power: bool,
}

impl World {
    /// Plans the faults of the whole run.
    pub fn plan_faults(&mut self) {
        let options = self.options.clone();
        for _ in 0..options.process.kills {
            let slot = self.dice.fault.index(options.instances);
            let power = self.dice.fault.chance(options.process.power);
            let aim = self.dice.fault.chance(options.process.aimed).then(|| {
                let point = self.dice.fault.pick(&Point::ALL);
                (point, u32::try_from(self.dice.fault.spread(1, 60)).unwrap())
            });
            self.plan_fault(Fault::Kill { slot, aim, power });
        }
        for _ in 0..options.process.freezes {
            let slot = self.dice.fault.index(options.instances);
            let for_ms = self.dice.fault.spread(2_000, 90_000);
            self.plan_fault(Fault::Freeze { slot, for_ms });
        }
        for _ in 0..options.process.drains {
            let slot = self.dice.fault.index(options.instances);
            self.plan_fault(Fault::Drain { slot });
        }
        for _ in 0..options.log.rebalances {
            self.plan_fault(Fault::Rebalance);
        }
        for _ in 0..options.log.fences {
            let slot = self.dice.fault.index(options.instances);
            self.plan_fault(Fault::FenceProducer { slot });
        }
        for _ in 0..options.operator.rewinds {
            let at = self.moment();
            self.agenda.plan(at, Action::Maintain);
        }
        self.plan_pauses();
    }

    fn plan_fault(&mut self, fault: Fault) {
        let at = self.moment();
        self.agenda.plan(at, Action::Fault(fault));
    }

    pub fn moment(&mut self) -> Millis {
        Millis(self.now.0 + self.dice.fault.between(500, self.options.faulty_ms))
    }

    /// A point was passed outside a turn.
    pub fn point(&mut self, who: Life, point: Point) {
        if self.dies_at(who, point) {
            self.doomed.push(who.slot);
        }
    }

    pub fn dies_at(&mut self, who: Life, point: Point) -> bool {
        let process = &mut self.processes[who.slot];
        if process.life != who.life {
            return false;
        }
        let Some(armed) = process.armed.as_mut() else { return false };
        let inside = !matches!(point, Point::CallLanded | Point::CallAnswered | Point::ProducedSome);
        if armed.point != point && !(armed.point == Point::Any && inside) {
            return false;
        }
        armed.countdown = armed.countdown.saturating_sub(1);
        armed.countdown == 0
    }

    pub fn arm(&mut self, slot: usize, aim: (Point, u32), power: bool) {
        let armed = Armed { point: aim.0, countdown: aim.1, power };
        self.processes[slot].armed = Some(armed);
    }

    /// The process is gone: nothing of its memory remains. What it had sent may still arrive.
    pub fn die(&mut self, slot: usize, power: bool) {
        let who = self.life(slot);
        self.trace(|| format!("{who} dies{}", if power { " and its machine loses power" } else { "" }));
        self.note("die", slot as u64, u64::from(power));
        let armed = self.processes[slot].armed.take();
        self.mark_death(who, armed.is_some());
        self.abandon_flights(who);
        let power = power || armed.is_some_and(|it| it.power);
        self.disks[slot].process_died(power, &mut self.dice.fault);
        let process = &mut self.processes[slot];
        process.status = Status::Down;
        process.inbox.clear();
        process.deferred.clear();
        process.turn = None;
        process.draining = false;
        self.fall_silent(slot);
        self.plan_restart(slot);
    }

    pub fn plan_restart(&mut self, slot: usize) {
        if !self.maintenance {
            let patience = if self.faults_on { self.options.process.restart_ms } else { 1_000 };
            let at = self.now.0 + self.dice.fault.spread(50, patience);
            self.agenda.plan(Millis(at), Action::Start(slot));
        }
    }

    fn mark_death(&mut self, who: Life, aimed: bool) {
        let process = &self.processes[who.slot];
        let answered = process.inbox.iter().any(|it| matches!(&it.event, Event::Log(LogEvent::CommitEnded { .. })));
        let txn = self.clients[who.slot].pending.as_ref().and_then(|it| it.txn);
        let decided = txn.is_some_and(|it| self.broker.transaction(it).fate == crate::broker::TxnFate::Committed);
        let open = txn.is_some_and(|it| self.broker.transaction(it).fate == crate::broker::TxnFate::Open);
        if answered || decided {
            self.marks.hit(Mark::DiedBetweenCommitAndWrite);
        }
        if open {
            self.marks.hit(Mark::DiedInsideTransaction);
        }
        if aimed {
            self.marks.hit(Mark::DiedAtAPoint);
        }
    }

    /// Asks a process to end well.
    pub fn drain(&mut self, slot: usize) {
        if self.processes[slot].status == Status::Down || self.processes[slot].draining {
            return;
        }
        let who = self.life(slot);
        self.trace(|| format!("{who} is asked to drain"));
        self.processes[slot].draining = true;
        self.deliver(who, Parcel { event: Event::Drain, read: None });
    }

    pub fn freeze(&mut self, slot: usize, for_ms: u64) {
        if self.processes[slot].status != Status::Running {
            return;
        }
        let who = self.life(slot);
        self.trace(|| format!("{who} freezes for {for_ms} ms"));
        self.processes[slot].status = Status::Frozen;
        self.fall_silent(slot);
        self.agenda.plan(Millis(self.now.0 + for_ms), Action::Thaw(who));
    }

    /// It wakes up and believes that nothing has happened.
    pub fn thaw(&mut self, who: Life) {
        if self.life(who.slot) != who || self.processes[who.slot].status != Status::Frozen {
            return;
        }
        self.trace(|| format!("{who} wakes up"));
        let process = &mut self.processes[who.slot];
        process.status = Status::Running;
        process.beat += 1;
        let deferred = std::mem::take(&mut process.deferred);
        for action in deferred {
            self.agenda.plan(self.now, action);
        }
        if self.group.members.get(&who.slot) == Some(&who.life) {
            self.marks.hit(Mark::FrozenWithinItsSessionWokeUp);
        } else {
            self.marks.hit(Mark::FrozenBeyondItsSessionWokeUp);
            let at = self.now.0 + self.dice.fault.spread(1, 3_000);
            self.agenda.plan(Millis(at), Action::Notice(who));
        }
    }

    /// From now on the world is kind: what is down comes back, what is frozen wakes up.
    pub fn end_faults(&mut self) {
        self.trace(|| "faults end".to_owned());
        self.faults_on = false;
        for slot in 0..self.processes.len() {
            self.processes[slot].armed = None;
            let who = self.life(slot);
            self.thaw(who);
        }
        self.end_pauses();
        self.agenda.plan(Millis(self.now.0 + 2_000), Action::CheckDrained);
    }
}

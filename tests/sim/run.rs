//! One run: the engines in their world, from the first job until everything is drained or a promise is broken.
//! Not here: which seeds run (`main`), how a failure is shown (`replay`).

use crate::brain::{self, Brain};
use crate::crm::SimCrms;
use crate::faults::{Fault, Killed};
use crate::log::SimLog;
use crate::marks::{Mark, Marks};
use crate::options::Options;
use crate::store::SimStore;
use crate::workload::ConnIx;
use crate::world::{Action, BEGIN, Failure, Life, Shared, Status, World};
use sluicegate::engine::{Ended, Turn, Unapplied};
use sluicegate::machine::{Bug, Note};
use sluicegate::model::{Incarnation, Millis, Topic};
use sluicegate::ports::Event;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    pub hash: u64,
    pub actions: u64,
    /// Virtual time, ms.
    pub lasted: u64,
    pub marks: Marks,
    pub failure: Option<Failure>,
    /// Only of a verbose run.
    pub lines: Vec<String>,
}

/// How a run is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    pub verbose: bool,
    pub bug: Option<Bug>,
}

pub fn run(options: Options, how: How) -> Report {
    let mut run = Run::new(options, how);
    run.begin();
    run.go_on();
    run.report()
}

/// Nothing waits unseen: whatever waits in a shard, an oldest of it is found, and none where nothing is. What a person
/// paused is never found, and may be all that waits.
fn unseen(engine: &mut Brain) -> Option<String> {
    let found = engine.oldest_unapplied();
    let pauses = |shard| engine.pauses_of(shard).into_iter().flat_map(BTreeMap::keys);
    let paused = |it: &Unapplied| pauses(it.shard).any(|at| at.covers(&it.connection, engine.crm_of(&it.connection)));
    if let Some(it) = found.iter().find(|it| paused(it)) {
        return Some(format!("{}: the oldest found is of {}, which is paused", it.shard, it.connection));
    }
    engine.gauges().into_iter().find_map(|(shard, gauges)| {
        let filed = gauges.waiting.values().sum::<u64>() - gauges.on_way;
        let is_found = found.iter().any(|it| it.shard == shard);
        let empty = gauges.in_memory == 0 && gauges.calls == 0 && filed == 0;
        let nothing = empty && gauges.on_way == 0;
        let wrong = (0 < filed && !is_found && pauses(shard).next().is_none()) || (nothing && is_found);
        wrong.then(|| format!("{shard}: {filed} wait, found an oldest: {is_found}"))
    })
}

struct Run {
    world: Shared,
    engines: Vec<Option<Brain>>,
    bug: Option<Bug>,
    births: u64,
}

impl Run {
    fn new(options: Options, how: How) -> Self {
        let engines = (0..options.instances).map(|_| None).collect();
        Self { world: Shared::new(World::new(options, how.verbose)), engines, bug: how.bug, births: 0 }
    }

    fn begin(&mut self) {
        let mut world = self.world.borrow_mut();
        for (at, event) in world.workload.arrivals() {
            world.agenda.plan(at, Action::Produce(event));
        }
        for slot in 0..self.engines.len() {
            let at = BEGIN.0 + world.dice.process.spread(1, 2_000);
            world.agenda.plan(Millis(at), Action::Start(slot));
        }
        world.plan_faults();
        let end = Millis(BEGIN.0 + world.options.faulty_ms);
        world.agenda.plan(end, Action::FaultsOff);
    }

    fn go_on(&mut self) {
        loop {
            let next = {
                let mut world = self.world.borrow_mut();
                if world.failure.is_some() || world.done {
                    return;
                }
                let Some((at, action)) = world.agenda.next() else { return };
                world.now = at;
                world.perform(action)
            };
            match next {
                None => {}
                Some(Action::Turn { who, stamp }) => self.turn(who, stamp),
                Some(Action::Start(slot)) => self.start(slot),
                Some(Action::Fault(fault)) => self.strike(fault),
                Some(Action::Configure { conn, present }) => self.configure(conn, present),
                Some(_) => self.maintain(),
            }
            let doomed = std::mem::take(&mut self.world.borrow_mut().doomed);
            doomed.into_iter().for_each(|slot| self.kill(slot, false));
        }
    }

    fn start(&mut self, slot: usize) {
        let mut world = self.world.borrow_mut();
        if world.processes[slot].status != Status::Down || world.maintenance {
            return;
        }
        world.tamper(slot);
        let process = &mut world.processes[slot];
        process.life += 1;
        process.status = Status::Running;
        process.view = crate::view::View::default();
        process.beat += 1;
        let who = world.life(slot);
        world.clients[slot] = crate::client::Client::default();
        world.clients[slot].epoch = world.init_producer(slot);
        let off = world.options.limits.clock_ms;
        let ahead = i64::try_from(world.dice.clock.between(0, 2 * off)).unwrap() - i64::try_from(off).unwrap();
        world.processes[slot].clock = ahead;
        world.marks.hit_if(1 < who.life && ahead != 0, Mark::ClocksDiffered);
        world.trace(|| format!("{who} starts, its clock {ahead} ms ahead"));
        world.note("start", slot as u64, who.life);
        let (now, clock, options) = (world.now, world.clock(who), world.options.clone());
        self.births += 1;
        let ports = (
            SimLog { world: self.world.clone(), who },
            SimStore { world: self.world.clone(), who },
            SimCrms { world: self.world.clone(), who },
        );
        let incarnation = Incarnation(self.births * 1_000 + slot as u64);
        self.engines[slot] =
            Some(brain::new(&options, (&world.workload, &world.absent), ports, (incarnation, self.bug), clock));
        world.join(who);
        world.plan_turn(who, now);
    }

    fn turn(&mut self, who: Life, stamp: u64) {
        let Some(events) = self.take_events(who, stamp) else { return };
        let had_events = !events.is_empty();
        let now = self.world.borrow().clock(who);
        let Some(engine) = self.engines[who.slot].as_mut() else { return };
        let turned = std::panic::catch_unwind(AssertUnwindSafe(|| engine.turn(now, events)));
        match turned {
            Ok(turn) => {
                if let Some(problem) = turn.ended.is_none().then(|| unseen(engine)).flatten() {
                    self.world.borrow_mut().broken("I1", format!("{who}: {problem}"));
                }
                self.after_turn(who, &turn, had_events);
            }
            Err(payload) if payload.is::<Killed>() => self.kill(who.slot, false),
            Err(payload) => {
                let what = payload.downcast_ref::<String>().cloned();
                let what =
                    what.or_else(|| payload.downcast_ref::<&str>().map(|it| (*it).to_owned())).unwrap_or_default();
                self.engines[who.slot] = None;
                self.world.borrow_mut().broken("I14", format!("{who} panicked: {what}"));
            }
        }
    }

    /// Takes what is in the inbox, up to what the loop takes at once.
    fn take_events(&mut self, who: Life, stamp: u64) -> Option<Vec<Event>> {
        let mut world = self.world.borrow_mut();
        if world.processes[who.slot].turn.map(|it| it.1) != Some(stamp) {
            return None;
        }
        world.processes[who.slot].turn = None;
        let max = world.options.process.events_max;
        let mut events = Vec::new();
        while (events.len() as u64) < max {
            let Some(parcel) = world.processes[who.slot].inbox.pop_front() else { break };
            let void = parcel.read.is_some_and(|(shard, topic, read)| {
                let reader = world.clients[who.slot].readers.get(&(shard, topic));
                topic == Topic::Jobs && reader.is_some_and(|it| it.read != read)
            });
            if !void {
                world.observe(who, &parcel.event);
                events.push(parcel.event);
            }
        }
        if !world.processes[who.slot].inbox.is_empty() {
            let now = world.now;
            world.plan_turn(who, now);
        }
        Some(events)
    }

    fn after_turn(&mut self, who: Life, turn: &Turn, had_events: bool) {
        let mut world = self.world.borrow_mut();
        world.note("turned", who.slot as u64, turn.wake.map_or(0, |it| it.0));
        for note in &turn.notes {
            if let Note::Corrected { up, .. } = note {
                world.marks.hit(if *up { Mark::OthersUp } else { Mark::OthersDown });
            }
        }
        let now = world.now;
        let ahead = world.processes[who.slot].clock;
        let wake = turn.wake.map(|it| it.0.saturating_add_signed(-ahead));
        let idle = !had_events && wake.is_some_and(|it| it <= now.0);
        let process = &mut world.processes[who.slot];
        process.idle_turns = if idle { process.idle_turns + 1 } else { 0 };
        if 1_000 < process.idle_turns {
            world.broken("I13", format!("{who} turns again and again at one moment without any event"));
        }
        match &turn.ended {
            None => {
                if let Some(wake) = wake {
                    // the clock of a loop that wants to be woken at once has a grain
                    world.plan_turn(who, Millis(wake.max(now.0 + 1)));
                }
                if let Some(engine) = &self.engines[who.slot] {
                    world.after_turn(who, engine);
                }
            }
            Some(Ended::Drained) => {
                drop(world);
                self.leave(who);
            }
            Some(Ended::Fenced(fault)) => {
                world.trace(|| format!("{who} is fenced and ends: {fault}"));
                drop(world);
                self.kill(who.slot, false);
            }
            Some(Ended::Stopped(fault, _)) => {
                let what = format!("{who} stopped for good: {fault}");
                world.broken("I14", what);
            }
        }
    }

    /// A drained process is gone for good reasons; its shards go to the others at once, or when its session is over.
    fn leave(&mut self, who: Life) {
        self.engines[who.slot] = None;
        let mut world = self.world.borrow_mut();
        world.marks.hit(Mark::Drained);
        let leaves = world.dice.fault.chance(500);
        world.die(who.slot, false);
        if leaves {
            world.expel(who.slot);
        }
    }

    /// The configuration changes, and every process is told at once.
    fn configure(&mut self, conn: ConnIx, present: bool) {
        let tenants = {
            let mut world = self.world.borrow_mut();
            if !present && !world.faults_on {
                return;
            }
            world.trace(|| format!("connection {conn} is {}", if present { "back" } else { "gone" }));
            if present {
                world.absent.remove(&conn);
                // That it was held for something else before it vanished is forgotten.
                let now = world.now;
                let views = world.processes.iter_mut().flat_map(|it| it.view.shards.values_mut());
                for view in views {
                    view.freed.insert(conn, now);
                }
            } else {
                world.absent.insert(conn);
                world.ever_absent.insert(conn);
            }
            for slot in 0..self.engines.len() {
                let (who, now) = (world.life(slot), world.now);
                if self.engines[slot].is_some() {
                    world.plan_turn(who, now);
                }
            }
            brain::tenants(&world.workload, &world.absent)
        };
        for slot in 0..self.engines.len() {
            let Some(engine) = self.engines[slot].as_mut() else { continue };
            let now = {
                let world = self.world.borrow();
                world.clock(world.life(slot))
            };
            let told = std::panic::catch_unwind(AssertUnwindSafe(|| engine.reconfigure(now, tenants.clone())));
            match told {
                Ok(()) => {}
                Err(payload) if payload.is::<Killed>() => self.kill(slot, false),
                Err(_) => {
                    self.world.borrow_mut().broken("I14", format!("instance {slot} panicked at a new configuration"))
                }
            }
        }
    }

    fn kill(&mut self, slot: usize, power: bool) {
        self.engines[slot] = None;
        let mut world = self.world.borrow_mut();
        if world.processes[slot].status != Status::Down {
            world.die(slot, power);
        }
    }

    fn strike(&mut self, fault: Fault) {
        let mut world = self.world.borrow_mut();
        if !world.faults_on {
            return;
        }
        world.trace(|| format!("{fault:?}"));
        match fault {
            Fault::Kill { slot, aim: Some(aim), power } => world.arm(slot, aim, power),
            Fault::Kill { slot, aim: None, power } => {
                drop(world);
                self.kill(slot, power);
            }
            Fault::Freeze { slot, for_ms } => world.freeze(slot, for_ms),
            Fault::Drain { slot } => world.drain(slot),
            Fault::Rebalance => world.shuffle(),
            Fault::FenceProducer { slot } => {
                world.init_producer(slot);
            }
        }
    }

    /// The operator stops everything, waits until all is still, moves offsets, and starts everything.
    fn maintain(&mut self) {
        let mut world = self.world.borrow_mut();
        if !world.maintenance {
            if !world.faults_on {
                return;
            }
            world.trace(|| "the operator stops everything".to_owned());
            world.maintenance = true;
            for slot in 0..self.engines.len() {
                if world.dice.fault.chance(500) {
                    world.drain(slot);
                } else {
                    drop(world);
                    self.kill(slot, false);
                    world = self.world.borrow_mut();
                }
            }
        }
        if world.is_quiet() {
            return world.move_offsets();
        }
        let now = world.now.0;
        world.agenda.plan(Millis(now + 500), Action::Maintain);
    }

    fn report(self) -> Report {
        let mut world = self.world.borrow_mut();
        if !world.done && world.failure.is_none() {
            world.broken("SIM", "the agenda ran out".to_owned());
        }
        Report {
            hash: world.hash,
            actions: world.actions,
            lasted: world.now.0 - BEGIN.0,
            marks: world.marks.clone(),
            failure: world.failure.clone(),
            lines: world.lines.take().into(),
        }
    }
}

//! One turn of the loop: what the world said, in its order, then everything that is due.
//! Not here: how each thing is done; each has its file.

use crate::engine::Settings;
use crate::engine::commit::Committer;
use crate::engine::decode::decode_waiting;
use crate::engine::held::commands;
use crate::engine::shard::{ShardSlot, Unfiled};
use crate::machine::{Dice, Gauges, Input, Machine, Note, Out};
use crate::model::{CallEnded, CallId, ConnectionId, Incarnation, Millis, Offset, Received, Shard, Topic, WindowName};
use crate::ports::{Crms, Event, Log, LogEvent, LogFault, StopCause, Store, StoreFault, Tenants};
use std::collections::BTreeMap;

/// Everything an engine is made of.
#[derive(Debug)]
pub struct Setup<L, S, C> {
    pub settings: Settings,
    pub tenants: Tenants,
    pub log: L,
    pub store: S,
    pub crms: C,
    /// Decides the jitter.
    pub seed: u64,
    pub incarnation: Incarnation,
}

/// The loop over all shards of this process.
#[derive(Debug)]
pub struct Engine<L, S, C> {
    pub(super) settings: Settings,
    pub(super) tenants: Tenants,
    pub(super) log: L,
    pub(super) store: S,
    pub(super) crms: C,
    pub(super) dice: Dice,
    pub(super) incarnation: Incarnation,
    pub(super) shards: BTreeMap<Shard, ShardSlot>,
    pub(super) committer: Committer,
    /// Calls out, with the moment by which each has ended.
    pub(super) calls_out: BTreeMap<CallId, Shard>,
    pub(super) next_call: u64,
    /// The shard that may call first in the next turn.
    pub(super) first_shard: Shard,
    /// Calls of shards that were taken away may land until then.
    pub(super) quiet: BTreeMap<Shard, Millis>,
    /// Held connections still have deliveries in memory that must go.
    pub(super) crowded: bool,
    pub(super) draining: bool,
    pub(super) ended: Option<Ended>,
    pub(super) notes: Vec<Note>,
}

/// What a turn tells the one who called it.
#[derive(Debug)]
pub struct Turn {
    /// Call again at the latest then.
    pub wake: Option<Millis>,
    pub ended: Option<Ended>,
    /// For metrics and log.
    pub notes: Vec<Note>,
}

/// Why the loop has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As asked: everything is committed and closed.
    Drained,
    /// Everything uncommitted is void; a new engine with a new incarnation must take over.
    Fenced(LogFault),
    /// A person must act.
    Stopped(LogFault, StopCause),
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub fn new(setup: Setup<L, S, C>, now: Millis) -> Self {
        Self {
            settings: setup.settings,
            tenants: setup.tenants,
            log: setup.log,
            store: setup.store,
            crms: setup.crms,
            dice: Dice(setup.seed),
            incarnation: setup.incarnation,
            shards: BTreeMap::new(),
            committer: Committer::new(now),
            calls_out: BTreeMap::new(),
            next_call: 0,
            first_shard: Shard(0),
            quiet: BTreeMap::new(),
            crowded: false,
            draining: false,
            ended: None,
            notes: Vec::new(),
        }
    }

    /// Takes the events in their order, then does everything that is due. Blocks for the local disk only.
    pub fn turn(&mut self, now: Millis, events: Vec<Event>) -> Turn {
        for event in events {
            if self.ended.is_none() {
                self.take(now, event);
            }
        }
        if self.ended.is_none() {
            self.work(now);
        }
        Turn { wake: self.wake(now), ended: self.ended.clone(), notes: std::mem::take(&mut self.notes) }
    }

    fn take(&mut self, now: Millis, event: Event) {
        match event {
            Event::Log(event) => self.take_log(now, event),
            Event::CallEnded(ended) => self.call_ended(now, ended),
            Event::AccessChanged(connection) => self.access_changed(now, &connection),
            Event::Tenants(tenants) => self.reconfigure(now, tenants),
            Event::Explain(question) => self.explain(now, question),
            Event::Drain => self.drain(now),
        }
    }

    fn take_log(&mut self, now: Millis, event: LogEvent) {
        match event {
            LogEvent::Assigned(assignments) => {
                for assignment in assignments {
                    self.assigned(now, assignment);
                }
            }
            LogEvent::Messages { shard, topic, messages, position } => {
                self.messages(now, shard, (topic, messages, position));
            }
            LogEvent::Revoking(shards) => self.revoking(now, &shards),
            LogEvent::Lost(shards) => self.lost(now, &shards),
            LogEvent::CommitEnded { number, fate } => self.commit_ended(now, number, fate),
            LogEvent::Tail { shard, messages } => self.commit_settled(now, shard, &messages),
            LogEvent::Stopped { shard, fault, cause } => self.stopped(now, shard, (fault, cause)),
            LogEvent::Closed => self.closed(),
        }
    }

    fn work(&mut self, now: Millis) {
        self.file_what_came(now);
        self.take_latecomers(now);
        self.tend_holds(now);
        self.run_timers(now);
        self.load_heads(now);
        self.look_for_the_old(now);
        self.forget_the_dead(now);
        self.close_what_is_done(now);
        self.commit_what_is_due(now);
        self.make_calls(now);
        self.say_what_is_wanted();
        self.note_current(now);
    }

    fn messages(&mut self, now: Millis, shard: Shard, (topic, messages, position): (Topic, Vec<Received>, Offset)) {
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        match topic {
            Topic::State | Topic::Applied => self.restore(now, shard, topic, (messages, position)),
            Topic::Delay(tier) => {
                let commands = commands(tier, &messages);
                let messages = messages.into_iter().map(|it| decode_waiting(it, tier, shard)).collect();
                slot.unfiled.push_back(Unfiled { tier, messages, position });
                self.hear(now, shard, commands);
            }
            Topic::Jobs if slot.is_running() => self.read_jobs(now, shard, messages, position),
            Topic::Jobs | Topic::Dlq | Topic::Outcomes => {}
        }
    }

    fn read_jobs(&mut self, now: Millis, shard: Shard, messages: Vec<Received>, position: Offset) {
        let spill = self.is_short();
        let shards = self.shards.get(&shard).map_or(1, |it| it.assignment.shards);
        let jobs = messages.into_iter().map(|it| self.decode_or_keep(now, it, (shard, shards))).collect();
        self.step(now, shard, Input::Jobs { jobs, position, spill });
    }

    fn call_ended(&mut self, now: Millis, ended: CallEnded) {
        if self.calls_out.remove(&ended.id).is_some() {
            self.step(now, ended.shard, Input::CallEnded(ended));
        }
    }

    /// Loads what the input needs, steps the machine, and writes what the index gained.
    pub(super) fn step(&mut self, now: Millis, shard: Shard, input: Input) {
        let Some(machine) = self.shards.get(&shard).and_then(ShardSlot::machine) else { return };
        let wants = machine.wants(&input);
        let seen = match self.seen(shard, &wants) {
            Ok(seen) => seen,
            Err(fault) => return self.store_failed(shard, &fault),
        };
        let Some(machine) = self.shards.get_mut(&shard).and_then(ShardSlot::machine_mut) else { return };
        let mut out = Out::default();
        machine.step(now, &seen, input, &mut out);
        self.act(shard, out);
    }

    /// Does what a step asked for.
    pub(super) fn act(&mut self, shard: Shard, out: Out) {
        self.notes.extend(out.notes);
        if let Err(fault) = self.write_index(shard, out.index) {
            self.store_failed(shard, &fault);
        }
    }

    /// The local disk failed: nothing uncommitted can be kept, and the copy must be rebuilt.
    pub(super) fn store_failed(&mut self, shard: Shard, fault: &StoreFault) {
        tracing::error!(%shard, %fault, "local store failed: this process gives up its shards; free the disk or delete the state folder, it is rebuilt from the log");
        let fault = LogFault { what: format!("local store of shard {shard}: {fault}") };
        self.ended = Some(Ended::Stopped(fault, StopCause::Failed));
    }

    /// Going on would lose or repeat something: a person must act first.
    pub(super) fn stop(&mut self, fault: LogFault) {
        tracing::error!(%fault, "this process cannot go on");
        self.ended = Some(Ended::Stopped(fault, StopCause::Failed));
    }

    /// Whether deliveries in memory and calls out take more than they may.
    pub(super) fn is_short(&self) -> bool {
        let machines = self.shards.values().filter_map(ShardSlot::machine);
        let deliveries: usize = machines.map(Machine::memory_bytes).sum();
        self.settings.memory_bytes < deliveries + self.calls_out.len() * self.settings.call_bytes
    }

    /// What people and bounds are interested in, over all shards.
    pub fn gauges(&self) -> BTreeMap<Shard, Gauges> {
        let machines = self.shards.iter().filter_map(|(shard, slot)| Some((*shard, slot.machine()?)));
        machines.map(|(shard, machine)| (shard, Machine::gauges(machine))).collect()
    }

    /// Owned shards, and how many of them run.
    pub fn readiness(&self) -> (usize, usize) {
        (self.shards.len(), self.running().len())
    }

    /// Shards whose waiting index is at its bound: they read no new job.
    pub fn full(&self) -> usize {
        let machines = self.shards.values().filter_map(ShardSlot::machine);
        machines.filter(|it| self.settings.waiting_bytes_max <= it.waiting_bytes()).count()
    }

    /// Each owned shard with the phase it is in.
    pub fn phases(&self) -> Vec<(u32, &'static str)> {
        self.shards.iter().map(|(shard, slot)| (shard.0, slot.phase.name())).collect()
    }

    /// Free share, 0 to 1, of each limit window of the connections that were called lately.
    pub fn bucket_levels(&mut self, now: Millis) -> Vec<(ConnectionId, WindowName, f64)> {
        let mut levels = Vec::new();
        for machine in self.shards.values_mut().filter_map(ShardSlot::machine_mut) {
            machine.levels(now, |id, window, level| levels.push((id.clone(), window, level)));
        }
        levels
    }

    /// Waiting deliveries per connection, where there are any.
    pub fn waiting(&self) -> Vec<(String, u64)> {
        let machines = self.shards.values().filter_map(ShardSlot::machine);
        let waiting = machines.flat_map(Machine::waiting).filter(|(_, count)| 0 < *count);
        waiting.map(|(id, count)| (id.to_string(), count)).collect()
    }
}

//! Holds and pauses as the loop sees them: commands are heard when they come, lines are emptied bit by bit, jobs of
//! tenants that nobody knows yet are kept for a minute, and people are told.
//! Not here: the rules (`machine`).

use crate::engine::Engine;
use crate::engine::oldest::Cursor;
use crate::engine::shard::ShardSlot;
use crate::machine::{Bug, Input, JobRead, Machine, Out, Verdict};
use crate::model::{
    Command, ConnectionId, Crm, Hold, Millis, Offset, Pause, Reason, Received, Scope, Shard, Tier, Topic,
};
use crate::ports::{Crms, Log, Store, Tenants};
use crate::wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long after its time a job waits for its tenant to be configured.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
/// Jobs of unknown tenants kept per shard; what exceeds it is dead at once, and can be replayed.
const LATECOMERS_MAX: usize = 4_096;
/// Deliveries of held connections taken out of memory in one turn and shard.
const EMPTIED_MAX: usize = 512;

/// The commands among messages of a delay topic: those of the first.
pub(super) fn commands(tier: Tier, messages: &[Received]) -> Vec<(Offset, Command)> {
    if tier != Tier::S5 {
        return Vec::new();
    }
    let marked = messages.iter().filter(|it| wire::command::is_command(&it.message));
    marked.filter_map(|it| Some((it.offset, wire::command::decode(&it.message).ok()?))).collect()
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// A running shard obeys a command at once; what it owes the changelog follows when the message is filed. Before it
    /// runs nothing is called, and commands are filed in time.
    pub(super) fn hear(&mut self, now: Millis, shard: Shard, commands: Vec<(Offset, Command)>) {
        for (offset, command) in commands {
            let Some(slot) = self.shards.get_mut(&shard).filter(|it| it.is_running()) else { return };
            let Some(machine) = slot.machine_mut() else { return };
            let mut out = Out::default();
            machine.hear(now, (Topic::Delay(Tier::S5), offset), &command, &mut out);
            self.act(shard, out);
        }
    }

    pub(super) fn tend_holds(&mut self, now: Millis) {
        let room = if self.is_full() { 0 } else { EMPTIED_MAX };
        self.crowded = false;
        for shard in self.running() {
            let Some(machine) = self.shards.get_mut(&shard).and_then(ShardSlot::machine_mut) else { continue };
            let mut out = Out::default();
            self.crowded |= machine.tend_holds(now, room, &mut out);
            self.act(shard, out);
        }
    }

    /// When a hold or a pause wants the loop to turn.
    pub(super) fn hold_wake(&self, now: Millis) -> Option<Millis> {
        let running = || self.shards.values().filter(|it| it.is_running());
        let holds = running().filter_map(ShardSlot::machine).filter_map(|it| it.hold_wake(now));
        let latecomers = running().flat_map(|it| it.latecomers.values()).map(|it| it.0);
        // A full commit ends by itself, and brings a turn.
        let crowded = (self.crowded && !self.is_full()).then_some(now);
        holds.chain(latecomers).chain(crowded).min()
    }

    /// Of thousands that change together nearly all are well, and need nothing: the next call uses the new access.
    pub(super) fn access_changed(&mut self, now: Millis, id: &ConnectionId) {
        let is_held = |slot: &ShardSlot| slot.machine().is_some_and(|it| it.holds().contains_key(id));
        let held = self.shards.iter().filter(|(_, it)| it.is_running() && is_held(it)).map(|(shard, _)| *shard);
        for shard in held.collect::<Vec<_>>() {
            self.step(now, shard, Input::AccessChanged(id.clone()));
        }
    }

    /// Tells the machine which connections are configured: at its start, and when that changes.
    pub(super) fn configure(&mut self, now: Millis, shard: Shard) {
        let tenants = Arc::clone(&self.tenants);
        let known = |id: &ConnectionId| tenants.get(&id.tenant)?.iter().find(|it| it.id == *id).cloned();
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        // Whom a pause of a CRM is about depends on what is configured.
        slot.oldest = Cursor::default();
        let Some(machine) = slot.machine_mut() else { return };
        let mut out = Out::default();
        machine.configure(now, known, &mut out);
        self.act(shard, out);
    }

    /// Other tenants and connections from now on. Jobs that waited for their tenant come first: no newer one of theirs
    /// has been read as a delivery yet.
    pub fn reconfigure(&mut self, now: Millis, tenants: Tenants) {
        self.tenants = tenants;
        for shard in self.running() {
            self.configure(now, shard);
            self.look_again(now, shard, |_| true);
        }
    }

    /// A job, decoded; one of a tenant that is not configured is kept for a minute after its time.
    pub(super) fn decode_or_keep(&mut self, now: Millis, received: Received, (shard, shards): (Shard, u32)) -> JobRead {
        let unknown =
            |read: &JobRead| matches!(&read.verdict, Verdict::Malformed { reason: Reason::UnknownTenant, .. });
        let mut read = self.decode_job(received, (shard, shards));
        let Some(slot) = self.shards.get_mut(&shard).filter(|_| unknown(&read)) else { return read };
        // A time to come would wait for ever.
        let until = read.message.timestamp.min(now).after(UNKNOWN_FOR);
        let patient = self.settings.bug != Some(Bug::BuriesTheUnknown);
        if patient && now < until && slot.latecomers.len() < LATECOMERS_MAX {
            let message = (*read.message).clone();
            slot.latecomers.insert(read.offset, (until, Received { offset: read.offset, message }));
            read.verdict = Verdict::Later;
        }
        read
    }

    /// Jobs of unknown tenants whose minute is over.
    pub(super) fn take_latecomers(&mut self, now: Millis) {
        for shard in self.running() {
            self.look_again(now, shard, |until| until <= now);
        }
    }

    fn look_again(&mut self, now: Millis, shard: Shard, when: impl Fn(Millis) -> bool) {
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        let shards = slot.assignment.shards;
        let due: Vec<Received> = slot.latecomers.extract_if(.., |_, it| when(it.0)).map(|(_, it)| it.1).collect();
        if due.is_empty() {
            return;
        }
        let jobs = due.into_iter().map(|it| self.decode_or_keep(now, it, (shard, shards))).collect();
        self.step(now, shard, Input::Jobs { jobs, position: Offset(0), spill: false });
    }

    /// What is held, over all shards.
    pub fn holds(&self) -> BTreeMap<ConnectionId, Hold> {
        let machines = self.shards.values().filter_map(ShardSlot::machine);
        machines.flat_map(|it| it.holds().iter().map(|(id, hold)| (id.clone(), hold.clone()))).collect()
    }

    /// What people paused, as this shard has heard it; none where the shard is not ours.
    pub fn pauses_of(&self, shard: Shard) -> Option<&BTreeMap<Scope, Pause>> {
        self.shards.get(&shard).and_then(ShardSlot::machine).map(Machine::pauses)
    }

    /// None where the connection is not configured.
    pub fn crm_of(&self, id: &ConnectionId) -> Option<Crm> {
        crm_of(&self.tenants, id)
    }

    /// What people paused. Of a scope that is kept by several shards the first one's words.
    pub fn pauses(&self) -> BTreeMap<Scope, Pause> {
        let machines = self.shards.values().rev().filter_map(ShardSlot::machine);
        machines.flat_map(|it| it.pauses().iter().map(|(scope, pause)| (scope.clone(), pause.clone()))).collect()
    }
}

/// None where the connection is not configured.
pub(super) fn crm_of(tenants: &Tenants, id: &ConnectionId) -> Option<Crm> {
    tenants.get(&id.tenant)?.iter().find(|it| it.id == *id).map(|it| it.crm)
}

//! How much is taken in: filing of what came, what more is wanted, when to wake, when the copy is noted as current.
//! Not here: pausing a reader (the log).

use crate::engine::Engine;
use crate::engine::shard::{Phase, ShardSlot, Unfiled};
use crate::machine::{Input, Machine, WaitingContent, WaitingRead};
use crate::model::{Millis, Shard, Tier, Topic};
use crate::ports::{Crms, Log, Store};
use std::time::Duration;

/// Messages of delay topics that may wait to be filed, over all shards.
const UNFILED_MAX: usize = 4_096;
/// Jobs of one shard that may be read and unsettled.
const UNSETTLED_MAX: usize = 200_000;
/// How often a copy is noted as current and flushed.
const NOTE_EVERY: Duration = Duration::from_secs(600);

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Files what came from delay topics, unless a commit is under way: its entries leave the index first.
    pub(super) fn file_what_came(&mut self, now: Millis) {
        if self.committer.is_under_way() {
            return;
        }
        let shards: Vec<Shard> =
            self.shards.iter().filter(|(_, it)| !it.unfiled.is_empty()).map(|(it, _)| *it).collect();
        for shard in shards {
            self.file_shard(now, shard);
            self.restored_so_far(now, shard);
        }
    }

    pub(super) fn file_shard(&mut self, now: Millis, shard: Shard) {
        while let Some(slot) = self.shards.get_mut(&shard) {
            let (Some(machine), Some(next)) = (slot.machine(), slot.unfiled.front()) else { return };
            // Of a delivery that has ended, in a commit to come: its entry leaves the index before another is filed.
            let ended = |it: &WaitingRead| match &it.content {
                WaitingContent::Entry(entry) => machine.has_ended(entry.record, entry.key.seq),
                WaitingContent::Command(_) | WaitingContent::Strange { .. } => false,
            };
            if next.messages.iter().any(ended) {
                return;
            }
            let Some(Unfiled { tier, messages, position }) = slot.unfiled.pop_front() else { return };
            self.step(now, shard, Input::Waiting { tier, messages, position });
        }
    }

    /// Tells the log what is wanted, where that changed.
    pub(super) fn say_what_is_wanted(&mut self) {
        let full = self.is_full() || self.draining;
        let shards = self.shards.len().max(1);
        let bounds = (self.on_way_share(), self.settings.waiting_bytes_max);
        for (shard, slot) in &mut self.shards {
            let jobs = wants_jobs(slot, bounds) && !full;
            let filing = slot.machine().is_some() && slot.unfiled_count() < UNFILED_MAX / shards;
            let delays = Tier::ALL.map(|tier| (Topic::Delay(tier), filing));
            // Once restored, a changelog says only what we have just written ourselves.
            let restoring = slot.machine().is_none();
            let others = [(Topic::Jobs, jobs), (Topic::State, restoring), (Topic::Applied, restoring)];
            for (topic, wanted) in delays.into_iter().chain(others) {
                let changed = if wanted { slot.unwanted.remove(&topic) } else { slot.unwanted.insert(topic) };
                if changed {
                    self.log.want(*shard, topic, wanted);
                }
            }
        }
    }

    /// How many deliveries of one shard may be on their way.
    pub(super) fn on_way_share(&self) -> u64 {
        let shards = u64::try_from(self.shards.len().max(1)).unwrap_or(u64::MAX);
        (self.settings.on_way_max / shards).max(1)
    }

    /// When something will be due at the latest.
    pub(super) fn wake(&self, now: Millis) -> Option<Millis> {
        let timers = self.shards.values().filter(|it| it.is_running()).filter_map(|it| it.timer_next);
        let quiet = self.shards.values().map(|it| it.quiet_until).filter(|it| now < *it);
        let closing = self.shards.values().filter_map(|it| match &it.phase {
            Phase::Closing { deadline, .. } => Some(*deadline),
            Phase::Restoring { .. } | Phase::Filing(_) | Phase::Running(_) => None,
        });
        let running = self.shards.values().filter(|it| it.is_running()).filter_map(ShardSlot::machine);
        let tokens = running.filter_map(Machine::next_token_at);
        let holds = self.hold_wake(now);
        timers.chain(tokens).chain(quiet).chain(closing).chain(self.commit_due()).chain(holds).min()
    }

    pub(super) fn note_current(&mut self, now: Millis) {
        let due = |slot: &ShardSlot| slot.is_running() && NOTE_EVERY <= now.since(slot.noted_at);
        let shards: Vec<Shard> = self.shards.iter().filter(|(_, it)| due(it)).map(|(it, _)| *it).collect();
        for shard in shards {
            if let Some(slot) = self.shards.get_mut(&shard) {
                slot.noted_at = now;
            }
            self.note_current_of(shard, now);
        }
    }

    pub(super) fn note_current_of(&mut self, shard: Shard, now: Millis) {
        if let Err(fault) = self.store.note_current(shard, now) {
            tracing::warn!(%shard, %fault, "the local copy could not be flushed; it is rebuilt from the log if it is lost");
        }
    }
}

/// Jobs that an earlier life has read come in whatever waits: they may be what the others wait for.
fn wants_jobs(slot: &ShardSlot, (on_way_max, waiting_bytes_max): (u64, u64)) -> bool {
    let Some(machine) = slot.machine().filter(|_| slot.is_running()) else { return true };
    let again = machine.jobs_position() < machine.jobs_read_max();
    let room = machine.on_way_count() < on_way_max && machine.unsettled_count() < UNSETTLED_MAX;
    again || room && machine.waiting_bytes() < waiting_bytes_max
}

//! Calls go out: within the lease, the bounds of the process, and one shard after the other.
//! Not here: which call of a shard is next (`machine`).

use crate::engine::Engine;
use crate::engine::shard::ShardSlot;
use crate::machine::{Bug, Out};
use crate::model::{CallId, Millis, Shard};
use crate::ports::{Crms, Log, Store};

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn make_calls(&mut self, now: Millis) {
        if self.draining || self.ended.is_some() || self.is_backed_up() {
            return;
        }
        let mut able: Vec<Shard> = self.running().into_iter().filter(|it| self.may_call(now, *it)).collect();
        let turn = able.partition_point(|it| *it < self.first_shard);
        able.rotate_left(turn);
        while !able.is_empty() && self.calls_out.len() < self.settings.calls_max {
            able.retain(|shard| self.calls_out.len() < self.settings.calls_max && self.call_of(now, *shard));
        }
        if let Some(next) = able.first() {
            self.first_shard = *next;
        }
    }

    /// One call of the shard, if it has one.
    fn call_of(&mut self, now: Millis, shard: Shard) -> bool {
        let id = CallId(self.next_call);
        let mut out = Out::default();
        let Some(machine) = self.shards.get_mut(&shard).and_then(ShardSlot::machine_mut) else { return false };
        let call = machine.next_call(now, id, &mut out);
        self.act(shard, out);
        let Some(call) = call else { return false };
        self.next_call += 1;
        self.calls_out.insert(id, shard);
        self.crms.start(call);
        true
    }

    /// A shard calls only while it is surely ours: after its first commit, within the lease of the last one,
    /// and when calls of an earlier life have passed their deadline.
    fn may_call(&self, now: Millis, shard: Shard) -> bool {
        let Some(slot) = self.shards.get(&shard) else { return false };
        let leased = slot.committed_once && now < self.committer.lease_start().after(slot.assignment.lease);
        (leased && slot.quiet_until <= now) || self.settings.bug == Some(Bug::CallsWithoutLease)
    }

    /// One commit is under way and the next is full: nothing more can be taken in.
    pub(super) fn is_backed_up(&self) -> bool {
        self.committer.is_under_way() && self.is_full()
    }

    pub(super) fn is_full(&self) -> bool {
        let machines = || self.shards.values().filter_map(ShardSlot::machine);
        let count: usize = machines().map(|it| it.building_count()).sum();
        let bytes: usize = machines().map(|it| it.building_bytes()).sum();
        self.settings.commit_outcomes <= count || self.settings.commit_bytes <= bytes
    }
}

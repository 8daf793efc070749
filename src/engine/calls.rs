//! Calls go out: within the lease, the bounds of the process, and one shard after the other.
//! Not here: which call of a shard is next (`machine`).

use crate::engine::Engine;
use crate::engine::shard::ShardSlot;
use crate::machine::{Bug, Out};
use crate::model::{CallId, Millis, Shard};
use crate::ports::{Crms, Log, Store};

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn make_calls(&mut self, now: Millis) {
        if self.draining || self.ended.is_some() || self.is_full() {
            return;
        }
        let mut able: Vec<Shard> = self.running().into_iter().filter(|it| self.may_call(now, *it)).collect();
        let turn = able.partition_point(|it| *it < self.first_shard);
        able.rotate_left(turn);
        // Whoever is refused for lack of room is the first next time.
        let mut refused = None;
        while !able.is_empty() && refused.is_none() {
            able.retain(|shard| {
                if self.settings.calls_max <= self.calls_out.len() {
                    refused.get_or_insert(*shard);
                }
                refused.is_some() || self.call_of(now, *shard)
            });
        }
        if let Some(next) = refused {
            self.first_shard = next;
        }
    }

    /// One call of the shard, if it has one.
    fn call_of(&mut self, now: Millis, shard: Shard) -> bool {
        let id = CallId(self.next_call);
        let until = self.lease_end(shard);
        let mut out = Out::default();
        let Some(machine) = self.shards.get_mut(&shard).and_then(ShardSlot::machine_mut) else { return false };
        let call = machine.next_call(now, (id, until), &mut out);
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
        let leased = slot.committed_once && now < self.lease_end(shard);
        (leased && slot.quiet_until <= now) || self.settings.bug == Some(Bug::CallsWithoutLease)
    }

    /// From then on another process may own the shard.
    fn lease_end(&self, shard: Shard) -> Millis {
        let lease = self.shards.get(&shard).map(|it| it.assignment.lease).unwrap_or_default();
        self.committer.lease_start().after(lease)
    }

    /// The next commit is full: nothing more can be taken in before it is on its way.
    pub(super) fn is_full(&self) -> bool {
        let machines = || self.shards.values().filter(|it| it.may_commit()).filter_map(ShardSlot::machine);
        let count: usize = machines().map(|it| it.building_count()).sum();
        let bytes: usize = machines().map(|it| it.building_bytes()).sum();
        self.settings.commit_outcomes <= count || self.settings.commit_bytes <= bytes
    }
}

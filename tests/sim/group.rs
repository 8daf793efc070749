//! The consumer group: members by instance id, who owns which shard, rebalances, session timeouts.
//! Not here: what a client makes of it (`client`).

use crate::marks::Mark;
use crate::world::{Action, Life, Status, World};
use sluicegate::model::{Millis, Shard};
use std::collections::BTreeMap;

/// A member that has not been heard of for so long is expelled, ms.
pub const SESSION_MS: u64 = 30_000;

#[derive(Debug, Default)]
pub struct Group {
    /// Instance -> its present life.
    pub members: BTreeMap<usize, u64>,
    pub owner: BTreeMap<Shard, usize>,
    /// Where a shard ought to be, if that instance is a member.
    prefer: BTreeMap<Shard, usize>,
}

impl Group {
    pub fn is_owner(&self, who: Life, shard: Shard) -> bool {
        self.members.get(&who.slot) == Some(&who.life) && self.owner.get(&shard) == Some(&who.slot)
    }

    fn target(&mut self, shard: Shard) -> Option<usize> {
        if let Some(slot) = self.prefer.get(&shard)
            && self.members.contains_key(slot)
        {
            return Some(*slot);
        }
        let mut load: BTreeMap<usize, usize> = self.members.keys().map(|it| (*it, 0)).collect();
        for slot in self.prefer.values() {
            load.entry(*slot).and_modify(|it| *it += 1);
        }
        let least = load.into_iter().min_by_key(|it| (it.1, it.0))?.0;
        self.prefer.insert(shard, least);
        Some(least)
    }
}

impl World {
    /// A member joins; one that comes back within its session has its shards again.
    pub fn join(&mut self, who: Life) {
        let known = self.group.members.insert(who.slot, who.life).is_some();
        self.trace(|| format!("{who} joins the group{}", if known { ", still known" } else { "" }));
        let owned: Vec<Shard> = self.owned_by(who.slot);
        for shard in owned {
            self.grant(who, shard);
        }
        if !known {
            self.share_out();
        }
    }

    /// Gives the newcomer its share.
    fn share_out(&mut self) {
        let members: Vec<usize> = self.group.members.keys().copied().collect();
        let share = usize::try_from(self.options.shards).unwrap().div_ceil(members.len());
        let mut load: BTreeMap<usize, usize> = BTreeMap::new();
        for shard in (0..self.options.shards).map(Shard) {
            if let Some(slot) = self.group.prefer.get(&shard).copied() {
                let count = load.entry(slot).or_default();
                *count += 1;
                if share < *count || !members.contains(&slot) {
                    self.group.prefer.remove(&shard);
                }
            }
        }
        self.rebalance();
    }

    /// An operator or a flaky network: one shard is to move.
    pub fn shuffle(&mut self) {
        let members: Vec<usize> = self.group.members.keys().copied().collect();
        if members.is_empty() {
            return;
        }
        let shard = Shard(u32::try_from(self.dice.fault.below(u64::from(self.options.shards))).unwrap());
        let slot = members[self.dice.fault.index(members.len())];
        self.group.prefer.insert(shard, slot);
        self.rebalance();
    }

    pub fn rebalance(&mut self) {
        for shard in (0..self.options.shards).map(Shard) {
            let Some(target) = self.group.target(shard) else { continue };
            let owner = self.group.owner.get(&shard).copied().filter(|it| self.group.members.contains_key(it));
            match owner {
                Some(slot) if slot == target => {}
                Some(slot) => self.revoke(slot, shard),
                None => {
                    self.group.owner.insert(shard, target);
                    let life = self.group.members[&target];
                    self.grant(Life { slot: target, life }, shard);
                }
            }
        }
    }

    /// The owner has let go, or its patience is over.
    pub fn release(&mut self, slot: usize, shard: Shard) {
        if self.group.owner.get(&shard) == Some(&slot) {
            self.group.owner.remove(&shard);
            self.rebalance();
        }
    }

    /// From now on nobody hears of this process: its session runs out unless it comes back.
    pub fn fall_silent(&mut self, slot: usize) {
        let process = &mut self.processes[slot];
        process.beat += 1;
        let beat = process.beat;
        self.agenda.plan(Millis(self.now.0 + SESSION_MS), Action::Session { slot, beat });
    }

    pub fn session_over(&mut self, slot: usize, beat: u64) {
        let process = &self.processes[slot];
        if process.beat != beat {
            return;
        }
        if process.status == Status::Frozen {
            self.marks.hit(Mark::SessionOfAFrozenProcessRanOut);
        }
        self.trace(|| format!("the session of instance {slot} is over"));
        self.expel(slot);
    }

    /// Its shards are anybody's.
    pub fn expel(&mut self, slot: usize) {
        self.group.members.remove(&slot);
        self.group.owner.retain(|_, it| *it != slot);
        self.rebalance();
    }

    pub fn owned_by(&self, slot: usize) -> Vec<Shard> {
        self.group.owner.iter().filter(|it| *it.1 == slot).map(|it| *it.0).collect()
    }
}

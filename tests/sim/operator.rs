//! What an operator does to a stopped group: moves its offsets, loses disks, restores old backups.
//! Not here: what must follow (`invariants`).

use crate::ledger::{Del, Entry};
use crate::marks::Mark;
use crate::options::Loss;
use crate::partition::Partition;
use crate::store::Suffering;
use crate::world::{Action, Status, World};
use sluicegate::model::{Millis, Offset, Outcome, Shard, Tier, Topic};

impl World {
    /// Whether everything is down and nothing is pending: then the group can be changed.
    pub fn is_quiet(&self) -> bool {
        let down = self.processes.iter().all(|it| it.status == Status::Down);
        let shards = (0..self.options.shards).map(Shard);
        down && shards.into_iter().all(|it| !self.broker.has_pending_offsets(it))
    }

    /// Moves offsets of some shards, then starts everything again.
    pub fn move_offsets(&mut self) {
        for slot in 0..self.processes.len() {
            self.processes[slot].beat += 1;
            // a transaction that a dead process left open would still bring its offsets
            self.init_producer(slot);
            self.group.members.remove(&slot);
        }
        self.group.owner.clear();
        for shard in (0..self.options.shards).map(Shard) {
            if self.dice.fault.chance(700) {
                self.move_offset(shard);
            }
        }
        if let Some(loss) = self.options.operator.loses {
            self.lose(loss);
        }
        self.maintenance = false;
        for slot in 0..self.processes.len() {
            self.plan_restart(slot);
        }
    }

    fn move_offset(&mut self, shard: Shard) {
        let Some(from) = self.broker.offsets.get(&shard).copied() else { return };
        let jobs = self.broker.partition(shard, Topic::Jobs);
        let (start, end) = (jobs.start(), jobs.stable());
        let to = if self.dice.fault.chance(self.options.operator.forwards) {
            Offset(self.dice.fault.between(from.0, end.0.max(from.0)))
        } else {
            Offset(self.dice.fault.between(start.0, from.0.max(start.0)))
        };
        self.trace(|| format!("the operator moves the group's offset of shard {shard} from {from} to {to}"));
        self.note("move", from.0, to.0);
        self.broker.offsets.insert(shard, to);
        let range = |low: Offset, high: Offset| {
            let del = |seq| Del { shard, seq, conn: None };
            del(low)..del(high)
        };
        if to < from {
            // What was skipped before any process saw it cannot be rewound over.
            let from = self.ledger.fold(shard).group_offset.min(from);
            let dels: Vec<Del> = self.ledger.deliveries.range(range(to.min(from), from)).map(|it| *it.0).collect();
            dels.into_iter().for_each(|it| self.rewound(it));
            // What died again of a job that is not settled yet may have one life more, if the job is read again at all.
            let beyond = self.ledger.deliveries.range_mut(Del { shard, seq: from, conn: None }..);
            let died = beyond.filter(|(del, it)| del.shard == shard && is_dead_again(it));
            died.for_each(|(_, it)| it.rewinds += 1);
        } else {
            let dels: Vec<Del> = self.ledger.deliveries.range(range(from, to)).map(|it| *it.0).collect();
            dels.into_iter().for_each(|it| self.skipped(it));
        }
    }

    /// All copies go too, or one of them would know still.
    fn lose(&mut self, loss: Loss) {
        self.trace(|| format!("lost for good: {loss:?}"));
        self.disks.iter_mut().for_each(|it| it.copies.clear());
        for shard in (0..self.options.shards).map(Shard) {
            let mut delay = |act: fn(&mut Partition)| {
                Tier::ALL.into_iter().for_each(|it| act(self.broker.partition_mut(shard, Topic::Delay(it))));
            };
            match loss {
                Loss::Waiting => delay(|it| it.purge(it.end())),
                Loss::Delay => delay(Partition::make_anew),
                Loss::State => {
                    let partition = self.broker.partition_mut(shard, Topic::State);
                    partition.purge(partition.end());
                }
                Loss::Jobs => self.broker.partition_mut(shard, Topic::Jobs).make_anew(),
            }
        }
    }

    fn rewound(&mut self, del: Del) {
        let ttl = self.options.machine.ttl_ms;
        let now = self.now.0;
        let entry = self.ledger.deliveries.get_mut(&del).unwrap();
        entry.rewinds += 1;
        let old = self.workload.jobs[entry.job as usize].at.0 + ttl < now;
        let mark = match entry.outcomes.last() {
            Some((Outcome::Dead, reason)) => {
                entry.revive = del.conn.is_some() && reason.is_some();
                Some(Mark::RewoundOverDead)
            }
            Some((Outcome::Applied, _)) if old => Some(Mark::RewoundOverExpired),
            Some((Outcome::Applied, _)) => Some(Mark::RewoundOverApplied),
            Some((Outcome::Duplicate | Outcome::Ignored, _)) => None,
            None => entry.release.as_ref().map(|_| Mark::RewoundOverWaiting),
        };
        if let Some(mark) = mark {
            self.marks.hit(mark);
        }
    }

    fn skipped(&mut self, del: Del) {
        let entry = self.ledger.deliveries.get_mut(&del).unwrap();
        entry.revive = false;
        if entry.outcomes.is_empty() && entry.release.is_none() {
            entry.skipped = true;
            self.marks.hit(Mark::SkippedAhead);
        }
    }

    /// Before a process starts on its disk again.
    pub fn tamper(&mut self, slot: usize) {
        if !self.faults_on {
            return;
        }
        let options = self.options.process.clone();
        let kinds = [
            (options.disk_gone, Suffering::Gone),
            (options.disk_stale, Suffering::Stale),
            (options.disk_other, Suffering::Other),
        ];
        for (chance, kind) in kinds {
            if self.dice.fault.chance(chance) {
                self.trace(|| format!("the disk of instance {slot} suffers: {kind:?}"));
                self.disks[slot].suffer(kind, &mut self.dice.fault);
            }
        }
    }

    /// I9: is everything done, and if not, has it had its time?
    pub fn check_drained(&mut self) {
        let over = crate::world::BEGIN.0 + self.options.faulty_ms + self.options.drain_ms;
        match self.unfinished() {
            None if self.maintenance => {}
            None => {
                self.trace(|| "everything is drained".to_owned());
                self.at_the_end();
                self.done = true;
                return;
            }
            Some(rest) if over < self.now.0 => {
                self.broken("I9", format!("{} s after faults ended: {rest}", self.options.drain_ms / 1000));
                return;
            }
            Some(_) => {}
        }
        self.agenda.plan(Millis(self.now.0 + 1_000), Action::CheckDrained);
    }
}

/// Whether it died in the life that an earlier rewind had given it.
fn is_dead_again(entry: &Entry) -> bool {
    let died = matches!(entry.outcomes.last(), Some((Outcome::Dead, _)));
    died && 0 < entry.rewinds && (entry.rewinds as usize) < entry.outcomes.len()
}

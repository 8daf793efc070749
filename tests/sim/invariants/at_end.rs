//! What must hold when everything has drained: I1 every job ended, I2 the CRM as after a sequential run, I9 nothing left.
//! Not here: what is checked on the way (`at_call`, `at_commit`, `copy_check`).

use crate::crm::Effect;
use crate::ledger::{Del, Entry};
use crate::workload::{Kind, RecordIx};
use crate::world::World;
use sluicegate::model::{Offset, Outcome, Reason, Shard};

impl World {
    /// Everything is drained: I1, I2, I7, I9 as a whole.
    pub fn at_the_end(&mut self) {
        self.every_job_has_ended();
        self.every_stranger_went_home();
        self.the_crm_is_as_after_a_sequential_run();
    }

    fn every_job_has_ended(&mut self) {
        let dels: Vec<(Del, Entry)> = self.ledger.deliveries.iter().map(|it| (*it.0, it.1.clone())).collect();
        for (del, entry) in dels {
            let spec = self.workload.spec(entry.job);
            let silent = del.conn.is_none()
                && match &spec.kind {
                    Kind::Tombstone => true,
                    Kind::Valid { .. } => true,
                    Kind::UnknownTenant { home } | Kind::NoRoute { home, .. } => *home != del.shard,
                    Kind::Malformed => false,
                };
            if silent {
                let stuck = entry.outcomes.iter().all(|it| *it == (Outcome::Dead, Some(Reason::InvalidJob)));
                if !stuck {
                    self.broken(
                        "I1",
                        format!("{} has outcomes {:?}, it should have none", self.name(del), entry.outcomes),
                    );
                }
                continue;
            }
            let missed = self.may_miss(del) && entry.release.is_none();
            if entry.outcomes.is_empty() && !entry.skipped && !missed {
                self.broken("I1", format!("{} never ended; last release {:?}", self.name(del), entry.release));
            }
            if self.ended_too_often(&entry) {
                self.broken(
                    "I1",
                    format!("{} ended as {:?}, {} rewinds", self.name(del), entry.outcomes, entry.rewinds),
                );
            }
            if entry.revive && !self.is_expired(del, &entry) && !self.may_miss(del) {
                self.broken("I1", format!("{} was dead, was rewound over and had no other life", self.name(del)));
            }
        }
    }

    fn every_stranger_went_home(&mut self) {
        for (job, (originals, copies)) in self.ledger.forwards.clone() {
            let rewound = self.ledger.deliveries.values().filter(|it| it.job == job && it.record.is_none());
            let extra: u32 = rewound.map(|it| it.rewinds + u32::from(it.skipped)).sum();
            let stranger = |it: &&Entry| it.job == job && it.record.is_none();
            let of_it = || self.ledger.deliveries.values().filter(stranger);
            // one too large to go home is dead where it was read
            let skipped = of_it().any(|it| it.skipped || !it.outcomes.is_empty());
            if (copies < originals && !skipped) || originals + extra < copies {
                self.broken(
                    "I1",
                    format!("job {job} lay {originals} times at a foreign shard and was forwarded {copies} times"),
                );
            }
        }
    }

    /// The last effect on each record is that of the last job applied to it; what else it may be was not told to us.
    fn the_crm_is_as_after_a_sequential_run(&mut self) {
        let records: Vec<RecordIx> = self.ledger.by_record.keys().copied().collect();
        for record in records {
            let dels: Vec<Del> = self.ledger.dels_of(record).collect();
            let applied = |it: &&Del| self.ledger.deliveries[*it].outcomes.iter().any(|it| it.0 == Outcome::Applied);
            let last_applied = dels.iter().rev().find(applied).copied();
            let effects = self.crm.effects.get(&record).cloned().unwrap_or_default();
            if let Some(problem) = self.wrong_end(&dels, last_applied, &effects) {
                let jobs: Vec<String> = effects.iter().map(|it| format!("{}@{}", it.job, it.at)).collect();
                self.broken("I2", format!("{record:?} {problem}; effects {}", jobs.join(" ")));
            }
        }
    }

    fn wrong_end(&self, dels: &[Del], last_applied: Option<Del>, effects: &[Effect]) -> Option<String> {
        let job = |del: Del| self.ledger.deliveries[&del].job;
        let Some(last) = effects.last() else {
            return last_applied.map(|it| format!("should end with job {} and had no effect at all", job(it)));
        };
        if last.orphan || last_applied.is_some_and(|it| job(it) == last.job) {
            return None;
        }
        let del = dels.iter().rev().find(|it| job(**it) == last.job).copied()?;
        let entry = &self.ledger.deliveries[&del];
        // one that the CRM had in truth taken without saying so, or one that was given another life by a rewind
        let forgotten = !self.is_alive(last.who)
            || self.processes[last.who.slot].view.shards.get(&del.shard).is_none_or(|it| it.epoch != last.epoch);
        let ended = !entry.outcomes.is_empty() || self.may_miss(del);
        let unsaid = (!last.told || forgotten) && ended && last_applied.is_none_or(|it| it < del);
        let same = dels.iter().filter(|it| job(**it) == last.job).map(|it| &self.ledger.deliveries[it]);
        let revived = same.into_iter().any(|it| 0 < it.rewinds || it.skipped);
        let lapsed = self.options.machine.ttl_ms < 600_000;
        let excused = unsaid || revived || (lapsed && entry.outcomes.iter().any(|it| it.0 == Outcome::Duplicate));
        (!excused).then(|| {
            let wanted = last_applied.map(job);
            format!("ends with job {}, not {wanted:?}", last.job)
        })
    }

    /// I9: whether anything is still to be done.
    pub fn unfinished(&self) -> Option<String> {
        for shard in (0..self.options.shards).map(Shard) {
            let partition = self.broker.partition(shard, sluicegate::model::Topic::Jobs);
            let Some(last) = partition.last_message() else { continue };
            let low = self.broker.offsets.get(&shard).copied().unwrap_or(Offset(0));
            if low <= last {
                return Some(format!("jobs of shard {shard} are settled up to {low}, the last lies at {last}"));
            }
        }
        let paused = self.ledger.folds.iter().flat_map(|it| it.pauses.keys()).next();
        if let Some(scope) = paused {
            return Some(format!("{scope} is still paused"));
        }
        let open = |it: &Entry| it.record.is_some() && it.outcomes.is_empty() && !it.skipped;
        let waiting =
            self.ledger.deliveries.iter().find(|it| (open(it.1) && !self.may_miss(*it.0)) || it.1.release.is_some());
        waiting.map(|it| format!("{} waits; {}", self.name(*it.0), self.where_it_lies(*it.0)))
    }
}

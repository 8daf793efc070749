//! What must hold (DESIGN §6), as named predicates: while calls start, at each commit, after turns, and at the end.
//! Not here: how the world gets there.

use crate::crm::Effect;
use crate::decode::{self, Letter, Tried};
use crate::ledger::{Del, Entry, Sum};
use crate::marks::Mark;
use crate::workload::{ConnIx, JobIx, Kind, RecordIx};
use crate::world::{Life, World};
use sluicegate::model::{Because, Call, Commit, Message, Millis, Offset, Outcome, Reason, Shard};
use std::collections::BTreeSet;

/// A third of the session: how long a commit lets calls start.
const LEASE_MS: u64 = crate::group::SESSION_MS / 3;

/// A job of several connections, read again after a crash, repeats the line `duplicate` for those that had ended.
const TOLERATE_REPEATED_DUPLICATE: bool = true;

// ---- when a call starts

impl World {
    /// I2 never again what succeeded · I4 only with a lease · I5 in order, one at a time · I10 no retry early.
    pub fn at_call_start(&mut self, who: Life, call: &Call, (conn, inputs): (ConnIx, &[(JobIx, RecordIx)])) {
        self.has_lease(who, call.shard);
        if self.workload.connections[usize::from(conn)].batch_max < call.inputs.len() || call.inputs.is_empty() {
            self.broken("I13", format!("{who} puts {} inputs into one call", call.inputs.len()));
        }
        let mut dels = Vec::new();
        for (job, record) in inputs {
            match self.called_delivery(who, call.shard, (*job, conn)) {
                Some(del) => {
                    self.may_be_called(who, del, *record);
                    dels.push(del);
                }
                None => self.broken("I1", format!("{who} calls for job {job} at shard {}, which has no such delivery", call.shard)),
            }
        }
        let view = &mut self.processes[who.slot].view;
        let mut twice = None;
        for (_, record) in inputs {
            let out = view.in_flight.entry(*record).or_default();
            *out += 1;
            if 1 < *out {
                twice = Some(*record);
            }
        }
        if let Some(record) = twice {
            self.broken("I5", format!("{who} has two calls of {record:?} out at once"));
        }
    }

    fn has_lease(&mut self, who: Life, shard: Shard) {
        let lease = self.processes[who.slot].view.shards.get(&shard).and_then(|it| it.lease_until);
        if lease.is_none_or(|until| until < self.now) {
            let now = self.now;
            self.broken("I4", format!("{who} calls for shard {shard} at {now} with lease {lease:?}"));
        }
    }

    /// Which delivery a call means, if a job lies at more than one offset: the first that is not over.
    pub fn called_delivery(&self, who: Life, shard: Shard, job: (JobIx, ConnIx)) -> Option<Del> {
        let dels: Vec<Del> = self.ledger.by_job.get(&job)?.iter().filter(|it| it.shard == shard).copied().collect();
        let view = self.processes[who.slot].view.shards.get(&shard);
        let open = |it: &&Del| {
            let entry = &self.ledger.deliveries[*it];
            entry.outcomes.len() <= entry.rewinds as usize && view.is_none_or(|view| !view.ended.contains(*it))
        };
        dels.iter().find(open).or(dels.first()).copied()
    }

    fn may_be_called(&mut self, who: Life, del: Del, record: RecordIx) {
        let entry = &self.ledger.deliveries[&del];
        if entry.record != Some(record) {
            let what = format!("{who} sends job {} to {record:?}, meant for {:?}", entry.job, entry.record);
            return self.broken("I2", what);
        }
        if (entry.rewinds as usize) < entry.outcomes.len() {
            let what = format!("{who} calls for {} although it ended as {:?}", self.name(del), entry.outcomes);
            return self.broken("I2", what);
        }
        self.is_not_applied(who, del);
        self.is_not_early(who, del);
        self.is_not_overtaking(who, del, record);
    }

    fn is_not_applied(&mut self, who: Life, del: Del) {
        let Some(key) = self.key_of(del) else { return };
        let ttl = self.options.machine.ttl_ms;
        let committed = self.ledger.applied.get(&key).copied();
        if committed.is_some_and(|at| self.now.0 + 1_000 < at.0 + ttl) {
            let what = format!("{who} calls for {} although its key succeeded at {committed:?}", self.name(del));
            return self.broken("I2", what);
        }
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        if view.is_some_and(|it| it.applied.contains(&key)) && committed.is_none() {
            let what = format!("{who} calls for {} although it was told that its key succeeded", self.name(del));
            self.broken("I2", what);
        }
    }

    fn is_not_early(&mut self, who: Life, del: Del) {
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        let answered = view.and_then(|it| it.not_before.get(&del)).copied().unwrap_or_default();
        let released = self.ledger.deliveries[&del].release.as_ref();
        let promised = released.filter(|it| it.because == Because::Retry).map_or(Millis(0), |it| it.due);
        let due = answered.max(promised);
        if self.now < due {
            let what = format!("{who} retries {} {} ms early", self.name(del), due.0 - self.now.0);
            self.broken("I10", what);
        }
    }

    fn is_not_overtaking(&mut self, who: Life, del: Del, record: RecordIx) {
        let earlier = self.ledger.dels_of(record).take_while(|it| *it < del);
        let overtaken = earlier.into_iter().find(|it| !self.is_over(who, *it));
        if let Some(overtaken) = overtaken {
            let what = format!("{who} calls for {} before {}, which is not over", self.name(del), self.name(overtaken));
            self.broken("I5", what);
        }
    }

    /// Whether a delivery has ended, as far as this process may know.
    fn is_over(&self, who: Life, del: Del) -> bool {
        let entry = &self.ledger.deliveries[&del];
        if !entry.outcomes.is_empty() || entry.skipped {
            return true;
        }
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        let key = self.key_of(del);
        let known = key.is_some_and(|it| {
            self.ledger.applied.contains_key(&it) || view.is_some_and(|view| view.applied.contains(&it))
        });
        known || view.is_some_and(|it| it.ended.contains(&del)) || self.is_expired(del, entry)
    }

    /// Read again after so long that nobody remembers whether it succeeded.
    fn is_expired(&self, del: Del, entry: &Entry) -> bool {
        let age = self.now.0.saturating_sub(self.workload.spec(entry.job).at.0);
        0 < entry.rewinds && self.options.machine.ttl_ms <= age && del.conn.is_some()
    }

    pub fn key_of(&self, del: Del) -> Option<(ConnIx, u32)> {
        match &self.workload.spec(self.ledger.deliveries[&del].job).kind {
            Kind::Valid { key, .. } => Some((del.conn?, *key)),
            Kind::Malformed | Kind::UnknownTenant { .. } | Kind::NoRoute { .. } | Kind::Tombstone => None,
        }
    }

    /// A commit that holds a shard lets its owner call for a while after its start.
    pub fn extend_lease(&mut self, slot: usize, commit: &Commit, started: Millis) {
        for shard in commit.shards.keys() {
            let view = self.processes[slot].view.shards.entry(*shard).or_default();
            let until = Millis(started.0 + LEASE_MS);
            view.lease_until = Some(view.lease_until.map_or(until, |it| it.max(until)));
        }
    }

    /// A delivery in words.
    pub fn name(&self, del: Del) -> String {
        let entry = self.ledger.deliveries.get(&del);
        let job = entry.map_or_else(|| "?".to_owned(), |it| it.job.to_string());
        let key = entry.and_then(|_| self.key_of(del)).map(|it| format!(" k{}", it.1)).unwrap_or_default();
        let conn = del.conn.map_or_else(|| "nobody".to_owned(), |it| self.workload.connections[usize::from(it)].id.to_string());
        let record = entry.and_then(|it| it.record).map(|it| format!(" r{}", it.record)).unwrap_or_default();
        format!("job {job} ({}/{} for {conn}{record}{key})", del.shard, del.seq)
    }
}

// ---- when a transaction is decided

impl World {
    /// I3: the original byte for byte, forwarded with its timestamp.
    pub fn check_forwarded(&mut self, shard: Shard, job: JobIx, message: &Message) {
        let spec = self.workload.spec(job);
        let home = match &spec.kind {
            Kind::Valid { home, .. } | Kind::UnknownTenant { home } | Kind::NoRoute { home } => Some(*home),
            Kind::Malformed | Kind::Tombstone => None,
        };
        if home != Some(shard) || *message != spec.message {
            self.broken("I3", format!("job {job} was forwarded to shard {shard} as {message:?}, home is {home:?}"));
        }
    }

    /// I3 and I10 for what waits: the original whole, attempts counted one by one, due late enough.
    pub fn check_release(&mut self, del: Del, letter: &Letter, message: &Message) {
        self.is_whole(del, letter, message);
        let entry = &self.ledger.deliveries[&del];
        let before = entry.release.as_ref().map_or(0, |it| it.attempt);
        let retried = letter.because == Some(Because::Retry);
        let stepped = letter.attempt == before + u32::from(retried);
        let counted = counted(&letter.history);
        let named = letter.because.is_some() && letter.due.is_some() && letter.since.is_some() && del.conn.is_some();
        let ended = (entry.rewinds as usize) < entry.outcomes.len();
        if !stepped || !is_counted_through(&letter.history, letter.attempt) || !named || ended {
            let what = format!(
                "{} is released with attempt {} after {before}, {counted} counted in its history, because {:?}, due {:?}, outcomes {:?}",
                self.name(del), letter.attempt, letter.because, letter.due, entry.outcomes
            );
            return self.broken("I3", what);
        }
        if retried && letter.due < Some(self.now) && self.options.machine.retry_base_ms == 5_000 && self.options.log.step_ms < 5 {
            // the promise itself is checked where calls start; this only tells a due time of nonsense
            let due = letter.due.unwrap_or_default();
            if due.0 + 60_000 < self.now.0 {
                self.broken("I10", format!("{} is due {} ms before its release", self.name(del), self.now.0 - due.0));
            }
        }
    }

    /// I3 for the dead: the original whole, one history entry per committed attempt, a reason that fits.
    pub fn check_dead_letter(&mut self, del: Del, letter: &Letter, message: &Message) {
        self.is_whole(del, letter, message);
        let entry = &self.ledger.deliveries[&del];
        let spec = self.workload.spec(entry.job);
        let expected = match &spec.kind {
            Kind::Valid { .. } => None,
            Kind::UnknownTenant { .. } => Some(Reason::UnknownTenant),
            Kind::NoRoute { .. } => Some(Reason::NoRoute),
            Kind::Malformed => Some(Reason::InvalidJob),
            Kind::Tombstone => return self.broken("I1", format!("{}, a tombstone, died", self.name(del))),
        };
        let before = entry.release.as_ref().map_or(0, |it| it.attempt);
        let retries = self.options.machine.retries;
        let problem = match (expected, letter.reason) {
            (_, None) => Some("it has no reason".to_owned()),
            (Some(expected), Some(reason)) if expected != reason => Some(format!("its reason is {reason}, not {expected}")),
            (Some(_), Some(_)) if !letter.history.is_empty() => Some("it has a history, but never was a delivery".to_owned()),
            (Some(_), Some(_)) => None,
            (None, Some(_)) if letter.attempt != before + 1 => {
                Some(format!("it has attempt {} after a committed {before}", letter.attempt))
            }
            (None, Some(_)) if !is_counted_through(&letter.history, letter.attempt) => {
                Some(format!("{} attempts, history {:?}", letter.attempt, letter.history))
            }
            (None, Some(_)) if letter.exhausted && letter.attempt != retries + 1 => {
                Some(format!("it gave up after {} attempts with {retries} retries", letter.attempt))
            }
            (None, Some(_)) => None,
        };
        if let Some(problem) = problem {
            self.broken("I3", format!("the dead letter of {}: {problem}", self.name(del)));
        }
    }

    fn is_whole(&mut self, del: Del, letter: &Letter, message: &Message) {
        let spec = self.workload.spec(self.ledger.deliveries[&del].job);
        let original = &spec.message;
        let same = message.key == original.key
            && message.value == original.value
            && decode::foreign_headers(message) == decode::foreign_headers(original)
            && letter.origin_timestamp == Some(original.timestamp)
            && letter.origin_topic == "sluicegate.jobs";
        if !same {
            self.broken("I3", format!("{} lies there as {message:?}, it was {original:?}", self.name(del)));
        }
    }

    /// Between the messages of one transaction: each death has its letter, each success its key, each end its right.
    pub fn after_commit(&mut self, sum: &Sum) {
        for key in &sum.applied {
            if let Some(at) = self.ledger.applied.insert(*key, self.now)
                && self.now.0 < at.0 + self.options.machine.ttl_ms
            {
                self.broken("I2", format!("the key {key:?} succeeded twice, at {at} and at {}", self.now));
            }
        }
        if sum.applied_puts < sum.applied.len() {
            self.broken("I6", format!("{} keys succeeded, {} were put", sum.applied.len(), sum.applied_puts));
        }
        for (del, outcome) in &sum.outcomes {
            self.check_outcome(*del, *outcome, sum);
        }
        let died: BTreeSet<Del> = sum.outcomes.iter().filter(|it| it.1 == Outcome::Dead).map(|it| it.0).collect();
        for del in sum.dead_letters.iter().filter(|it| it.conn.is_some()) {
            if !died.contains(del) {
                self.broken("I1", format!("{} has a dead letter and did not die", self.name(*del)));
            }
        }
    }

    fn check_outcome(&mut self, del: Del, outcome: Outcome, sum: &Sum) {
        let entry = &self.ledger.deliveries[&del];
        let problem = match outcome {
            Outcome::Applied => (!self.was_told(del, entry.job)).then(|| "applied, but the CRM never said so".to_owned()),
            Outcome::Dead => (!sum.dead_letters.contains(&del)).then(|| "dead without a dead letter".to_owned()),
            Outcome::Duplicate => {
                let known = self.key_of(del).is_some_and(|it| self.ledger.applied.contains_key(&it));
                (!known && !self.is_expired(del, entry)).then(|| "a duplicate of nothing".to_owned())
            }
            Outcome::Ignored => del.conn.map(|_| "ignored, but it was meant for a CRM".to_owned()),
        };
        let too_many = self.ended_too_often(entry);
        let ends = format!("{:?}, {} rewinds", entry.outcomes, entry.rewinds);
        self.marks.hit_if(outcome == Outcome::Duplicate, Mark::DuplicateKey);
        if let Some(problem) = problem {
            self.broken("I1", format!("{} is {problem}", self.name(del)));
        }
        if too_many {
            self.broken("I1", format!("{} ended more than once: {ends}", self.name(del)));
        }
    }

    /// One outcome, and one more for each rewind.
    fn ended_too_often(&self, entry: &Entry) -> bool {
        let several = matches!(&self.workload.spec(entry.job).kind, Kind::Valid { conns, .. } if 1 < conns.len());
        let again = entry.outcomes.iter().skip(1).filter(|it| it.0 == Outcome::Duplicate).count();
        let tolerated = if TOLERATE_REPEATED_DUPLICATE && several { again } else { 0 };
        1 + entry.rewinds as usize + tolerated < entry.outcomes.len()
    }

    fn was_told(&self, del: Del, job: JobIx) -> bool {
        let Some(record) = self.ledger.deliveries[&del].record else { return false };
        let effects = self.crm.effects.get(&record);
        effects.is_some_and(|it| it.iter().any(|effect| effect.job == job && effect.told))
    }
}

fn counted(history: &[Tried]) -> usize {
    history.iter().filter(|it| it.counted).count()
}

/// Whether the counted entries are attempts 1, 2, … up to `attempt`, unless the middle was cut out.
fn is_counted_through(history: &[Tried], attempt: u32) -> bool {
    let counted: Vec<u32> = history.iter().filter(|it| it.counted).map(|it| it.attempt).collect();
    if history.iter().any(|it| it.cut) {
        return counted.last() == Some(&attempt) && counted.first() == Some(&1);
    }
    counted.into_iter().eq(1..=attempt)
}

// ---- at the end

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
                    Kind::UnknownTenant { home } | Kind::NoRoute { home } => *home != del.shard,
                    Kind::Malformed => false,
                };
            if silent {
                if !entry.outcomes.is_empty() {
                    self.broken("I1", format!("{} has outcomes {:?}, it should have none", self.name(del), entry.outcomes));
                }
                continue;
            }
            if entry.outcomes.is_empty() && !entry.skipped {
                self.broken("I1", format!("{} never ended; last release {:?}", self.name(del), entry.release));
            }
            if self.ended_too_often(&entry) {
                self.broken("I1", format!("{} ended as {:?}, {} rewinds", self.name(del), entry.outcomes, entry.rewinds));
            }
            if entry.revive && !self.is_expired(del, &entry) {
                self.broken("I1", format!("{} was dead, was rewound over and had no other life", self.name(del)));
            }
        }
    }

    fn every_stranger_went_home(&mut self) {
        for (job, (originals, copies)) in self.ledger.forwards.clone() {
            let rewound = self.ledger.deliveries.values().filter(|it| it.job == job && it.record.is_none());
            let extra: u32 = rewound.map(|it| it.rewinds + u32::from(it.skipped)).sum();
            let skipped = self.ledger.deliveries.values().any(|it| it.job == job && it.skipped);
            if (copies < originals && !skipped) || originals + extra < copies {
                self.broken("I1", format!("job {job} lay {originals} times at a foreign shard and was forwarded {copies} times"));
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
        let forgotten = self.life(last.who.slot) != last.who
            || self.processes[last.who.slot].view.shards.get(&del.shard).is_none_or(|it| it.epoch != last.epoch);
        let unsaid = (!last.told || forgotten) && !entry.outcomes.is_empty() && last_applied.is_none_or(|it| it < del);
        let revived = 0 < entry.rewinds || entry.skipped;
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
        let open = |it: &Entry| it.record.is_some() && it.outcomes.is_empty() && !it.skipped;
        let waiting = self.ledger.deliveries.iter().find(|it| open(it.1) || it.1.release.is_some());
        waiting.map(|it| format!("{} waits", self.name(*it.0)))
    }
}

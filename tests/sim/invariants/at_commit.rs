//! What must hold of each transaction at the moment in which it is decided: I1 one outcome, I3 letters whole and counted
//! through, I6 each success with its key.
//! Not here: the book itself (`ledger`).

use crate::decode::{self, Letter, Tried};
use crate::ledger::{Del, Entry, Sum};
use crate::marks::Mark;
use crate::workload::{JobIx, Kind};
use crate::world::World;
use sluicegate::model::{Because, Key, Message, Millis, Outcome, Reason, Shard, Topic};
use std::collections::BTreeSet;

/// A decision is in a commit after so long at most, ms.
const COMMIT_MS: u64 = 90_000;

impl World {
    /// I3: the original byte for byte, forwarded with its timestamp.
    pub fn check_forwarded(&mut self, shard: Shard, job: JobIx, message: &Message) {
        let spec = self.workload.spec(job);
        let home = match &spec.kind {
            Kind::Valid { home, .. } | Kind::UnknownTenant { home } | Kind::NoRoute { home, .. } => Some(*home),
            Kind::Malformed | Kind::Tombstone => None,
        };
        if home != Some(shard) || *message != spec.message {
            self.broken("I3", format!("job {job} was forwarded to shard {shard} as {message:?}, home is {home:?}"));
        }
    }

    /// I3 for what waits: the original whole, attempts counted one by one.
    pub fn check_release(&mut self, del: Del, letter: &Letter, message: &Message) {
        self.is_whole(del, letter, message);
        let cut = letter.history.iter().any(|it| 0 < it.cut);
        self.marks.hit_if(cut, Mark::CutToFit);
        self.the_account_is_not_counted(del, letter);
        let entry = &self.ledger.deliveries[&del].clone();
        let before = entry.release.as_ref().map_or(0, |it| it.attempt);
        let renewed = self.is_renewal(entry, letter);
        let searched = del.conn.is_some_and(|it| self.key(it) == Key::Searched);
        let waits_for_search = searched && letter.attempt == before;
        self.marks.hit_if(letter.history.last().is_some_and(|it| it.unknown), Mark::UnknownOutcome);
        let retried = letter.because == Some(Because::Retry) && !renewed && !waits_for_search;
        self.marks.hit_if(renewed, Mark::Renewed);
        let stepped = letter.attempt == before + u32::from(retried);
        let counted = counted(&letter.history);
        let named = letter.because.is_some() && letter.due.is_some() && letter.since.is_some() && del.conn.is_some();
        let ended = entry.rewinds as usize + self.unremembered(entry) < entry.outcomes.len();
        if !stepped || !is_counted_through(&letter.history, letter.attempt) || !named || ended {
            let what = format!(
                "{} is released with attempt {} after {before}, {counted} counted in its history, because {:?}, due {:?}, outcomes {:?}",
                self.name(del),
                letter.attempt,
                letter.because,
                letter.due,
                entry.outcomes
            );
            self.broken("I3", what);
        }
    }

    /// The same message once more: its last one has lain there for as long as that takes, and may wait still.
    fn is_renewal(&mut self, entry: &Entry, letter: &Letter) -> bool {
        let Some(last) = &entry.release else { return false };
        let same = (Some(last.because), Some(last.due), last.attempt) == (letter.because, letter.due, letter.attempt);
        let Some((tier, offset)) = entry.places.last().filter(|_| same) else { return false };
        let machine = self.options.machine.clone();
        let lay = self.broker.partition(letter.shard, Topic::Delay(*tier)).message(*offset).map(|it| it.timestamp);
        let early = lay.is_none_or(|it| self.now.0 <= it.0 + machine.renew_after_ms);
        let ages_from = letter.since.max(letter.paused_at);
        let late = ages_from.is_some_and(|it| it.0 + machine.max_wait_ms + COMMIT_MS < self.now.0);
        let spared = letter.since.is_some_and(|it| it.0 + machine.max_wait_ms < self.now.0);
        self.marks.hit_if(spared && letter.paused_at.is_some() && !late, Mark::SparedByPause);
        let marked = last.ages_from < ages_from.unwrap_or_default();
        let stood_still = !self.ever_absent.is_empty() || self.ledger.commands.values().any(|it| it.pause.is_some());
        if early || late || (marked && !stood_still) {
            let what = format!("a message from {lay:?}, waiting since {:?}, is released again", letter.since);
            self.broken("I9", what);
        }
        true
    }

    /// I3 for the dead: the original whole, one history entry per committed attempt, a reason that fits.
    pub fn check_dead_letter(&mut self, del: Del, letter: &Letter, message: &Message) {
        self.is_whole(del, letter, message);
        self.the_account_is_not_counted(del, letter);
        let entry = &self.ledger.deliveries[&del];
        let spec = self.workload.spec(entry.job);
        let expected = match &spec.kind {
            Kind::Valid { .. } => None,
            Kind::UnknownTenant { .. } => Some(Reason::UnknownTenant),
            Kind::NoRoute { tenant, .. } if letter.reason == Some(Reason::UnknownTenant) => {
                let mut own = self.workload.connections.iter().filter(|it| it.id.tenant == *tenant);
                let vanished = own.all(|it| self.ever_absent.contains(&self.workload.by_id[&it.id]));
                Some(if vanished { Reason::UnknownTenant } else { Reason::NoRoute })
            }
            Kind::NoRoute { .. } => Some(Reason::NoRoute),
            Kind::Malformed => Some(Reason::InvalidJob),
            Kind::Tombstone => return self.broken("I1", format!("{}, a tombstone, died", self.name(del))),
        };
        let before = entry.release.as_ref().map_or(0, |it| it.attempt);
        let retries = self.options.machine.retries;
        let problem = match (expected, letter.reason) {
            (_, None) => Some("it has no reason".to_owned()),
            (_, Some(Reason::InvalidJob)) if self.is_too_large(del, letter) => None,
            (Some(expected), Some(reason)) if expected != reason => {
                Some(format!("its reason is {reason}, not {expected}"))
            }
            (Some(_), Some(_)) if !letter.history.is_empty() => {
                Some("it has a history, but never was a delivery".to_owned())
            }
            (Some(_), Some(_)) => None,
            (None, Some(Reason::Expired)) => {
                let over = entry.release.as_ref().map(|it| Millis(it.ages_from.0 + self.options.machine.max_wait_ms));
                self.marks.hit(Mark::Expired);
                let early = over.is_none_or(|it| self.now <= it);
                let paused = over.is_some_and(|it| self.is_paused_since(del, it));
                let wrong = early || paused || letter.attempt != before || letter.exhausted;
                let (since, attempt) = (letter.since, letter.attempt);
                wrong.then(|| format!("it expired after {since:?} with {attempt} attempts, paused: {paused}"))
            }
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

    /// Whether the log refuses what should have become of it, history or not: to wait, or to go home.
    pub fn is_too_large(&self, del: Del, letter: &Letter) -> bool {
        /// Our headers on a message that waits, without a history, and what is left of that: about.
        const HEADERS: usize = 700;
        let entry = &self.ledger.deliveries[&del];
        let before = entry.release.as_ref().map_or(0, |it| it.attempt);
        let size = self.workload.spec(entry.job).message.size();
        let counted = (before..=before + 1).contains(&letter.attempt);
        let waits = del.conn.is_some() && counted && self.options.log.delay_max < size + HEADERS;
        let goes_home = del.conn.is_none() && self.options.log.jobs_max < size;
        letter.reason == Some(Reason::InvalidJob) && (waits || goes_home)
    }

    /// The account's faults are nobody's attempts; the CRM answers 401 for no other reason.
    fn the_account_is_not_counted(&mut self, del: Del, letter: &Letter) {
        if letter.history.iter().any(|it| it.counted && it.status == Some(401)) {
            self.broken("I3", format!("{} pays for its account: {:?}", self.name(del), letter.history));
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
        for (key, ended) in &sum.applied {
            if let Some(at) = self.ledger.applied.insert(*key, *ended)
                && self.now.0 < at.0 + self.options.machine.ttl_ms
            {
                self.broken("I2", format!("the key {key:?} succeeded twice, at {at} and at {}", self.now));
            }
        }
        self.each_success_has_its_key(sum);
        for (del, outcome, decided) in &sum.outcomes {
            self.check_outcome(*del, (*outcome, *decided), sum);
        }
        let died: BTreeSet<Del> = sum.outcomes.iter().filter(|it| it.1 == Outcome::Dead).map(|it| it.0).collect();
        for del in sum.dead_letters.iter().filter(|it| it.conn.is_some()) {
            if !died.contains(del) {
                self.broken("I1", format!("{} has a dead letter and did not die", self.name(*del)));
            }
        }
    }

    fn each_success_has_its_key(&mut self, sum: &Sum) {
        if sum.applied_puts < sum.applied.len() {
            self.broken("I6", format!("{} keys succeeded, {} were put", sum.applied.len(), sum.applied_puts));
        }
    }

    fn check_outcome(&mut self, del: Del, (outcome, decided): (Outcome, Millis), sum: &Sum) {
        let entry = &self.ledger.deliveries[&del];
        let problem = match outcome {
            Outcome::Applied => {
                (!self.was_told(del, entry.job)).then(|| "applied, but the CRM never said so".to_owned())
            }
            Outcome::Dead => (!sum.dead_letters.contains(&del)).then(|| "dead without a dead letter".to_owned()),
            Outcome::Duplicate => {
                let remembered = |at: &Millis| decided.0 <= at.0 + self.options.machine.ttl_ms;
                let known = self.key_of(del).is_some_and(|it| self.ledger.applied.get(&it).is_some_and(remembered));
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
    pub fn ended_too_often(&self, entry: &Entry) -> bool {
        let others = entry.outcomes.len().saturating_sub(1);
        1 + entry.rewinds as usize + self.unremembered(entry).min(others) < entry.outcomes.len()
    }

    /// Ends of a delivery that a successor need not know of. That one was a duplicate is told by its key alone, until its
    /// whole job is settled: a job of several connections that is read again after a crash says so again, or is applied
    /// if the key has lapsed meanwhile.
    pub fn unremembered(&self, entry: &Entry) -> usize {
        let several = matches!(&self.workload.spec(entry.job).kind, Kind::Valid { conns, .. } if 1 < conns.len());
        if several { entry.outcomes.iter().filter(|it| it.0 == Outcome::Duplicate).count() } else { 0 }
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

/// Whether the counted entries are attempts 1, 2, … up to `attempt`. What was cut out may have been attempts, or refusals
/// of the account that are none.
fn is_counted_through(history: &[Tried], attempt: u32) -> bool {
    let (mut next, mut missing) = (1, 0);
    for it in history {
        missing += it.cut;
        if it.counted {
            if !(next..=next + missing).contains(&it.attempt) {
                return false;
            }
            (next, missing) = (it.attempt + 1, 0);
        }
    }
    (next..=next + missing).contains(&(attempt + 1))
}

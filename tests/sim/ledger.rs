//! What is committed, delivery by delivery: jobs, releases, outcomes, dead letters, changelogs. The book that the
//! invariants are checked against; it sees each transaction whole, at the moment in which it is decided.
//! Not here: what must hold (`invariants`), what a process believes (`view`).

use crate::decode::{self, Letter};
use crate::marks::Mark;
use crate::partition::TxnId;
use crate::workload::{ConnIx, JobIx, Kind, RecordIx};
use crate::world::World;
use sluicegate::model::{
    Because, ConnectionId, Hold, Message, Millis, Offset, Outcome, Pause, Reason, Scope, Shard, Tier, Topic,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A delivery; without a connection a message of `jobs` that never becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Del {
    pub shard: Shard,
    pub seq: Offset,
    pub conn: Option<ConnIx>,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub deliveries: BTreeMap<Del, Entry>,
    pub by_record: BTreeMap<RecordIx, BTreeSet<Del>>,
    pub by_job: BTreeMap<(JobIx, ConnIx), BTreeSet<Del>>,
    /// Keys whose `applied` is committed, and when.
    pub applied: BTreeMap<(ConnIx, u32), Millis>,
    /// How often each job was read at a foreign shard and copied home: originals, copies.
    pub forwards: BTreeMap<JobIx, (u32, u32)>,
    pub folds: Vec<Fold>,
    /// Commands, where they lie in the first delay topic.
    pub commands: BTreeMap<(Shard, Offset), Given>,
}

/// A pause with its end, or a resume.
#[derive(Clone, Debug)]
pub struct Given {
    pub scope: Scope,
    pub pause: Option<Millis>,
}

/// The changelogs of a shard, folded: the last value of each key.
#[derive(Debug, Default)]
pub struct Fold {
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub applied: BTreeMap<Vec<u8>, Vec<u8>>,
    pub last_commit: Millis,
    pub group_offset: Offset,
    /// What of `state` is held and paused, decoded, and when it was committed.
    pub holds: BTreeMap<ConnectionId, (Hold, Millis)>,
    pub pauses: BTreeMap<Scope, Pause>,
    /// Whose call may be creating a record without a unique key, by its external ID.
    pub announced: BTreeMap<(ConnectionId, Arc<str>), Offset>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub job: JobIx,
    pub record: Option<RecordIx>,
    /// In the order of commits, with the reason of a death.
    pub outcomes: Vec<(Outcome, Option<Reason>)>,
    /// The last release; gone with an outcome.
    pub release: Option<Release>,
    /// The tier and offset of each message of it in a delay topic.
    pub places: Vec<(Tier, Offset)>,
    pub dead_letters: u32,
    /// Times somebody rewound over it.
    pub rewinds: u32,
    /// Somebody skipped it.
    pub skipped: bool,
    /// Dead when somebody rewound over it: it must have another life.
    pub revive: bool,
}

#[derive(Clone, Debug)]
pub struct Release {
    pub attempt: u32,
    pub because: Because,
    pub due: Millis,
    /// The first release, or the last one under a pause: since then it may be called, as far as people and the configuration go.
    pub ages_from: Millis,
    pub at: Millis,
}

impl Ledger {
    pub fn new(shards: u32) -> Self {
        Self { folds: (0..shards).map(|_| Fold::default()).collect(), ..Self::default() }
    }

    pub fn last_commit(&self, shard: Shard) -> Millis {
        self.fold(shard).last_commit
    }

    pub fn fold(&self, shard: Shard) -> &Fold {
        &self.folds[shard.0 as usize]
    }

    pub fn fold_mut(&mut self, shard: Shard) -> &mut Fold {
        &mut self.folds[shard.0 as usize]
    }

    pub fn dels_of(&self, record: RecordIx) -> impl Iterator<Item = Del> + '_ {
        self.by_record.get(&record).into_iter().flatten().copied()
    }
}

impl World {
    /// A job can be read from now on.
    pub fn ledger_job(&mut self, shard: Shard, seq: Offset, job: JobIx) {
        let kind = self.workload.spec(job).kind.clone();
        let home = match &kind {
            Kind::Valid { home, .. } | Kind::UnknownTenant { home } | Kind::NoRoute { home, .. } => *home,
            Kind::Malformed | Kind::Tombstone => shard,
        };
        if home != shard {
            self.ledger.forwards.entry(job).or_default().0 += 1;
            return self.enter(Del { shard, seq, conn: None }, job, None);
        }
        match kind {
            Kind::Valid { record, conns, .. } => {
                for conn in conns {
                    self.enter(Del { shard, seq, conn: Some(conn) }, job, Some(RecordIx { conn, record }));
                }
            }
            Kind::Malformed | Kind::UnknownTenant { .. } | Kind::NoRoute { .. } | Kind::Tombstone => {
                self.enter(Del { shard, seq, conn: None }, job, None);
            }
        }
    }

    fn enter(&mut self, del: Del, job: JobIx, record: Option<RecordIx>) {
        let entry = Entry {
            job,
            record,
            outcomes: Vec::new(),
            release: None,
            places: Vec::new(),
            dead_letters: 0,
            rewinds: 0,
            skipped: false,
            revive: false,
        };
        self.ledger.deliveries.insert(del, entry);
        if let (Some(record), Some(conn)) = (record, del.conn) {
            self.ledger.by_record.entry(record).or_default().insert(del);
            self.ledger.by_job.entry((job, conn)).or_default().insert(del);
        }
    }

    /// A transaction is decided: its messages count, all at once.
    pub fn on_committed(&mut self, txn: TxnId) {
        let transaction = self.broker.transaction(txn);
        let written = transaction.written.clone();
        let (started, slot, commit) = (transaction.started, transaction.slot, transaction.commit.clone());
        let mut sum = Sum::default();
        for (shard, topic, offset) in written {
            let message = self.broker.partition(shard, topic).message(offset).cloned().unwrap();
            match topic {
                Topic::Jobs => self.on_job(slot, (shard, offset), &message),
                Topic::Delay(tier) => self.on_release(slot, (shard, tier, offset), &message),
                Topic::Dlq => self.on_dead_letter(shard, &message, &mut sum),
                Topic::Outcomes => self.on_outcome(shard, &message, &mut sum),
                Topic::State | Topic::Applied => self.on_changelog(shard, topic, &message, &mut sum),
            }
        }
        if let Some(commit) = commit {
            for (shard, part) in &commit.shards {
                let fold = self.ledger.fold_mut(*shard);
                fold.last_commit = self.now;
                fold.group_offset = part.group_offset;
            }
            self.after_commit(&sum);
            if let Some(slot) = slot {
                self.extend_lease(slot, &commit, started);
            }
        }
    }

    fn on_job(&mut self, slot: Option<usize>, (shard, offset): (Shard, Offset), message: &Message) {
        let Some(job) = decode::job_number(message) else {
            return self.broken("I3", format!("a message without its headers came to jobs {shard}/{offset}"));
        };
        if slot.is_some() {
            self.check_forwarded(shard, job, message);
            self.ledger.forwards.entry(job).or_default().1 += 1;
            self.marks.hit(Mark::Forwarded);
        }
        self.ledger_job(shard, offset, job);
    }

    fn on_release(&mut self, slot: Option<usize>, (shard, tier, offset): (Shard, Tier, Offset), message: &Message) {
        let letter = match decode::letter(message) {
            Ok(letter) => letter,
            Err(what) => return self.broken("I3", format!("a message in a delay topic of shard {shard}: {what}")),
        };
        let Some(del) = self.del_of(shard, &letter) else { return };
        self.trace(|| {
            let (due, n) = (letter.due.unwrap_or_default(), letter.attempt);
            format!("    {} is released because {:?}, attempt {n}, due {due}", self.name(del), letter.because)
        });
        self.check_release(del, &letter, message);
        let because = letter.because.unwrap_or(Because::Order);
        self.marks.hit(match because {
            Because::Retry => Mark::ReleasedForRetry,
            Because::Order => Mark::ReleasedForOrder,
            Because::RateLimit => Mark::ReleasedForMemory,
            Because::Held => Mark::ReleasedForHold,
        });
        let entry = self.ledger.deliveries.get_mut(&del).unwrap();
        entry.places.push((tier, offset));
        let (due, since) = (letter.due.unwrap_or_default(), letter.since.unwrap_or_default());
        let ages_from = letter.paused_at.map_or(since, |it| it.max(since));
        entry.release = Some(Release { attempt: letter.attempt, because, due, ages_from, at: self.now });
        if let Some(view) = slot.and_then(|it| self.processes[it].view.shards.get_mut(&shard)) {
            view.on_way.insert(del, (tier, offset));
        }
    }

    fn on_dead_letter(&mut self, shard: Shard, message: &Message, sum: &mut Sum) {
        let letter = match decode::letter(message) {
            Ok(letter) => letter,
            Err(what) => return self.broken("I3", format!("a dead letter of shard {shard}: {what}")),
        };
        self.unknown_was_waited_for(&letter, message);
        if letter.connection.is_none() && self.is_misrouted(shard, &letter) {
            return;
        }
        let Some(del) = self.del_of(shard, &letter) else { return };
        self.trace(|| format!("    {} has a dead letter: {:?}", self.name(del), letter.reason));
        self.check_dead_letter(del, &letter, message);
        self.marks.hit_if(self.is_too_large(del, &letter), Mark::DeadByRefusalOfTheLog);
        self.marks.hit(if letter.exhausted { Mark::DeadByExhaustion } else { Mark::DeadByRefusal });
        let entry = self.ledger.deliveries.get_mut(&del).unwrap();
        entry.dead_letters += 1;
        sum.dead_letters.insert(del);
        if del.conn.is_none() {
            entry.outcomes.push((Outcome::Dead, letter.reason));
        }
    }

    /// A tenant may be configured within a minute of its job.
    fn unknown_was_waited_for(&mut self, letter: &Letter, message: &Message) {
        let Some(job) = decode::job_number(message).filter(|_| letter.reason == Some(Reason::UnknownTenant)) else {
            return;
        };
        let at = self.workload.spec(job).at;
        // By the clock of the owner, which may be ahead.
        if self.now.0 + self.options.limits.clock_ms < at.0 + 60_000 {
            let age = self.now.0 - at.0;
            self.broken("H4", format!("job {job} died after {age} ms, because its tenant is not configured yet"));
        }
    }

    /// A sound job that was read while its connections were not configured: dead as a whole, which is right.
    fn is_misrouted(&mut self, shard: Shard, letter: &Letter) -> bool {
        let reason = letter.reason;
        if !matches!(reason, Some(Reason::UnknownTenant | Reason::NoRoute)) || letter.shard != shard {
            return false;
        }
        let (from, to) =
            (Del { shard, seq: letter.seq, conn: Some(0) }, Del { shard, seq: letter.seq, conn: Some(ConnIx::MAX) });
        let missed: Vec<Del> = self.ledger.deliveries.range(from..=to).map(|it| *it.0).collect();
        let excused = !missed.is_empty() && missed.iter().all(|it| self.may_miss(*it));
        self.trace(|| format!("    {}/{} is dead as a whole: {reason:?}, excused {excused}", shard, letter.seq));
        self.marks.hit_if(excused, Mark::Misrouted);
        excused
    }

    /// Whether it need never become a delivery: its connection was absent for a while, and the job may have been read then.
    pub fn may_miss(&self, del: Del) -> bool {
        del.conn.is_some_and(|it| self.ever_absent.contains(&it))
    }

    fn on_outcome(&mut self, shard: Shard, message: &Message, sum: &mut Sum) {
        let line = match decode::outcome(message) {
            Ok(line) => line,
            Err(what) => return self.broken("I1", format!("an outcome of shard {shard}: {what}")),
        };
        let conn = line.connection.as_ref().and_then(|it| self.conn_named(&it.0, &it.1));
        let del = Del { shard: line.shard, seq: line.seq, conn };
        self.trace(|| format!("    {} ends: {:?}", self.name(del), line.outcome));
        let Some(entry) = self.ledger.deliveries.get_mut(&del).filter(|_| line.shard == shard) else {
            return self.broken("I1", format!("an outcome for {del:?}, which is no delivery of shard {shard}"));
        };
        if conn.is_none() {
            // the dead letter itself, or nothing at all, is what counts
            return;
        }
        entry.outcomes.push((line.outcome, line.reason));
        entry.release = None;
        entry.revive = false;
        sum.outcomes.push((del, line.outcome, line.at.unwrap_or(self.now)));
        if line.outcome == Outcome::Applied
            && let (Some(conn), Kind::Valid { key, .. }) = (conn, &self.workload.spec(entry.job).kind)
        {
            sum.applied.insert((conn, *key), line.at.unwrap_or(self.now));
        }
    }

    fn on_changelog(&mut self, shard: Shard, topic: Topic, message: &Message, sum: &mut Sum) {
        let Some(key) = message.key.as_ref().map(|it| it.to_vec()) else {
            return self.broken("I6", format!("a message without a key in {topic:?} of shard {shard}"));
        };
        if topic == Topic::State && key.starts_with(b"dead/") && message.value.is_none() {
            self.on_death_deleted(&key);
        }
        self.hold_committed(shard, topic, message);
        let fold = self.ledger.fold_mut(shard);
        let map = if topic == Topic::State { &mut fold.state } else { &mut fold.applied };
        match &message.value {
            Some(value) => map.insert(key, value.to_vec()),
            None => map.remove(&key),
        };
        if topic == Topic::Applied && message.value.is_some() {
            sum.applied_puts += 1;
        }
    }

    /// A rewind took it away for another life, or it has served its time.
    fn on_death_deleted(&mut self, key: &[u8]) {
        let revived = self.ledger.deliveries.values().any(|it| it.revive);
        let timed = self.options.machine.dead_ttl_ms < 1_000_000;
        self.marks.hit_if(timed && !revived, Mark::DeathForgotten);
        if !timed && self.options.operator.rewinds == 0 {
            let what = format!("{} was deleted, though nobody gave it another life", String::from_utf8_lossy(key));
            self.broken("I1", what);
        }
    }

    pub fn del_of(&mut self, shard: Shard, letter: &Letter) -> Option<Del> {
        let conn = match &letter.connection {
            Some(name) => {
                let (tenant, name) = name.split_once('/').unwrap_or(("", name));
                let conn = self.conn_named(tenant, name).or_else(|| self.conn_by_origin(letter, name));
                if conn.is_none() {
                    self.broken("I3", format!("a letter names the connection {:?}", letter.connection));
                    return None;
                }
                conn
            }
            None => None,
        };
        let del = Del { shard: letter.shard, seq: letter.seq, conn };
        if letter.shard != shard || !self.ledger.deliveries.contains_key(&del) {
            self.broken("I1", format!("a letter in shard {shard} for {del:?}, which is no delivery of it"));
            return None;
        }
        Some(del)
    }

    fn conn_named(&self, tenant: &str, name: &str) -> Option<ConnIx> {
        let found = self.workload.by_id.iter().find(|it| &*it.0.tenant.0 == tenant && &*it.0.name == name);
        found.map(|it| *it.1)
    }

    /// A header that names a connection without its tenant: the job tells whose it is.
    fn conn_by_origin(&self, letter: &Letter, name: &str) -> Option<ConnIx> {
        let from = Del { shard: letter.shard, seq: letter.seq, conn: None };
        let to = Del { shard: letter.shard, seq: Offset(letter.seq.0 + 1), conn: None };
        let mut conns = self.ledger.deliveries.range(from..to).filter_map(|it| it.0.conn);
        conns.find(|it| &*self.workload.connections[usize::from(*it)].id.name == name)
    }
}

/// What one transaction brought, for what must hold between its messages.
#[derive(Debug, Default)]
pub struct Sum {
    /// With the moment of the decision, by its owner's clock.
    pub outcomes: Vec<(Del, Outcome, Millis)>,
    pub dead_letters: BTreeSet<Del>,
    pub applied: BTreeMap<(ConnIx, u32), Millis>,
    pub applied_puts: usize,
}

//! The machine of one shard, and the one place where an input becomes what follows from it.
//! Not here: the rules themselves; each has its file, this one composes them.

use crate::machine::choose::UnderWay;
use crate::machine::dedupe::Dedupe;
use crate::machine::fair::Lines;
use crate::machine::hold::Holds;
use crate::machine::limit::Account;
use crate::machine::moment::Moment;
use crate::machine::order::Order;
use crate::machine::settle::Settled;
use crate::machine::spend::Spending;
use crate::machine::{Bug, Delivery, Dice, Input, Note, Out, Part, Restored, Seen, Settings, Wants};
use crate::model::{
    AppliedMark, Because, CallId, CommitMark, CommitNumber, ConnectionId, DeadMark, Millis, Offset, RecordHash, Seq,
    StateKey, StateValue, Topic,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One shard. Only the loop's thread touches it.
#[derive(Debug)]
pub struct Machine {
    pub(super) settings: Settings,
    pub(super) settled: Settled,
    pub(super) order: Order,
    pub(super) dedupe: Dedupe,
    pub(super) lines: Lines,
    pub(super) calls: BTreeMap<CallId, UnderWay>,
    pub(super) holds: Holds,
    /// Deliveries of a message of `jobs` that have no fate yet.
    pub(super) unsettled: BTreeMap<Seq, usize>,
    /// Entries that ended but are still in the store's index, per record.
    pub(super) gone: BTreeMap<RecordHash, BTreeSet<Seq>>,
    pub(super) building: Part,
    pub(super) flying: Option<Arc<Part>>,
    pub(super) dice: Dice,
    pub(super) spending: Spending,
    pub(super) assigned_at: Millis,
}

/// What of a shard people and bounds are interested in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Bytes of deliveries in memory that are not in flight.
    pub bytes: usize,
    pub in_memory: usize,
    /// Bytes of messages in the waiting index.
    pub waiting_bytes: u64,
    pub calls: usize,
    /// Released and not read back.
    pub on_way: u64,
    /// In delay topics, those on their way included, by why they wait.
    pub waiting: BTreeMap<Because, u64>,
    pub unsettled: usize,
    /// Messages and outcomes of the part that is building.
    pub building: usize,
    pub building_bytes: usize,
}

impl Machine {
    /// A machine as the changelog, the group and the index left it.
    pub fn new(settings: Settings, restored: &Restored, dice: Dice, notes: &mut Vec<Note>) -> Self {
        let settled = Settled::new(restored, settings.bug, notes);
        let mut lines = Lines::default();
        for (id, waiting) in &restored.waiting {
            waiting.iter().for_each(|(because, count)| lines.more_wait(id, *because, *count));
        }
        for (id, first) in &restored.queues {
            lines.lower_next(id, *first);
        }
        for (id, mark) in &restored.accounts {
            lines.line(id).account = Account::restored(mark.clone());
        }
        let watch = (settings.hold_after, settings.bug);
        Self {
            settings,
            settled,
            order: Order::default(),
            dedupe: Dedupe::default(),
            lines,
            holds: Holds::new(watch, restored.holds.clone(), restored.pauses.clone()),
            calls: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            gone: BTreeMap::new(),
            building: Part::default(),
            flying: None,
            dice,
            spending: Spending::default(),
            assigned_at: restored.at,
        }
    }

    /// What `input` needs to know of the store.
    pub fn wants(&self, input: &Input) -> Wants {
        let mut wants = Wants::default();
        match input {
            Input::Jobs { jobs, .. } => self.wants_of_jobs(jobs, &mut wants),
            Input::Waiting { messages, .. } => self.wants_of_waiting(messages, &mut wants),
            Input::CallEnded(ended) => self.wants_of_call(ended.id, &mut wants),
            Input::Heads { connection, heads, .. } => self.wants_of_heads(connection, heads, &mut wants),
            Input::Due(timers) => self.want_records(timers.iter().map(|(_, _, record)| *record), &mut wants),
            Input::Refused(suspect, _) => self.wants_of_suspect(*suspect, &mut wants),
            Input::Expire(heads) => self.want_records(heads.iter().map(|it| it.target.record), &mut wants),
            Input::Unreadable(all) => self.want_records(all.iter().map(|it| it.0.record), &mut wants),
            Input::AccessChanged(_)
            | Input::Renew(_)
            | Input::Oldest(_, _)
            | Input::Forget(_)
            | Input::Committed
            | Input::Aborted => {}
        }
        wants
    }

    /// Takes one input to its end. `seen` is what the store said to `wants` of the same input.
    pub fn step(&mut self, now: Millis, seen: &Seen, input: Input, out: &mut Out) {
        let at = &mut Moment { now, seen, out };
        match input {
            Input::Jobs { jobs, position, spill } => {
                for job in jobs {
                    self.read_job(at, job, spill);
                }
                self.settled.reach(Topic::Jobs, position);
                self.lines.wake_stalled();
            }
            Input::Waiting { tier, messages, position } => self.file_all(at, (tier, messages, position)),
            Input::CallEnded(ended) => self.call_ended(at, ended),
            Input::AccessChanged(connection) => self.access_changed(at.now, &connection),
            Input::Heads { connection, heads, next } => {
                self.lines.set_next(&connection, next);
                for head in heads {
                    self.load(at, head);
                }
                self.lines.wake(&connection);
            }
            Input::Due(timers) => {
                for (due, key, record) in timers {
                    self.timer_ended(at, due, (key, record));
                }
            }
            Input::Renew(all) => all.into_iter().for_each(|it| self.renew(it)),
            Input::Expire(heads) => heads.into_iter().for_each(|it| self.expire(at, it)),
            Input::Unreadable(all) => all.into_iter().for_each(|it| self.bury_unreadable(at, it)),
            Input::Forget(keys) => self.forget_the_dead(keys),
            Input::Oldest(tier, offset) => self.settled.oldest(Topic::Delay(tier), offset),
            Input::Committed => self.committed(),
            Input::Aborted => self.aborted(),
            Input::Refused(suspect, what) => {
                self.aborted();
                self.refused(at, suspect, what);
            }
        }
    }

    /// Closes the part that is building: it is under way from now on. One at a time.
    pub fn seal(&mut self, now: Millis, number: CommitNumber) -> Arc<Part> {
        assert!(self.flying.is_none(), "one commit is under way at a time");
        let mark = CommitMark { number, incarnation: self.settings.incarnation };
        self.seal_accounts(now);
        let mut part = std::mem::take(&mut self.building);
        part.puts.insert(StateKey::Commit, Some(StateValue::Commit(mark)));
        self.settled.seal(&mut part.puts);
        let part = Arc::new(part);
        self.flying = Some(Arc::clone(&part));
        part
    }

    /// Whether a commit would carry anything of this shard.
    pub fn is_dirty(&self) -> bool {
        !self.building.is_empty() || self.settled.is_dirty() || self.has_spent()
    }

    /// The group's offset of `jobs`: its low watermark.
    pub fn group_offset(&self) -> Offset {
        self.settled.low(Topic::Jobs)
    }

    /// Whether a part is under way.
    pub fn is_flying(&self) -> bool {
        self.flying.is_some()
    }

    /// Whether outcomes wait for a commit.
    pub fn has_outcomes(&self) -> bool {
        !self.building.is_empty()
    }

    /// Everything below has been filed, of a delay topic.
    pub fn filed(&self, topic: Topic) -> Offset {
        self.settled.here(topic)
    }

    /// Whether an earlier life left a position of this topic.
    pub fn is_known(&self, topic: Topic) -> bool {
        self.settled.is_known(topic)
    }

    /// Messages of `jobs` read and not settled.
    pub fn unsettled_count(&self) -> usize {
        self.settled.open_count()
    }

    /// Where `jobs` must be read from, and where it stands in this life.
    pub fn jobs_position(&self) -> Offset {
        self.settled.here(Topic::Jobs)
    }

    /// Up to where any life has read `jobs`: what lies above is new.
    pub fn jobs_read_max(&self) -> Offset {
        self.settled.read_max()
    }

    /// All below is settled.
    pub fn low(&self, topic: Topic) -> Offset {
        self.settled.low(topic)
    }

    pub fn gauges(&self) -> Gauges {
        let totals = self.lines.totals();
        Gauges {
            bytes: totals.bytes,
            waiting_bytes: totals.waiting_bytes,
            in_memory: totals.ready,
            calls: self.calls.len(),
            on_way: self.on_way_count(),
            waiting: self.waiting_by_cause(),
            unsettled: self.settled.open_count(),
            building: self.building_count(),
            building_bytes: self.building.bytes,
        }
    }

    /// Bytes of messages in the waiting index.
    pub fn waiting_bytes(&self) -> u64 {
        self.lines.totals().waiting_bytes
    }

    pub fn calls_out(&self) -> usize {
        self.calls.len()
    }

    /// Bytes of deliveries in memory that are not in flight.
    pub fn memory_bytes(&self) -> usize {
        self.lines.totals().bytes
    }

    /// Messages and outcomes of the part that is building.
    pub fn building_count(&self) -> usize {
        self.building.settled
    }

    pub fn building_bytes(&self) -> usize {
        self.building.bytes
    }

    /// Deliveries released and not read back.
    pub fn on_way_count(&self) -> u64 {
        self.order.on_way().values().sum()
    }

    fn waiting_by_cause(&self) -> BTreeMap<Because, u64> {
        let mut waiting = self.order.on_way().clone();
        for (because, count) in &self.lines.totals().waiting {
            *waiting.entry(*because).or_default() += count;
        }
        waiting
    }

    /// Waiting deliveries per connection.
    pub fn waiting(&self) -> impl Iterator<Item = (&ConnectionId, u64)> {
        self.lines.iter().map(|(id, line)| (id, line.waiting_count()))
    }

    fn committed(&mut self) {
        let Some(part) = self.flying.take() else { return };
        self.announcements_committed(part.puts.iter());
        self.accounts_committed();
        for (key, removed) in &part.removed {
            let Some(gone) = self.gone.get_mut(&removed.record) else { continue };
            gone.remove(&key.seq);
            if gone.is_empty() {
                self.gone.remove(&removed.record);
            }
        }
    }

    fn aborted(&mut self) {
        let Some(part) = self.flying.take() else { return };
        self.accounts_aborted();
        if self.bug(Bug::DropsAborted) {
            return;
        }
        let later = std::mem::replace(&mut self.building, Arc::unwrap_or_clone(part));
        self.building.join(later);
    }

    /// What is uncommitted under this key: nothing known, deleted, or a value.
    pub(super) fn overlay(&self, key: &StateKey) -> Option<Option<&StateValue>> {
        let building = self.building.puts.get(key);
        let put = building.or_else(|| self.flying.as_ref()?.puts.get(key))?;
        Some(put.as_ref())
    }

    /// The dead mark that holds now, with what is uncommitted taken into account.
    pub(super) fn dead_mark<'a>(&'a self, seen: &'a Seen, key: &StateKey) -> Option<&'a DeadMark> {
        match self.overlay(key) {
            Some(Some(StateValue::Dead(mark))) => Some(mark),
            Some(_) => None,
            None => seen.dead.get(key),
        }
    }

    /// Whether the delivery's key has succeeded.
    pub(super) fn is_applied(&self, at: &Moment<'_>, delivery: &Delivery) -> bool {
        self.applied_mark(at, delivery).is_some()
    }

    /// When and for which job the delivery's key has succeeded, if it has and is still remembered.
    pub(super) fn applied_mark(&self, at: &Moment<'_>, delivery: &Delivery) -> Option<AppliedMark> {
        if self.bug(Bug::ForgetsApplied) {
            return None;
        }
        let target = &delivery.target;
        let mark = match self.overlay(&StateKey::Applied(target.tenant, target.dedupe)) {
            Some(Some(StateValue::Applied(mark))) => Some(*mark),
            Some(_) => None,
            None => at.seen.applied.get(&target.dedupe).copied(),
        };
        // The store may hold it for longer, the changelog may not: what is answered depends on its age alone. But a job
        // that was never settled as a whole is no new job, however long its other deliveries take.
        let itself = |it: &AppliedMark| it.seq == delivery.seq && !self.settled.seen_before(delivery.seq);
        let fresh = |it: &AppliedMark| at.now.since(it.at) <= self.settings.idempotency_ttl;
        mark.filter(|it| fresh(it) || itself(it) || self.bug(Bug::RemembersForEver))
    }

    /// Deaths that nobody can undo any more: the dead letter has served its time, and its job is settled.
    fn forget_the_dead(&mut self, keys: Vec<StateKey>) {
        for key in keys {
            let StateKey::Dead(seq, _) = &key else { continue };
            if *seq < self.settled.low(Topic::Jobs) && self.overlay(&key).is_none() {
                self.building.puts.insert(key, None);
            }
        }
    }

    pub(super) fn bug(&self, bug: Bug) -> bool {
        self.settings.bug == Some(bug)
    }
}

/// What a released delivery is told to people as.
pub(super) fn estimate(because: Because, now: Millis, due: Millis) -> Millis {
    match because {
        Because::Retry | Because::RateLimit => due,
        Because::Held | Because::Order => now,
    }
}

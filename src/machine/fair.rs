//! Promise 4, one tenant never slows another: a line of deliveries per connection, and the ring they take turns in.
//! Not here: which deliveries of a line may go (`order`), how they are grouped (`batch`).

use crate::machine::limit::Account;
use crate::machine::{Delivery, Waits};
use crate::model::{Because, ConnectionId, Millis, Seq};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<ConnectionId, Line>,
    /// Who may have something to call; each at most once.
    ring: VecDeque<ConnectionId>,
    /// Left the ring because `jobs` has not been read far enough.
    stalled: BTreeSet<ConnectionId>,
    /// Left the ring until a moment: a token comes back, or company has been waited for long enough.
    alarms: BTreeSet<(Millis, ConnectionId)>,
    /// Left the ring until a commit shows what has started.
    unshown: BTreeSet<ConnectionId>,
    /// Who is awake and whose queue on disk has something that is not in memory.
    hungry: BTreeSet<ConnectionId>,
    /// Left the hungry because nothing may be loaded for them: held, paused, or not configured.
    shut: BTreeSet<ConnectionId>,
    totals: Totals,
}

/// Over all lines; kept up with each change, so that no turn has to walk ten thousand lines for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Deliveries in memory that are not in flight, and their bytes.
    pub ready: usize,
    pub bytes: usize,
    /// Entries in the waiting index, by why they wait, and the bytes of all.
    pub waiting: BTreeMap<Because, u64>,
    pub waiting_bytes: u64,
}

/// What of one connection is in memory, and where its queue on disk goes on.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub ready: BTreeMap<Seq, Box<Delivery>>,
    /// The ready ones that are first of their record.
    pub callable: BTreeSet<Seq>,
    /// The ready ones of which it is not decided how their records are found.
    pub unfound: BTreeSet<Seq>,
    /// Bytes of `ready`.
    pub bytes: usize,
    /// Calls out.
    pub calls: usize,
    /// An answer came since the last call was sent.
    pub answered: bool,
    /// The last call ran into its deadline: one call at a time until one succeeds.
    pub slow: bool,
    /// Where the queue on disk is read next; absent: nothing there.
    next: Option<Seq>,
    /// Entries in the waiting index, by why they wait.
    waiting: BTreeMap<Because, u64>,
    /// Released and not read back.
    pub on_way: u64,
    /// What may be spent of the account's limits.
    pub account: Account,
    /// Since when a call that is not full waits for company.
    pub alone_since: Option<Millis>,
    alarm: Option<Millis>,
    /// No token is free before the alarm or the next commit.
    asleep: bool,
    in_ring: bool,
}

impl Lines {
    pub(super) fn get(&self, id: &ConnectionId) -> Option<&Line> {
        self.lines.get(id)
    }

    pub(super) fn line(&mut self, id: &ConnectionId) -> &mut Line {
        self.lines.entry(id.clone()).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ConnectionId, &Line)> {
        self.lines.iter()
    }

    /// The connection may have something to call now.
    pub(super) fn wake(&mut self, id: &ConnectionId) {
        let line = self.line(id);
        if !line.in_ring && !line.asleep && !line.callable.is_empty() {
            line.in_ring = true;
            self.ring.push_back(id.clone());
        }
    }

    /// The connection has something to call once `jobs` has been read further.
    pub(super) fn stall(&mut self, id: &ConnectionId) {
        self.stalled.insert(id.clone());
    }

    pub(super) fn wake_stalled(&mut self) {
        for id in std::mem::take(&mut self.stalled) {
            self.wake(&id);
        }
    }

    /// The connection looks again at `at`, whatever happens before.
    pub(super) fn look_again(&mut self, id: &ConnectionId, at: Millis) {
        let line = self.line(id);
        if let Some(old) = line.alarm.replace(at).filter(|it| *it != at) {
            self.alarms.remove(&(old, id.clone()));
        }
        self.alarms.insert((at, id.clone()));
    }

    /// The connection has no token before `at`, unless a call of it ends.
    pub(super) fn sleep(&mut self, id: &ConnectionId, at: Millis) {
        self.line(id).asleep = true;
        self.note_hunger(id);
        self.look_again(id, at);
    }

    /// The connection has no token before a commit.
    pub(super) fn sleep_until_commit(&mut self, id: &ConnectionId) {
        self.line(id).asleep = true;
        self.note_hunger(id);
        self.unshown.insert(id.clone());
    }

    /// Something of its tokens changed: it may have one now.
    pub(super) fn rouse(&mut self, id: &ConnectionId) {
        self.line(id).asleep = false;
        self.note_hunger(id);
        self.wake(id);
    }

    /// Everyone whose moment has come.
    pub(super) fn rouse_due(&mut self, now: Millis) {
        while let Some((at, id)) = self.alarms.pop_first() {
            if now < at {
                self.alarms.insert((at, id));
                return;
            }
            self.line(&id).alarm = None;
            self.rouse(&id);
        }
    }

    pub(super) fn rouse_unshown(&mut self) {
        for id in std::mem::take(&mut self.unshown) {
            self.rouse(&id);
        }
    }

    /// When somebody's moment comes next.
    pub(super) fn next_alarm(&self) -> Option<Millis> {
        self.alarms.first().map(|(at, _)| *at)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&ConnectionId, &mut Line)> {
        self.lines.iter_mut()
    }

    /// Whose turn it is; it has left the ring.
    pub(super) fn turn(&mut self) -> Option<ConnectionId> {
        let id = self.ring.pop_front()?;
        self.line(&id).in_ring = false;
        Some(id)
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(super) fn insert(&mut self, delivery: Box<Delivery>) {
        let size = delivery.size();
        self.totals.ready += 1;
        self.totals.bytes += size;
        let line = self.line(&delivery.target.connection.id);
        line.bytes += size;
        if delivery.is_unfound() {
            line.unfound.insert(delivery.seq);
        }
        line.ready.insert(delivery.seq, delivery);
    }

    pub(super) fn remove(&mut self, id: &ConnectionId, seq: Seq) -> Option<Box<Delivery>> {
        let line = self.lines.get_mut(id)?;
        let delivery = line.ready.remove(&seq)?;
        line.callable.remove(&seq);
        line.unfound.remove(&seq);
        let size = delivery.size();
        line.bytes -= size;
        self.totals.ready -= 1;
        self.totals.bytes -= size;
        Some(delivery)
    }

    /// So many entries were filed, of so many bytes.
    pub(super) fn more_wait(&mut self, id: &ConnectionId, because: Because, (count, bytes): (u64, u64)) {
        self.totals.waiting_bytes += bytes;
        *self.line(id).waiting.entry(because).or_default() += count;
        *self.totals.waiting.entry(because).or_default() += count;
    }

    /// An entry has ended.
    pub(super) fn less_waits(&mut self, id: &ConnectionId, waits: Waits) {
        let count = self.line(id).waiting.entry(waits.because).or_default();
        if let Some(less) = count.checked_sub(1) {
            *count = less;
            let total = self.totals.waiting.entry(waits.because).or_default();
            *total = total.saturating_sub(1);
            self.totals.waiting_bytes = self.totals.waiting_bytes.saturating_sub(u64::from(waits.size));
        }
    }

    /// The queue on disk has something at `seq`.
    pub(super) fn lower_next(&mut self, id: &ConnectionId, seq: Seq) {
        let line = self.line(id);
        line.next = Some(line.next.map_or(seq, |it| it.min(seq)));
        self.note_hunger(id);
    }

    /// Where the queue on disk goes on, if it does.
    pub(super) fn set_next(&mut self, id: &ConnectionId, next: Option<Seq>) {
        self.line(id).next = next;
        self.note_hunger(id);
    }

    /// Nothing may be loaded for the connection: it costs no look until it is opened.
    pub(super) fn shut(&mut self, id: &ConnectionId) {
        self.shut.insert(id.clone());
        self.hungry.remove(id);
    }

    /// Perhaps something may be loaded for the connection again; whoever loads finds out.
    pub(super) fn open(&mut self, id: &ConnectionId) {
        if self.shut.remove(id) {
            self.note_hunger(id);
        }
    }

    /// The same for all that are shut.
    pub(super) fn open_all(&mut self) {
        for id in std::mem::take(&mut self.shut) {
            self.note_hunger(&id);
        }
    }

    fn note_hunger(&mut self, id: &ConnectionId) {
        if self.shut.contains(id) || self.get(id).is_none_or(|it| it.asleep || it.next.is_none()) {
            self.hungry.remove(id);
        } else if !self.hungry.contains(id) {
            self.hungry.insert(id.clone());
        }
    }

    /// Lines whose queue on disk has more, each with where it goes on: first those `after` this one.
    pub(super) fn hungry(
        &self,
        after: Option<&ConnectionId>,
    ) -> impl Iterator<Item = (&ConnectionId, &Line, Seq)> + use<'_> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let (behind, before) = match after {
            Some(id) => ((Excluded(id), Unbounded), Some((Unbounded, Included(id)))),
            None => ((Unbounded, Unbounded), None),
        };
        let before = before.map(|it| self.hungry.range::<ConnectionId, _>(it));
        let ids = self.hungry.range::<ConnectionId, _>(behind).chain(before.into_iter().flatten());
        ids.filter_map(|id| {
            let line = self.lines.get(id)?;
            Some((id, line, line.next?))
        })
    }

    /// A line that holds nothing is forgotten.
    pub(super) fn tidy(&mut self, id: &ConnectionId) {
        if self.lines.get(id).is_some_and(Line::is_idle) {
            self.lines.remove(id);
            self.shut.remove(id);
        }
    }
}

impl Line {
    /// Entries in the waiting index.
    pub(super) fn waiting_count(&self) -> u64 {
        self.waiting.values().sum()
    }

    /// Deliveries that stand before a new one: in memory, in the queue on disk, or on their way to it.
    pub(super) fn before_new(&self) -> u64 {
        let queued = self.waiting.iter().filter(|(because, _)| **because != Because::Retry).map(|(_, count)| count);
        queued.sum::<u64>() + self.on_way + u64::try_from(self.ready.len()).unwrap_or(u64::MAX)
    }

    /// Entries in the waiting index, by why they wait.
    pub(super) fn waiting(&self) -> &BTreeMap<Because, u64> {
        &self.waiting
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.waiting.values().any(|it| 0 < *it)
    }

    fn is_idle(&self) -> bool {
        self.ready.is_empty()
            && self.calls == 0
            && !self.has_waiting()
            && self.next.is_none()
            && !self.in_ring
            && !self.slow
            && self.alarm.is_none()
            && self.on_way == 0
            && self.account.is_new()
    }
}

//! Promise 3, never over the CRM's limit and never needlessly under it: the windows of one connection together.
//! Not here: one window (`bucket`), what of it outlives a crash (`saved`), whose turn it is (`fair`).

mod bucket;
mod saved;
mod slots;

use crate::machine::Bug;
use crate::machine::limit::bucket::{Bucket, Heard};
use crate::model::{Connection, ConnectionMark, Cost, Limited, Millis, Usage, Window, WindowName, WindowUsage};
use std::sync::Arc;
use std::time::Duration;

/// A window longer than this is worth waiting for company.
const LONG: Duration = Duration::from_secs(3600);

/// All that is known of the limits of one connection.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What the buckets were made for; the connection's settings may change.
    windows: Option<Arc<[Window]>>,
    buckets: Vec<Bucket>,
    calls_max: Option<usize>,
    /// As a former owner left it, until the windows are known.
    saved: Option<Box<ConnectionMark>>,
    /// Calls started so far.
    started: u64,
    /// Calls started that a committed record shows, and that the one under way does.
    shown: u64,
    flying: Option<u64>,
    /// As many calls may have started that no committed record shows.
    unshown_max: u32,
    unbounded: bool,
    /// What a former owner may have spent is not in a record of ours yet: the next owner would not count it.
    owes_unshown: bool,
    /// The changelog has a record.
    stored: bool,
}

/// What a call took, and its place among the calls of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    pub cost: Cost,
    sent: Millis,
    number: u64,
}

/// What an assignment begins with (core rules §5): until when calls of a former owner may still land.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assigned {
    pub at: Millis,
    pub call_deadline: Duration,
    pub bug: Option<Bug>,
}

/// Whether a call may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Yes,
    /// Not before then.
    At(Millis),
    /// Not before a commit shows what has started.
    Commit,
}

impl Account {
    pub(super) fn restored(mark: ConnectionMark) -> Self {
        Self { saved: Some(Box::new(mark)), stored: true, ..Self::default() }
    }

    /// The connection's limits may have changed; whether they have. Before the first call there is nothing to change.
    pub(super) fn refit(&mut self, connection: &Connection, now: Millis, assigned: &Assigned) -> bool {
        let changed = self.windows.as_ref().is_some_and(|it| !Arc::ptr_eq(it, &connection.windows));
        if changed {
            self.fit(connection, now, assigned);
        }
        changed
    }

    /// Makes the buckets for the connection's windows; those that stay keep what they hold.
    pub(super) fn fit(&mut self, connection: &Connection, now: Millis, assigned: &Assigned) {
        if self.windows.as_ref().is_some_and(|it| Arc::ptr_eq(it, &connection.windows)) {
            return;
        }
        let first = self.windows.is_none();
        let mut old = std::mem::take(&mut self.buckets);
        for window in connection.windows.iter() {
            let kept = old.iter().position(|it| it.window.name == window.name).map(|it| old.swap_remove(it));
            let mut bucket = kept.unwrap_or_else(|| Bucket::new(*window, if first { assigned.at } else { now }));
            bucket.window = *window;
            self.buckets.push(bucket);
        }
        self.windows = Some(Arc::clone(&connection.windows));
        self.calls_max = connection.calls_max;
        self.unshown_max = unshown_max(connection);
        if first {
            let saved = self.saved.take();
            saved::begin(&mut self.buckets, saved.as_deref(), connection, (self.unshown_max, assigned));
            self.owes_unshown = self.buckets.iter_mut().any(|it| it.owes(now));
            self.unbounded = assigned.bug == Some(Bug::StartsUnseen);
        }
    }

    /// Whether a call of this cost may start now.
    pub(super) fn room(&mut self, now: Millis, cost: Cost) -> Room {
        if self.is_at_bound() {
            return Room::Commit;
        }
        let mut room = None;
        for bucket in &mut self.buckets {
            let need = bucket.need(bucket.window.units(cost));
            if bucket.free(now) < need {
                room = room.max(Some(bucket.free_at(now, need)));
            }
        }
        room.map_or(Room::Yes, Room::At)
    }

    /// A call starts: its cost is taken from all windows.
    pub(super) fn take(&mut self, now: Millis, cost: Cost) -> Ticket {
        for bucket in &mut self.buckets {
            bucket.take(bucket.window.units(cost));
        }
        self.started += 1;
        Ticket { cost, sent: now, number: self.started }
    }

    /// It has ended. `told`: what each correction of our count was, up or down.
    pub(super) fn ended(
        &mut self,
        now: Millis,
        (ticket, usage): (Ticket, &Usage),
        bug: Option<Bug>,
        mut told: impl FnMut(bool),
    ) {
        let used = usage.spent.unwrap_or(ticket.cost);
        let at = if bug == Some(Bug::ReturnsTokensFromTheStart) { ticket.sent } else { now };
        for bucket in &mut self.buckets {
            let taken = bucket.window.units(ticket.cost);
            bucket.give_back(now, taken, (bucket.window.units(used), at));
            let window = bucket.window;
            let said = usage.windows.iter().filter(|it| 0 < taken && window.is_meant(it.window));
            let heard = Heard { call: ticket.number, last: self.started, sent: ticket.sent };
            for word in said {
                hear(bucket, (now, heard), *word, bug).into_iter().for_each(&mut told);
            }
        }
        match &usage.limited {
            Some(limited) => self.refused(now, &ticket, *limited),
            None => self.buckets.iter_mut().for_each(|it| it.served(ticket.sent)),
        }
    }

    /// The window that is named; if none is, the shortest that the call counted in.
    fn refused(&mut self, now: Millis, ticket: &Ticket, limited: Limited) {
        let counted = |it: &Bucket| 0 < it.window.units(ticket.cost);
        let named = |it: &&mut Bucket| counted(it) && limited.window.is_some_and(|word| it.window.is_meant(word));
        if let Some(bucket) = self.buckets.iter_mut().find(named) {
            return bucket.refused(now, ticket.sent, limited.wait);
        }
        let shortest = self.buckets.iter_mut().filter(|it| counted(it)).min_by_key(|it| it.window.name.per);
        if let Some(bucket) = shortest {
            bucket.refused(now, ticket.sent, limited.wait);
        }
    }

    /// Whether a window of more than an hour is being used faster than it passes.
    pub(super) fn is_burning(&mut self, now: Millis) -> bool {
        self.buckets.iter_mut().any(|it| LONG < it.window.name.per && it.is_burning(now))
    }

    /// How many calls of this cost can be begun within `span`, what is out left aside.
    pub(super) fn calls_within(&mut self, now: Millis, span: Duration, cost: Cost) -> u32 {
        let mut calls = u32::MAX;
        for bucket in &mut self.buckets {
            if let Some(can) = bucket.free_within(now, span).checked_div(bucket.need(bucket.window.units(cost))) {
                calls = calls.min(can);
            }
        }
        calls
    }

    /// How long so many calls of this cost take when every window is used to its end.
    pub(super) fn takes(&self, calls: u64, cost: Cost) -> Duration {
        let of = |it: &Bucket| {
            let units = calls.saturating_mul(u64::from(it.need(it.window.units(cost))));
            let per = u64::try_from(it.window.name.per.as_millis()).unwrap_or(u64::MAX);
            Duration::from_millis(per.saturating_mul(units) / u64::from(it.cap().max(1)))
        };
        self.buckets.iter().map(of).max().unwrap_or_default()
    }

    /// Free share of each window, 0 to 1.
    pub(super) fn levels(&mut self, now: Millis) -> impl Iterator<Item = (WindowName, f64)> + '_ {
        self.buckets.iter_mut().map(move |it| (it.window.name, it.level(now)))
    }

    /// Most calls out at once, as far as the CRM bounds them.
    pub(super) fn calls_max(&self) -> usize {
        self.calls_max.unwrap_or(usize::MAX)
    }

    /// Calls started that no committed record shows.
    pub(super) fn unshown(&self) -> u64 {
        self.started.saturating_sub(self.shown)
    }

    /// No more may start before a commit.
    pub(super) fn is_at_bound(&self) -> bool {
        let at_bound = self.windows.is_some() && u64::from(self.unshown_max) <= self.unshown();
        (self.owes_unshown || at_bound) && !self.unbounded
    }

    /// What the commit that is being sealed is to show; nothing: the record goes.
    pub(super) fn seal(&mut self, now: Millis) -> Option<ConnectionMark> {
        self.flying = Some(self.started);
        self.stored = !self.is_default(now);
        self.stored.then(|| saved::mark(&self.buckets, now, self.unshown_max))
    }

    pub(super) fn committed(&mut self) {
        if let Some(shown) = self.flying.take() {
            self.shown = shown;
            self.owes_unshown = false;
        }
    }

    pub(super) fn aborted(&mut self) {
        self.flying = None;
    }

    /// Whether the changelog has a record that says nothing any more.
    pub(super) fn has_old_record(&mut self, now: Millis) -> bool {
        self.stored && self.is_default(now)
    }

    /// Nothing is known that a new account would not know as well.
    pub(super) fn is_new(&self) -> bool {
        self.windows.is_none() && self.saved.is_none() && !self.stored
    }

    fn is_default(&mut self, now: Millis) -> bool {
        let lapsed = self.saved.as_ref().is_none_or(|it| saved::is_lapsed(it, now));
        lapsed && self.buckets.iter_mut().all(|it| it.is_default(now))
    }

    /// Forgets everything, if it is as if nothing had ever been called.
    pub(super) fn tidy(&mut self, now: Millis) {
        if !self.stored && self.flying.is_none() && self.is_default(now) {
            *self = Self::default();
        }
    }
}

fn hear(bucket: &mut Bucket, (now, heard): (Millis, Heard), word: WindowUsage, bug: Option<Bug>) -> Option<bool> {
    if let Some(limit) = word.limit {
        bucket.hear_limit(limit);
    }
    let remaining = word.remaining.filter(|_| bug != Some(Bug::IgnoresOthers))?;
    bucket.hear(now, heard, remaining)
}

/// Calls that may start unseen: an eighth of the smallest window's, between 1 and 8; of a window so large that it is
/// none, a 1,024th, lest commits set the pace where the CRM does not.
fn unshown_max(connection: &Connection) -> u32 {
    let calls = |it: &Window| {
        let dearest = connection.tariff.dearest(it, connection.batch_max);
        it.cap.checked_div(dearest).map(|calls| (calls / 8).clamp(1, 8).max(calls / 1024))
    };
    connection.windows.iter().filter_map(calls).min().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

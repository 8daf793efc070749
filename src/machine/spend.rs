//! Tokens in the life of a shard: a call is admitted, its end gives back, a commit shows what has started.
//! Not here: the windows themselves (`limit`), whose turn it is (`fair`).

use crate::machine::batch::Batch;
use crate::machine::limit::{Account, Assigned, Room, Ticket};
use crate::machine::moment::Moment;
use crate::machine::{Delivery, Machine, Note, Out, Seen};
use crate::model::{
    Answer, Because, CallEnded, Connection, ConnectionId, Cost, Finding, Millis, Seq, StateKey, StateValue, Tier,
    WindowName,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What cannot be called within this does not stay in memory.
const SOON: Duration = Duration::from_secs(1);
/// How long a call that is not full waits for company while a long window is being used too fast.
const COMPANY: Duration = Duration::from_secs(1);
/// How often records that say nothing any more are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Whose record the next commit carries, and when there was last nothing to say.
#[derive(Debug, Default)]
pub(super) struct Spending {
    /// Something changed since the last seal.
    dirty: BTreeSet<ConnectionId>,
    /// Shown by the commit under way.
    sealed: BTreeSet<ConnectionId>,
    /// Nothing more of a connection may start before a commit.
    urgent: bool,
    swept: Millis,
}

impl Machine {
    /// Takes the tokens of a call with the members of `batch`. If it may not start yet, the connection sleeps until it
    /// may; what cannot be called soon leaves memory.
    pub(super) fn admit(&mut self, now: Millis, (id, batch): (&ConnectionId, &Batch), out: &mut Out) -> Option<Ticket> {
        let assigned = self.assigned();
        let line = self.lines.line(id);
        let front = line.ready.get(batch.members.first()?)?;
        let connection = Arc::clone(&front.target.connection);
        let cost = connection.tariff.cost(front.job.change.operation, &front.finding(), batch.members.len());
        line.account.fit(&connection, now, &assigned);
        if !batch.full && line.account.is_burning(now) {
            let end = line.alone_since.get_or_insert(now).after(COMPANY);
            if now < end {
                self.lines.look_again(id, end);
                return None;
            }
        }
        let room = line.account.room(now, cost);
        match room {
            Room::Yes => {}
            Room::Commit => {
                self.lines.sleep_until_commit(id);
                self.show_at_once(id);
                return None;
            }
            Room::At(at) => {
                self.lines.sleep(id, at);
                if now.after(SOON) < at {
                    self.release_line(now, (id, &connection, cost), out);
                }
                return None;
            }
        }
        if !self.announce(now, id, &batch.members) {
            self.lines.sleep_until_commit(id);
            self.spending.urgent = true;
            return None;
        }
        let line = self.lines.line(id);
        line.alone_since = None;
        let ticket = line.account.take(now, cost);
        if line.account.is_at_bound() {
            self.show_at_once(id);
        }
        Some(ticket)
    }

    fn show_at_once(&mut self, id: &ConnectionId) {
        self.spending.dirty.insert(id.clone());
        self.spending.urgent = true;
    }

    /// A call is over: what it did not use comes back at once, the rest one window later.
    pub(super) fn give_back(
        &mut self,
        at: &mut Moment<'_>,
        connection: &Connection,
        ticket: Ticket,
        ended: &mut CallEnded,
    ) {
        if ended.answer == Answer::Unsent {
            ended.usage.spent.get_or_insert_default();
        }
        let bug = self.settings.bug;
        let crm = connection.crm;
        let notes = &mut at.out.notes;
        let account = &mut self.lines.line(&connection.id).account;
        account.ended(at.now, (ticket, &ended.usage), bug, |up| notes.push(Note::Corrected { crm, up }));
        self.spending.dirty.insert(connection.id.clone());
        self.lines.rouse(&connection.id);
    }

    /// When a new delivery is estimated to be called, if that is not soon: all before it counted.
    pub(super) fn waits_for_tokens(&mut self, now: Millis, delivery: &Delivery) -> Option<Millis> {
        let assigned = self.assigned();
        let connection = &delivery.target.connection;
        let own = self.order.ready_count(delivery.target.record);
        let line = self.lines.line(&connection.id);
        line.account.fit(connection, now, &assigned);
        let cost = connection.tariff.cost(delivery.job.change.operation, &Finding::ByKey, 1);
        let batch_max = u64::try_from(connection.batch_max.max(1)).unwrap_or(u64::MAX);
        let calls = (line.before_new() / batch_max).max(own).saturating_add(1);
        let can = line.account.calls_within(now, SOON, cost);
        (u64::from(can) < calls).then(|| now.after(line.account.takes(calls - u64::from(can), cost)))
    }

    /// Nothing of the connection can be called soon: jobs go to a delay topic, heads back to where they lie.
    fn release_line(&mut self, now: Millis, (id, connection, cost): (&ConnectionId, &Connection, Cost), out: &mut Out) {
        let seen = Seen::default();
        let at = &mut Moment { now, seen: &seen, out };
        // What a refused call left behind stays: only memory knows how small the next one has to be.
        let ready = self.lines.line(id).ready.iter().filter(|(_, it)| it.level == 0);
        let ready: Vec<Seq> = ready.map(|(seq, _)| *seq).collect();
        let batch_max = u64::try_from(connection.batch_max.max(1)).unwrap_or(u64::MAX);
        for seq in ready {
            let Some(delivery) = self.take_from_memory(id, seq) else { continue };
            if delivery.waits.is_some() {
                self.dedupe.let_go(delivery.target.dedupe, seq);
                self.lines.lower_next(id, seq);
                continue;
            }
            let line = self.lines.line(id);
            let due = now.after(line.account.takes(line.before_new() / batch_max + 1, cost));
            self.release_one(at, delivery, (Because::RateLimit, due, tier_of(due.since(now))));
        }
    }

    /// What time does: tokens come back, and records that say nothing any more go.
    pub fn tend(&mut self, now: Millis) {
        self.lines.rouse_due(now);
        if now.since(self.spending.swept) < SWEEP_EVERY {
            return;
        }
        self.spending.swept = now;
        let mut idle = Vec::new();
        for (id, line) in self.lines.iter_mut() {
            if line.account.has_old_record(now) {
                self.spending.dirty.insert(id.clone());
            } else if line.calls == 0 && !self.spending.dirty.contains(id) {
                line.account.tidy(now);
                idle.push(id.clone());
            }
        }
        idle.iter().for_each(|id| self.lines.tidy(id));
    }

    /// When `tend` has something to do next.
    pub fn next_token_at(&self) -> Option<Millis> {
        self.lines.next_alarm()
    }

    /// A connection has reached its bound of unseen calls: the next commit is sealed at once.
    pub fn is_urgent(&self) -> bool {
        self.spending.urgent
    }

    pub(super) fn has_spent(&self) -> bool {
        !self.spending.dirty.is_empty()
    }

    /// The records of all connections whose calls started or ended.
    pub(super) fn seal_accounts(&mut self, now: Millis) {
        self.spending.urgent = false;
        self.spending.sealed = std::mem::take(&mut self.spending.dirty);
        for id in &self.spending.sealed {
            let mark = self.lines.line(id).account.seal(now);
            self.building.puts.insert(StateKey::Connection(id.clone()), mark.map(StateValue::Connection));
        }
    }

    pub(super) fn accounts_committed(&mut self) {
        for id in std::mem::take(&mut self.spending.sealed) {
            self.lines.line(&id).account.committed();
        }
        self.lines.rouse_unshown();
    }

    pub(super) fn accounts_aborted(&mut self) {
        for id in std::mem::take(&mut self.spending.sealed) {
            self.lines.line(&id).account.aborted();
            self.spending.dirty.insert(id);
        }
        self.lines.rouse_unshown();
    }

    /// Free share of each window of each connection, 0 to 1.
    pub fn levels(&mut self, now: Millis, mut with: impl FnMut(&ConnectionId, WindowName, f64)) {
        for (id, line) in self.lines.iter_mut() {
            line.account.levels(now).for_each(|(window, level)| with(id, window, level));
        }
    }

    pub(super) fn assigned(&self) -> Assigned {
        Assigned { at: self.assigned_at, call_deadline: self.settings.call_deadline, bug: self.settings.bug }
    }
}

impl Account {
    /// Whether at least the cheapest call may start: else nothing is loaded for it.
    pub(super) fn may_call(&mut self, now: Millis) -> Room {
        self.room(now, Cost { calls: 1, searches: 0, credits: 1 })
    }
}

/// The largest tier that is not longer than the wait, else the smallest.
pub(super) fn tier_of(wait: Duration) -> Tier {
    Tier::ALL.into_iter().rev().find(|it| it.span() <= wait).unwrap_or(Tier::S5)
}

#[cfg(test)]
mod tests;

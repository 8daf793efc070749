//! The next call of a shard: whose turn it is, what goes together (core rules §4), and what is in memory.
//! Not here: the bounds of the whole process (`engine`); making the call.

use crate::machine::batch::{self, Batch};
use crate::machine::fair::Line;
use crate::machine::limit::{Room, Ticket};
use crate::machine::moment::Moment;
use crate::machine::{Bug, Delivery, Machine, Note, Out, Seen};
use crate::model::{Call, CallId, CallInput, Connection, ConnectionId, Millis, Offset, RecordHash, Seq, Topic};
use std::sync::Arc;
use std::time::Duration;

/// A retry that is due is promised to be late by no more than 100 ms: so long it may wait for the answer to another
/// call, which may take longer than that.
const HASTE: Duration = Duration::from_millis(25);

impl Machine {
    /// One call of the connection whose turn it is, named `id` and to be sent before `until`; nothing if no connection
    /// may call now.
    pub fn next_call(&mut self, now: Millis, (id, until): (CallId, Millis), out: &mut Out) -> Option<Call> {
        while let Some(connection) = self.lines.turn() {
            let seen = Seen::default();
            self.find_records(&mut Moment { now, seen: &seen, out }, &connection);
            let batch = self.batch_as_it_stands(&connection, now);
            let line = self.lines.line(&connection);
            if batch.members.is_empty() {
                continue;
            }
            // An answer on its way or a full batch will bring the turn back (Nagle).
            if 0 < line.calls && !batch.full && !line.answered && !self.is_hasty(now, &connection, &batch) {
                continue;
            }
            let Some(ticket) = self.admit(now, (&connection, &batch), out) else { continue };
            let call = self.take_off(now, (id, until), (&connection, batch, ticket), out);
            self.note_start(&connection, (id, now));
            self.lines.wake(&connection);
            return call;
        }
        None
    }

    /// Whether a retry in it has waited for an answer or for company as long as it may; if not yet, it comes back then.
    fn is_hasty(&mut self, now: Millis, connection: &ConnectionId, batch: &Batch) -> bool {
        let Some(line) = self.lines.get(connection) else { return false };
        let timers = batch.members.iter().filter_map(|it| Some(line.ready.get(it)?.waits?.timer));
        let Some(due) = timers.filter(|it| 0 < it.0).min() else { return false };
        let end = due.after(HASTE);
        if now < end {
            self.lines.look_again(connection, end);
        }
        end <= now
    }

    pub(super) fn batch_of(&mut self, connection: &ConnectionId) -> Batch {
        let end = if self.bug(Bug::RunsAheadOfJobs) { Offset(u64::MAX) } else { self.settled.here(Topic::Jobs) };
        let limit = self.settings.connection_calls_max;
        let Some(line) = self.lines.get(connection) else { return Batch { members: Vec::new(), full: false } };
        let out_max = if line.slow { 1 } else { line.account.calls_max().min(limit) };
        if out_max <= line.calls {
            return Batch { members: Vec::new(), full: false };
        }
        let batch = batch::form(&line.callable, &line.ready, end, |it| self.dedupe.is_in_flight(it.target.dedupe));
        if line.callable.last().is_some_and(|last| end <= *last) {
            self.lines.stall(connection);
        }
        batch
    }

    fn take_off(
        &mut self,
        now: Millis,
        (id, until): (CallId, Millis),
        (connection, batch, ticket): (&ConnectionId, Batch, Ticket),
        out: &mut Out,
    ) -> Option<Call> {
        let line = self.lines.line(connection);
        line.calls += 1;
        line.answered = false;
        let taken = batch.members.iter().filter_map(|seq| self.lines.remove(connection, *seq));
        let members: Vec<Box<Delivery>> = taken.collect();
        for member in &members {
            self.order.take_off(member.target.record, member.seq);
            self.dedupe.take_off(member.target.dedupe);
            if let Some(waits) = member.waits.filter(|it| 0 < it.timer.0) {
                out.notes.push(Note::Late(now.since(waits.timer)));
            }
        }
        let first = members.first()?;
        let call = Call {
            id,
            shard: self.settings.shard,
            connection: first.target.connection.clone(),
            object: first.job.change.object.clone(),
            operation: first.job.change.operation,
            inputs: members.iter().map(|it| input_of(it)).collect(),
            until: self.sent_until(&members).map_or(until, |it| it.min(until)),
        };
        self.calls.insert(id, UnderWay { ticket, members });
        Some(call)
    }

    /// Puts a delivery into its line; it may be called once it is first of its record.
    pub(super) fn make_ready(&mut self, delivery: Box<Delivery>) {
        let (record, seq) = (delivery.target.record, delivery.seq);
        let connection = delivery.target.connection.clone();
        self.dedupe.hold(delivery.target.dedupe, seq);
        if let Some(first) = self.order.first_ready(record) {
            self.lines.line(&connection.id).callable.remove(&first);
        }
        self.order.make_ready(record, seq);
        self.lines.insert(delivery);
        self.refresh(record, &connection.id);
    }

    /// After anything of a record changed: its first one in memory may be callable now, or no more.
    pub(super) fn refresh(&mut self, record: RecordHash, connection: &ConnectionId) {
        let Some(first) = self.order.first_ready(record) else { return };
        let goes = self.order.may_go(record, first) || self.bug(Bug::OvertakesInFlight);
        let line = self.lines.line(connection);
        if goes {
            line.callable.insert(first);
            self.lines.wake(connection);
        } else {
            line.callable.remove(&first);
        }
    }

    /// Takes a ready delivery out of memory; the caller decides what becomes of it.
    pub(super) fn take_from_memory(&mut self, connection: &ConnectionId, seq: Seq) -> Option<Box<Delivery>> {
        let mut delivery = self.lines.remove(connection, seq)?;
        self.order.drop_ready(delivery.target.record, seq);
        self.take_back(&mut delivery);
        self.refresh(delivery.target.record, connection);
        Some(delivery)
    }

    /// Connections that are `known` and not shut, have a token, and want heads from their queues on disk: whose, from where,
    /// how many. `after` the last one that was, round and round, so that the first by name do not starve the others.
    /// Where memory `is_short` only those that have nothing in memory, and for one call. Those that are shut or unknown are
    /// not looked at again before something has changed for them.
    pub fn loads(
        &mut self,
        now: Millis,
        (most, is_short): (usize, bool),
        after: Option<&ConnectionId>,
        known: impl Fn(&ConnectionId) -> Option<Arc<Connection>>,
    ) -> Vec<(ConnectionId, Seq, usize)> {
        let room = |line: &Line, next: Seq, connection: &Connection| {
            let window = self.window_of(connection, is_short);
            let loaded = line.ready.range(..next).take(window).count();
            let enough = if is_short { 0 } else { window / 2 };
            (loaded <= enough).then_some(window - loaded)
        };
        let ready = |line: &Line| line.ready.first_key_value().map(|(_, it)| Arc::clone(&it.target.connection));
        let (mut loads, mut shut) = (Vec::new(), Vec::new());
        for (id, line, next) in self.lines.hungry(after) {
            // Most have enough: that is seen without looking for their connection.
            if ready(line).is_some_and(|it| room(line, next, &it).is_none()) {
                continue;
            }
            if loads.len() == most {
                break;
            }
            match known(id).filter(|it| self.may_load(it, now)) {
                Some(connection) => loads.extend(room(line, next, &connection).map(|it| (id.clone(), next, it))),
                None => shut.push(id.clone()),
            }
        }
        shut.iter().for_each(|id| self.lines.shut(id));
        loads.retain(|(id, _, _)| match self.lines.line(id).account.may_call(now) {
            Room::Yes | Room::Commit => true,
            Room::At(at) => {
                self.lines.sleep(id, at);
                false
            }
        });
        loads
    }
}

impl Machine {
    /// As many heads as all calls of the connection can carry, twice over, so that an answer finds the next call's in memory.
    fn window_of(&self, connection: &Connection, is_short: bool) -> usize {
        let batch = connection.batch_max.max(1);
        let calls = connection.calls_max.unwrap_or(usize::MAX).min(self.settings.connection_calls_max).max(1);
        let wanted = if is_short { batch } else { batch.saturating_mul(calls).saturating_mul(2) };
        wanted.min(self.settings.window_max.max(1))
    }
}

/// A call that is out.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub ticket: Ticket,
    #[expect(clippy::vec_box, reason = "deliveries move between their line and a call without being copied")]
    pub members: Vec<Box<Delivery>>,
}

fn input_of(delivery: &Delivery) -> CallInput {
    let change = &delivery.job.change;
    let (external_id, properties) = (change.external_id.clone(), change.properties.clone());
    CallInput { external_id, finding: delivery.finding(), properties }
}

#[cfg(test)]
mod tests;

//! The next call of a shard: whose turn it is, what goes together (core rules §4), and what is in memory.
//! Not here: the bounds of the whole process (`engine`); making the call.

use crate::machine::batch::{self, Batch};
use crate::machine::fair::Line;
use crate::machine::{Bug, Delivery, Machine, Note, Out};
use crate::model::{Call, CallId, CallInput, ConnectionId, Millis, Offset, RecordHash, Seq, Topic};

impl Machine {
    /// One call of the connection whose turn it is, named `id` and to be sent before `until`; nothing if no connection
    /// may call now.
    pub fn next_call(&mut self, now: Millis, (id, until): (CallId, Millis), out: &mut Out) -> Option<Call> {
        while let Some(connection) = self.lines.turn() {
            let batch = self.batch_as_it_stands(&connection, now);
            let line = self.lines.line(&connection);
            if batch.members.is_empty() {
                continue;
            }
            // An answer on its way or a full batch will bring the turn back (Nagle).
            if 0 < line.calls && !batch.full && !line.answered {
                continue;
            }
            let call = self.take_off(now, (id, until), (&connection, batch), out);
            self.note_start(&connection, (id, now));
            self.lines.wake(&connection);
            return call;
        }
        None
    }

    pub(super) fn batch_of(&mut self, connection: &ConnectionId) -> Batch {
        let end = if self.bug(Bug::RunsAheadOfJobs) { Offset(u64::MAX) } else { self.settled.here(Topic::Jobs) };
        let limit = self.settings.connection_calls_max;
        let Some(line) = self.lines.get(connection) else { return Batch { members: Vec::new(), full: false } };
        let out_max = if line.slow { 1 } else { limit };
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
        (connection, batch): (&ConnectionId, Batch),
        out: &mut Out,
    ) -> Option<Call> {
        let line = self.lines.line(connection);
        line.calls += 1;
        line.answered = false;
        let members: Vec<Box<Delivery>> = batch.members.iter().filter_map(|seq| line.remove(*seq)).collect();
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
            until,
        };
        self.calls.insert(id, members);
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
        let line = self.lines.line(&connection.id);
        line.insert(delivery);
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
        let delivery = self.lines.line(connection).remove(seq)?;
        self.order.drop_ready(delivery.target.record, seq);
        self.refresh(delivery.target.record, connection);
        Some(delivery)
    }

    /// Connections that `may` be served and want heads from their queues on disk: whose, from where, how many.
    pub fn loads(&self, most: usize, may: impl Fn(&ConnectionId) -> bool) -> Vec<(ConnectionId, Seq, usize)> {
        let window = self.settings.window_max.max(1);
        let wants = |line: &Line| {
            let next = line.next?;
            let loaded = line.ready.range(..next).take(window).count();
            (loaded <= window / 2).then_some((next, window - loaded))
        };
        let lines = self.lines.iter().filter(|(id, _)| may(id));
        lines.filter_map(|(id, line)| wants(line).map(|(next, room)| (id.clone(), next, room))).take(most).collect()
    }
}

fn input_of(delivery: &Delivery) -> CallInput {
    let change = &delivery.job.change;
    CallInput { external_id: change.external_id.clone(), properties: change.properties.clone() }
}

//! What becomes of a message of `jobs`: core rules §2, in their order.
//! Not here: decoding and routing, which came before.

use crate::machine::fair::Line;
use crate::machine::{Bug, DeadLetter, Delivery, Forwarded, JobRead, Machine, Note, Out, Seen, Target, Verdict, Wants};
use crate::model::{
    Attempt, Because, DeadMark, History, Job, Message, Millis, Offset, Outcome, Reason, Seq, Shard, StateKey,
    StateValue, Topic,
};
use std::sync::Arc;

impl Machine {
    pub(super) fn wants_of_jobs(&self, jobs: &[JobRead], wants: &mut Wants) {
        for job in jobs.iter().filter(|it| !self.settled.is_settled(Topic::Jobs, it.offset)) {
            let again = self.settled.read_before(job.offset);
            match &job.verdict {
                Verdict::Ignored | Verdict::Forward(_) => {}
                Verdict::Malformed { .. } if again => wants.dead.push((job.offset, None)),
                Verdict::Malformed { .. } => {}
                Verdict::Deliver { targets, .. } => {
                    for target in targets {
                        self.wants_of_target(job.offset, target, again, wants);
                    }
                }
            }
        }
    }

    fn wants_of_target(&self, seq: Seq, target: &Target, again: bool, wants: &mut Wants) {
        let connection = &target.connection.id;
        wants.applied.push((target.tenant, target.dedupe));
        if again {
            wants.dead.push((seq, Some(connection.clone())));
            wants.entries.push(crate::model::EntryKey { seq, connection: connection.clone() });
        }
        if self.lines.get(connection).is_some_and(Line::has_waiting) {
            wants.records.push(self.record_want(target.record));
        }
    }

    pub(super) fn read_job(&mut self, now: Millis, seen: &Seen, read: JobRead, spill: bool, out: &mut Out) {
        let JobRead { offset, message, verdict } = read;
        if self.settled.is_settled(Topic::Jobs, offset) || self.unsettled.contains_key(&offset) {
            return;
        }
        self.settled.open(offset);
        if self.bug(Bug::SettlesOnRead) {
            self.settled.settle(Topic::Jobs, offset);
        }
        match verdict {
            Verdict::Ignored => {
                out.notes.push(Note::Ended { crm: None, outcome: Outcome::Ignored });
                self.settle_job(offset);
            }
            Verdict::Malformed { reason, what } => {
                self.bury_message((Topic::Jobs, offset), message, (reason, what), (now, seen), out);
                self.settle_job(offset);
            }
            Verdict::Forward(home) => self.forward(now, (offset, home), message, out),
            Verdict::Deliver { job, targets } => {
                self.unsettled.insert(offset, targets.len());
                for target in targets {
                    let delivery = first_life(offset, target, &job, &message);
                    self.arrive(now, seen, delivery, spill, out);
                }
            }
        }
    }

    /// One delivery of a job just read: known, blocked, or ready.
    fn arrive(&mut self, now: Millis, seen: &Seen, delivery: Box<Delivery>, spill: bool, out: &mut Out) {
        if self.is_waiting_already(seen, &delivery) || self.is_dead_already(seen, &delivery) {
            return self.settle_delivery(&delivery);
        }
        if let Some(mark) = self.applied_mark(seen, &delivery) {
            // Not a duplicate of another job but this very delivery: its job is read again because of another one.
            let itself = mark.seq == delivery.seq && !self.settled.seen_before(delivery.seq);
            return if itself {
                self.settle_delivery(&delivery);
            } else {
                self.end(now, delivery, Outcome::Duplicate, None, out);
            };
        }
        let lapsed = now.since(delivery.original.timestamp) > self.settings.idempotency_ttl;
        if lapsed && self.settled.seen_before(delivery.seq) {
            return self.end(now, delivery, Outcome::Duplicate, Some(Reason::Expired), out);
        }
        if self.is_blocked(seen, &delivery) {
            return self.release(now, delivery, Because::Order, now, out);
        }
        let line_bytes = self.lines.get(&delivery.target.connection.id).map_or(0, |it| it.bytes);
        if spill || self.settings.line_bytes_max < line_bytes {
            return self.release(now, delivery, Because::RateLimit, now, out);
        }
        self.make_ready(delivery);
    }

    fn is_waiting_already(&self, seen: &Seen, delivery: &Delivery) -> bool {
        let record = delivery.target.record;
        let in_index = seen.entries.contains_key(&delivery.key()) && !self.is_gone(record, delivery.seq);
        in_index || self.order.is_on_way(record, delivery.seq)
    }

    /// A rewind gives the dead one new life; else they stay dead.
    fn is_dead_already(&mut self, seen: &Seen, delivery: &Delivery) -> bool {
        let key = StateKey::Dead(delivery.seq, Some(delivery.target.connection.id.clone()));
        let Some(mark) = self.dead_mark(seen, &key) else { return false };
        let revived = self.settled.seen_before(delivery.seq) && mark.rewinds < self.settled.rewinds();
        if revived && !self.bug(Bug::BuriesTheDead) {
            self.building.puts.insert(key, None);
            return false;
        }
        true
    }

    /// Whether an earlier delivery of its record waits or is on its way. One in flight alone does not count:
    /// its end is near, and what follows it waits in memory.
    fn is_blocked(&self, seen: &Seen, delivery: &Delivery) -> bool {
        let (record, seq) = (delivery.target.record, delivery.seq);
        if self.order.on_way_before(record, seq) {
            return true;
        }
        if self.bug(Bug::OvertakesWaiting) {
            return false;
        }
        let in_flight = self.order.in_flight(record);
        self.waiting_of(seen, record).any(|(waiting, _)| waiting < seq && Some(waiting) != in_flight)
    }

    fn forward(&mut self, now: Millis, (offset, home): (Offset, Shard), message: Arc<Message>, out: &mut Out) {
        let lapsed = now.since(message.timestamp) > self.settings.idempotency_ttl;
        if !(lapsed && self.settled.seen_before(offset)) {
            out.notes.push(Note::Forwarded);
            self.building.bytes += message.size();
            self.building.forwarded.push(Forwarded { home, original: message });
        }
        self.settle_job(offset);
    }

    /// A message that is no delivery goes to the dead letters.
    pub(super) fn bury_message(
        &mut self,
        (topic, offset): (Topic, Offset),
        original: Arc<Message>,
        (reason, what): (Reason, String),
        (now, seen): (Millis, &Seen),
        out: &mut Out,
    ) {
        if topic == Topic::Jobs {
            let key = StateKey::Dead(offset, None);
            let rewinds = self.settled.rewinds();
            if self.dead_mark(seen, &key).is_some_and(|it| it.rewinds == rewinds) {
                return;
            }
            let mark = DeadMark { reason, code: None, at: now, rewinds };
            self.building.puts.insert(key, Some(StateValue::Dead(mark)));
        }
        out.notes.push(Note::Ended { crm: None, outcome: Outcome::Dead });
        self.building.bytes += original.size();
        let letter = DeadLetter { topic, offset, original, reason, what, exhausted: false, delivery: None };
        self.building.dead.push(letter);
    }

    pub(super) fn settle_job(&mut self, offset: Offset) {
        self.building.settled += 1;
        self.settled.settle(Topic::Jobs, offset);
    }
}

fn first_life(seq: Seq, target: Target, job: &Arc<Job>, original: &Arc<Message>) -> Box<Delivery> {
    Box::new(Delivery {
        seq,
        target,
        job: Arc::clone(job),
        original: Arc::clone(original),
        waits: None,
        attempt: Attempt(0),
        history: History::default(),
        since: None,
        level: 0,
    })
}

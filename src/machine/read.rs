//! What becomes of a message of `jobs`: core rules §2, in their order.
//! Not here: decoding and routing, which came before.

use crate::machine::fair::Line;
use crate::machine::moment::Moment;
use crate::machine::{Bug, DeadLetter, Delivery, Forwarded, JobRead, Machine, Note, Seen, Target, Verdict, Wants};
use crate::model::{
    Attempt, Because, DeadMark, History, Job, Message, Offset, Outcome, Reason, Seq, Shard, StateKey, StateValue, Topic,
};
use std::sync::Arc;

impl Machine {
    pub(super) fn wants_of_jobs(&self, jobs: &[JobRead], wants: &mut Wants) {
        for job in jobs.iter().filter(|it| !self.settled.is_settled(Topic::Jobs, it.offset)) {
            let again = self.settled.read_before(job.offset);
            match &job.verdict {
                Verdict::Ignored | Verdict::Later | Verdict::Forward(_) => {}
                Verdict::Malformed { .. } if again => wants.dead.push((job.offset, None)),
                Verdict::Malformed { .. } => {}
                Verdict::Deliver { targets, job: read } => {
                    for target in targets {
                        Self::want_ref(target, &read.change, wants);
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
            self.want_records(std::iter::once(target.record), wants);
        }
    }

    pub(super) fn read_job(&mut self, at: &mut Moment<'_>, read: JobRead, spill: bool) {
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
                at.out.notes.push(Note::Ended { crm: None, outcome: Outcome::Ignored });
                self.settle_job(offset);
            }
            Verdict::Later => {}
            Verdict::Malformed { reason, what } => {
                self.bury_message(at, (Topic::Jobs, offset), message, (reason, what));
                self.settle_job(offset);
            }
            Verdict::Forward(home) => self.forward(at, (offset, home), message),
            Verdict::Deliver { job, targets } => {
                self.unsettled.insert(offset, targets.len());
                for target in targets {
                    let delivery = first_life(offset, target, &job, &message);
                    self.arrive(at, delivery, spill);
                }
            }
        }
    }

    /// One delivery of a job just read: known, blocked, or ready.
    fn arrive(&mut self, at: &mut Moment<'_>, delivery: Box<Delivery>, spill: bool) {
        if self.is_waiting_already(at.seen, &delivery) || self.is_dead_already(at, &delivery) {
            return self.settle_delivery(&delivery);
        }
        if let Some(mark) = self.applied_mark(at, &delivery) {
            // Not a duplicate of another job but this very delivery: its job is read again because of another one.
            let itself = mark.seq == delivery.seq && !self.settled.seen_before(delivery.seq);
            return if itself {
                self.settle_delivery(&delivery);
            } else {
                self.end(at, delivery, Outcome::Duplicate, None);
            };
        }
        let lapsed = at.now.since(delivery.original.timestamp) > self.settings.idempotency_ttl;
        if lapsed && self.settled.seen_before(delivery.seq) {
            return self.end(at, delivery, Outcome::Duplicate, Some(Reason::Expired));
        }
        if self.is_blocked(at.seen, &delivery) {
            return self.release(at, delivery, Because::Order, at.now);
        }
        if self.is_held(&delivery.target.connection, at.now) {
            return self.release(at, delivery, Because::Held, at.now);
        }
        let line_bytes = self.lines.get(&delivery.target.connection.id).map_or(0, |it| it.bytes);
        if spill || self.settings.line_bytes_max < line_bytes {
            return self.release(at, delivery, Because::RateLimit, at.now);
        }
        if let Some(due) = self.waits_for_tokens(at.now, &delivery) {
            return self.release(at, delivery, Because::RateLimit, due);
        }
        if let Some(delivery) = self.know_record(at, delivery) {
            self.make_ready(delivery);
        }
    }

    fn is_waiting_already(&self, seen: &Seen, delivery: &Delivery) -> bool {
        let record = delivery.target.record;
        let in_index = seen.entries.contains_key(&delivery.key()) && !self.is_gone(record, delivery.seq);
        in_index || self.order.is_on_way(record, delivery.seq)
    }

    /// A rewind gives the dead one new life; else they stay dead.
    fn is_dead_already(&mut self, at: &mut Moment<'_>, delivery: &Delivery) -> bool {
        let key = StateKey::Dead(delivery.seq, Some(delivery.target.connection.id.clone()));
        let Some(mark) = self.dead_mark(at.seen, &key) else { return false };
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

    fn forward(&mut self, at: &mut Moment<'_>, (offset, home): (Offset, Shard), message: Arc<Message>) {
        let lapsed = at.now.since(message.timestamp) > self.settings.idempotency_ttl;
        if !(lapsed && self.settled.seen_before(offset)) {
            at.out.notes.push(Note::Forwarded);
            self.building.bytes += message.size();
            self.building.forwarded.push(Forwarded { home, offset, original: message, refusals: 0 });
        }
        self.settle_job(offset);
    }

    /// A message that is no delivery goes to the dead letters.
    pub(super) fn bury_message(
        &mut self,
        at: &mut Moment<'_>,
        (topic, offset): (Topic, Offset),
        original: Arc<Message>,
        (reason, what): (Reason, String),
    ) {
        if topic == Topic::Jobs {
            let key = StateKey::Dead(offset, None);
            let rewinds = self.settled.rewinds();
            if self.dead_mark(at.seen, &key).is_some_and(|it| it.rewinds == rewinds) {
                return;
            }
            let mark = DeadMark { reason, code: None, at: at.now, rewinds };
            self.building.puts.insert(key, Some(StateValue::Dead(mark)));
        }
        at.out.notes.push(Note::Ended { crm: None, outcome: Outcome::Dead });
        self.building.bytes += original.size();
        let letter =
            DeadLetter { topic, offset, original, reason, what, exhausted: false, delivery: None, refusals: 0 };
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
        paused_at: None,
        level: 0,
        way: None,
    })
}

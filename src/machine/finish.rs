//! What an answer does to each delivery of a call (core rules §6), and what an end does to those behind it.
//! Not here: what an answer means (the connectors), when a retry is due (`retry`).

use crate::machine::choose::UnderWay;
use crate::machine::fair::Line;
use crate::machine::moment::Moment;
use crate::machine::spend::tier_of;
use crate::machine::step::estimate;
use crate::machine::{
    Bug, DeadLetter, Delivery, Ended, IndexWrite, Machine, Next, Note, Released, Removed, Waits, Wants,
};
use crate::model::{
    Answer, AppliedMark, Because, CallEnded, CallId, DeadMark, EntryKey, Fault, Millis, Outcome, Reason, RecordHash,
    Reply, Seq, StateKey, StateValue, Tier, Topic, Tried,
};
use std::sync::Arc;
use std::time::Duration;

impl Machine {
    pub(super) fn wants_of_call(&self, id: CallId, wants: &mut Wants) {
        let members = self.calls.get(&id).map(|it| it.members.as_slice()).unwrap_or_default();
        let Some(first) = members.first() else { return };
        if self.lines.get(&first.target.connection.id).is_some_and(Line::has_waiting) {
            let own = members.iter().map(|it| it.target.record);
            let of_twins = members.iter().flat_map(|it| self.records_of_twins(it));
            self.want_records(own.chain(of_twins), wants);
        }
    }

    pub(super) fn call_ended(&mut self, at: &mut Moment<'_>, mut ended: CallEnded) {
        let Some(UnderWay { ticket, members }) = self.calls.remove(&ended.id) else { return };
        let Some(first) = members.first() else { return };
        let connection = first.target.connection.clone();
        self.give_back(at, &connection, ticket, &mut ended);
        let line = self.lines.line(&connection.id);
        line.calls = line.calls.saturating_sub(1);
        line.answered = true;
        line.slow = timed_out(&ended.answer).unwrap_or(line.slow);
        at.out.notes.push(Note::Called {
            crm: connection.crm,
            result: result_name(&ended.answer),
            inputs: members.len(),
            took: ended.took,
        });
        self.note_end(at, &connection, (ended.id, &ended.answer));
        for member in &members {
            self.order.land(member.target.record, member.seq);
            self.dedupe.land(member.target.dedupe);
        }
        let replies = replies(ended.answer, members.len());
        for (member, reply) in members.into_iter().zip(replies) {
            self.conclude(at, (member, reply, ended.took));
        }
        self.lines.wake(&connection.id);
        self.lines.tidy(&connection.id);
    }

    fn conclude(&mut self, at: &mut Moment<'_>, (member, reply, took): (Box<Delivery>, MemberReply, Duration)) {
        let (record, seq, connection) = (member.target.record, member.seq, member.target.connection.id.clone());
        match reply {
            MemberReply::Again => return self.make_ready(member),
            MemberReply::Smaller => {
                let mut member = member;
                self.take_back(&mut member);
                member.level += 1;
                return self.make_ready(member);
            }
            MemberReply::Own(reply) => {
                if let Some((member, reply)) = self.learn(at, member, (reply, took)) {
                    self.take_reply(at, member, (reply, took));
                }
            }
        }
        self.next_of_record(at, (record, seq, connection));
    }

    fn take_reply(&mut self, at: &mut Moment<'_>, member: Box<Delivery>, (reply, took): (Reply, Duration)) {
        match reply {
            Reply::Applied { record_id, .. } => self.applied(at, (member, record_id)),
            Reply::Permanent(fault) => self.die(at, member, (fault, took, false)),
            Reply::Transient(fault) | Reply::Gone(fault) => self.fail(at, member, (fault, took)),
            Reply::Account(fault) => self.stand_back(at, member, (fault, took)),
        }
    }

    /// Records of other deliveries in memory with the same idempotency key: they end with this one.
    fn records_of_twins(&self, member: &Delivery) -> Vec<RecordHash> {
        let Some(line) = self.lines.get(&member.target.connection.id) else { return Vec::new() };
        let twins = self.dedupe.others(member.target.dedupe);
        twins.iter().filter_map(|seq| Some(line.ready.get(seq)?.target.record)).collect()
    }

    fn applied(&mut self, at: &mut Moment<'_>, (member, record_id): (Box<Delivery>, String)) {
        let (dedupe, seq) = (member.target.dedupe, member.seq);
        let connection = member.target.connection.id.clone();
        at.out.notes.push(Note::Synced {
            connection: Arc::clone(&member.target.connection),
            lag: at.now.since(member.job.occurred_at),
        });
        if !self.bug(Bug::KeepsAppliedToItself) {
            let key = StateKey::Applied(member.target.tenant, dedupe);
            self.building.puts.insert(key, Some(StateValue::Applied(AppliedMark { at: at.now, seq })));
        }
        self.dedupe.let_go(dedupe, seq);
        self.finish(at, member, (Outcome::Applied, Some(record_id), None, None));
        if self.bug(Bug::ForgetsApplied) {
            return;
        }
        for other in self.dedupe.others(dedupe) {
            if let Some(twin) = self.take_from_memory(&connection, other) {
                let ended = (twin.target.record, twin.seq, connection.clone());
                self.end(at, twin, Outcome::Duplicate, None);
                self.next_of_record(at, ended);
            }
        }
    }

    /// It failed for a passing reason: another try later, or none.
    pub(super) fn fail(&mut self, at: &mut Moment<'_>, mut member: Box<Delivery>, (fault, took): (Fault, Duration)) {
        let counted = member.attempt.next();
        let mut policy = self.settings.retry;
        policy.retries -= u32::from(self.bug(Bug::GivesUpEarly) && 0 < policy.retries);
        let next = policy.after(counted, at.now, fault.retry_after, self.dice.roll());
        match next {
            Next::Exhausted => self.die(at, member, (fault, took, true)),
            Next::Again { due, delay, tier } => {
                at.out
                    .notes
                    .push(Note::Retried { connection: Arc::clone(&member.target.connection), reason: fault.reason });
                member.attempt = counted;
                member.history.0.push(tried(&member, at.now, &fault, took, Some(delay)));
                let due = if self.bug(Bug::RetriesEarly) { due.before(Duration::from_secs(3)) } else { due };
                self.release_to(at, member, (Because::Retry, due, tier));
            }
        }
    }

    pub(super) fn die(
        &mut self,
        at: &mut Moment<'_>,
        mut member: Box<Delivery>,
        (fault, took, exhausted): (Fault, Duration, bool),
    ) {
        member.attempt = member.attempt.next();
        if !self.bug(Bug::CutsHistory) {
            member.history.0.push(tried(&member, at.now, &fault, took, None));
        }
        self.dedupe.let_go(member.target.dedupe, member.seq);
        self.building.bytes += member.original.size();
        self.bury_delivery(at.now, &member, (fault.reason, fault.code.clone(), fault.message, exhausted));
        self.finish(at, member, (Outcome::Dead, None, Some(fault.reason), fault.code));
    }

    /// Its mark and its dead letter: why, the CRM's own code, in words, and whether retries ran out.
    pub(super) fn bury_delivery(
        &mut self,
        now: Millis,
        delivery: &Delivery,
        (reason, code, what, exhausted): (Reason, Option<String>, String, bool),
    ) {
        let key = StateKey::Dead(delivery.seq, Some(delivery.target.connection.id.clone()));
        let mark = DeadMark { reason, code, at: now, rewinds: self.settled.rewinds() };
        self.building.puts.insert(key, Some(StateValue::Dead(mark)));
        self.building.dead.push(DeadLetter {
            topic: Topic::Jobs,
            offset: delivery.seq,
            original: Arc::clone(&delivery.original),
            reason,
            what,
            exhausted,
            delivery: Some(Box::new(delivery.clone())),
            refusals: 0,
        });
    }

    /// It ends without a call.
    pub(super) fn end(
        &mut self,
        at: &mut Moment<'_>,
        delivery: Box<Delivery>,
        outcome: Outcome,
        reason: Option<Reason>,
    ) {
        self.dedupe.let_go(delivery.target.dedupe, delivery.seq);
        self.finish(at, delivery, (outcome, None, reason, None));
    }

    fn finish(
        &mut self,
        at: &mut Moment<'_>,
        delivery: Box<Delivery>,
        (outcome, record_id, reason, code): (Outcome, Option<String>, Option<Reason>, Option<String>),
    ) {
        at.out.notes.push(Note::Ended { crm: Some(delivery.target.connection.crm), outcome });
        self.settle_delivery(&delivery);
        self.building.bytes += delivery.size();
        self.building.ended.push(Ended { delivery, outcome, at: at.now, record_id, reason, code });
    }

    pub(super) fn release(&mut self, at: &mut Moment<'_>, delivery: Box<Delivery>, because: Because, due: Millis) {
        let tier = tier_of(due.since(at.now));
        self.release_to(at, delivery, (because, due, tier));
    }

    /// To a delay topic; what of its record is in memory behind it must follow, or it would overtake.
    fn release_to(&mut self, at: &mut Moment<'_>, delivery: Box<Delivery>, to: (Because, Millis, Tier)) {
        let (record, seq) = (delivery.target.record, delivery.seq);
        let connection = delivery.target.connection.id.clone();
        self.release_one(at, delivery, to);
        for behind in self.order.ready_behind(record, seq) {
            if let Some(follower) = self.take_from_memory(&connection, behind) {
                self.put_back(at, follower);
            }
        }
    }

    pub(super) fn release_one(
        &mut self,
        at: &mut Moment<'_>,
        delivery: Box<Delivery>,
        (because, due, tier): (Because, Millis, Tier),
    ) {
        let (record, seq) = (delivery.target.record, delivery.seq);
        at.out.notes.push(Note::Waits { crm: delivery.target.connection.crm, because });
        self.dedupe.let_go(delivery.target.dedupe, seq);
        self.settle_delivery(&delivery);
        if !self.bug(Bug::ForgetsOnItsWay) {
            self.order.send_off(record, seq, because);
            self.lines.line(&delivery.target.connection.id).on_way += 1;
        }
        self.building.bytes += delivery.size();
        let since = delivery.since.unwrap_or(at.now);
        let due = estimate(because, at.now, due);
        self.building.released.push(Released { delivery, because, tier, due, since, refusals: 0 });
    }

    /// It is not first any more: back to the index where it still lies, or behind the other to a delay topic.
    pub(super) fn put_back(&mut self, at: &mut Moment<'_>, delivery: Box<Delivery>) {
        if delivery.waits.is_some() {
            self.dedupe.let_go(delivery.target.dedupe, delivery.seq);
        } else {
            self.release_one(at, delivery, (Because::Order, at.now, Tier::S5));
        }
    }

    /// The message that carries this delivery has its fate: settled once all of its deliveries have.
    pub(super) fn settle_delivery(&mut self, delivery: &Delivery) {
        match delivery.waits {
            Some(waits) => self.settle_waiting(delivery.key(), delivery.target.record, waits),
            None => self.settle_one_of_job(delivery.seq),
        }
    }

    /// A message of a delay topic has its fate: its entry leaves the index with the commit.
    pub(super) fn settle_waiting(&mut self, key: EntryKey, record: RecordHash, waits: Waits) {
        self.building.settled += 1;
        if !self.bug(Bug::ForgetsBits) {
            self.settled.settle(Topic::Delay(waits.place.tier), waits.place.offset);
        }
        self.gone.entry(record).or_default().insert(key.seq);
        self.lines.less_waits(&key.connection, waits);
        self.building.removed.insert(key, Removed { record, waits });
    }

    fn settle_one_of_job(&mut self, seq: Seq) {
        let Some(left) = self.unsettled.get_mut(&seq) else { return };
        *left -= 1;
        if *left == 0 {
            self.unsettled.remove(&seq);
            self.settle_job(seq);
        }
    }

    /// The next of the record may go: in memory by itself, from the index through its queue.
    pub(super) fn next_of_record(
        &mut self,
        at: &mut Moment<'_>,
        (record, ended, connection): (RecordHash, Seq, crate::model::ConnectionId),
    ) {
        self.refresh(record, &connection);
        let next = self.waiting_of(at.seen, record).find(|(seq, _)| *seq != ended);
        let Some((seq, timer)) = next else { return };
        if 0 < timer.0 || self.order.has_before(record, seq) {
            return;
        }
        at.out.index.push(IndexWrite::Queue(EntryKey { seq, connection: connection.clone() }, record));
        self.lines.lower_next(&connection, seq);
    }
}

/// What a call's end means for one of its members.
enum MemberReply {
    Own(Reply),
    /// It was not called after all: as if nothing had been.
    Again,
    /// The call was refused as a whole: again in a smaller one.
    Smaller,
}

fn replies(answer: Answer, members: usize) -> Vec<MemberReply> {
    match answer {
        Answer::Each(replies) => {
            let missing = std::iter::repeat_with(|| Reply::Transient(unanswered()));
            replies.into_iter().chain(missing).take(members).map(MemberReply::Own).collect()
        }
        Answer::Unsent => std::iter::repeat_with(|| MemberReply::Again).take(members).collect(),
        Answer::Refused(fault) if members == 1 => vec![MemberReply::Own(Reply::Permanent(fault))],
        Answer::Refused(_) => std::iter::repeat_with(|| MemberReply::Smaller).take(members).collect(),
        Answer::Failed(fault) => {
            let reply = || MemberReply::Own(Reply::Transient(fault.clone()));
            std::iter::repeat_with(reply).take(members).collect()
        }
    }
}

fn unanswered() -> Fault {
    Fault {
        reason: Reason::MalformedResponse,
        status: None,
        code: None,
        message: "the answer says nothing about this input".to_owned(),
        retry_after: None,
    }
}

pub(super) fn tried(member: &Delivery, now: Millis, fault: &Fault, took: Duration, delay: Option<Duration>) -> Tried {
    Tried {
        attempt: member.attempt,
        at: now,
        result: fault.reason.name().to_owned(),
        status: fault.status,
        code: fault.code.clone(),
        message: fault.message.clone(),
        took,
        delay,
        counted: true,
        dropped_before: 0,
    }
}

/// Whether the call ran into its deadline (`Some(true)`), or succeeded in any part (`Some(false)`).
fn timed_out(answer: &Answer) -> Option<bool> {
    match answer {
        Answer::Failed(fault) => (fault.reason == Reason::Timeout).then_some(true),
        Answer::Unsent => None,
        Answer::Refused(_) => Some(false),
        Answer::Each(replies) => replies.iter().any(|it| matches!(it, Reply::Applied { .. })).then_some(false),
    }
}

fn result_name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Unsent => "unsent",
        Answer::Failed(fault) | Answer::Refused(fault) => fault.reason.name(),
        Answer::Each(replies) => {
            let fault = replies.iter().find_map(|it| match it {
                Reply::Applied { .. } => None,
                Reply::Transient(fault) | Reply::Gone(fault) | Reply::Permanent(fault) | Reply::Account(fault) => {
                    Some(fault)
                }
            });
            fault.map_or("applied", |it| it.reason.name())
        }
    }
}

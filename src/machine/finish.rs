//! What an answer does to each delivery of a call (core rules §6), and what an end does to those behind it.
//! Not here: what an answer means (the connectors), when a retry is due (`retry`).

use crate::machine::fair::Line;
use crate::machine::step::estimate;
use crate::machine::{
    Bug, DeadLetter, Delivery, Ended, IndexWrite, Machine, Next, Note, Out, Released, Removed, Seen, Wants,
};
use crate::model::{
    Answer, AppliedMark, Because, CallEnded, CallId, DeadMark, EntryKey, Fault, Millis, Outcome, Reason, RecordHash,
    Reply, Seq, StateKey, StateValue, Tier, Topic, Tried,
};
use std::time::Duration;

impl Machine {
    pub(super) fn wants_of_call(&self, id: CallId, wants: &mut Wants) {
        let members = self.calls.get(&id).map(Vec::as_slice).unwrap_or_default();
        let waiting = |it: &&Box<Delivery>| self.lines.get(&it.target.connection.id).is_some_and(Line::has_waiting);
        wants.records.extend(members.iter().filter(waiting).map(|it| self.record_want(it.target.record)));
        wants.records.extend(members.iter().flat_map(|it| self.records_of_twins(it)).map(|it| self.record_want(it)));
    }

    pub(super) fn call_ended(&mut self, now: Millis, seen: &Seen, ended: CallEnded, out: &mut Out) {
        let Some(members) = self.calls.remove(&ended.id) else { return };
        let Some(first) = members.first() else { return };
        let connection = first.target.connection.clone();
        let line = self.lines.line(&connection.id);
        line.calls = line.calls.saturating_sub(1);
        line.answered = true;
        line.slow = timed_out(&ended.answer).unwrap_or(line.slow);
        out.notes.push(Note::Called {
            crm: connection.crm,
            result: result_name(&ended.answer),
            inputs: members.len(),
            took: ended.took,
        });
        for member in &members {
            self.order.land(member.target.record, member.seq);
            self.dedupe.land(member.target.dedupe);
        }
        let replies = replies(ended.answer, members.len());
        for (member, reply) in members.into_iter().zip(replies) {
            self.conclude(now, seen, (member, reply, ended.took), out);
        }
        self.lines.wake(&connection.id);
        self.lines.tidy(&connection.id);
    }

    fn conclude(
        &mut self,
        now: Millis,
        seen: &Seen,
        (member, reply, took): (Box<Delivery>, MemberReply, Duration),
        out: &mut Out,
    ) {
        let (record, seq, connection) = (member.target.record, member.seq, member.target.connection.id.clone());
        match reply {
            MemberReply::Smaller => {
                let mut member = member;
                member.level += 1;
                return self.make_ready(member);
            }
            MemberReply::Own(Reply::Applied { record_id, .. }) => self.applied(now, seen, (member, record_id), out),
            MemberReply::Own(Reply::Permanent(fault)) => self.die(now, member, (fault, took, false), out),
            MemberReply::Own(Reply::Transient(fault) | Reply::Account(fault)) => {
                self.fail(now, member, (fault, took), out);
            }
        }
        self.next_of_record(seen, (record, seq, connection), out);
    }

    /// Records of other deliveries in memory with the same idempotency key: they end with this one.
    fn records_of_twins(&self, member: &Delivery) -> Vec<RecordHash> {
        let Some(line) = self.lines.get(&member.target.connection.id) else { return Vec::new() };
        let twins = self.dedupe.others(member.target.dedupe);
        twins.iter().filter_map(|seq| Some(line.ready.get(seq)?.target.record)).collect()
    }

    fn applied(&mut self, now: Millis, seen: &Seen, (member, record_id): (Box<Delivery>, String), out: &mut Out) {
        let (dedupe, seq) = (member.target.dedupe, member.seq);
        let connection = member.target.connection.id.clone();
        out.notes.push(Note::Synced { crm: member.target.connection.crm, lag: now.since(member.job.occurred_at) });
        if !self.bug(Bug::KeepsAppliedToItself) {
            let key = StateKey::Applied(member.target.tenant, dedupe);
            self.building.puts.insert(key, Some(StateValue::Applied(AppliedMark { at: now, seq })));
        }
        self.dedupe.let_go(dedupe, seq);
        self.finish(now, member, (Outcome::Applied, Some(record_id), None, None), out);
        if self.bug(Bug::ForgetsApplied) {
            return;
        }
        for other in self.dedupe.others(dedupe) {
            if let Some(twin) = self.take_from_memory(&connection, other) {
                let ended = (twin.target.record, twin.seq, connection.clone());
                self.end(now, twin, Outcome::Duplicate, None, out);
                self.next_of_record(seen, ended, out);
            }
        }
    }

    /// It failed for a passing reason: another try later, or none.
    fn fail(&mut self, now: Millis, mut member: Box<Delivery>, (fault, took): (Fault, Duration), out: &mut Out) {
        let counted = member.attempt.next();
        let mut policy = self.settings.retry;
        policy.retries -= u32::from(self.bug(Bug::GivesUpEarly) && 0 < policy.retries);
        let next = policy.after(counted, now, fault.retry_after, self.dice.roll());
        match next {
            Next::Exhausted => self.die(now, member, (fault, took, true), out),
            Next::Again { due, delay, tier } => {
                out.notes.push(Note::Retried { crm: member.target.connection.crm, reason: fault.reason });
                member.attempt = counted;
                member.history.0.push(tried(&member, now, &fault, took, Some(delay)));
                let due = if self.bug(Bug::RetriesEarly) { due.before(Duration::from_secs(3)) } else { due };
                self.release_to(now, member, (Because::Retry, due, tier), out);
            }
        }
    }

    fn die(
        &mut self,
        now: Millis,
        mut member: Box<Delivery>,
        (fault, took, exhausted): (Fault, Duration, bool),
        out: &mut Out,
    ) {
        member.attempt = member.attempt.next();
        if !self.bug(Bug::CutsHistory) {
            member.history.0.push(tried(&member, now, &fault, took, None));
        }
        self.dedupe.let_go(member.target.dedupe, member.seq);
        let key = StateKey::Dead(member.seq, Some(member.target.connection.id.clone()));
        let mark =
            DeadMark { reason: fault.reason, code: fault.code.clone(), at: now, rewinds: self.settled.rewinds() };
        self.building.puts.insert(key, Some(StateValue::Dead(mark)));
        self.building.bytes += member.original.size();
        self.building.dead.push(DeadLetter {
            topic: Topic::Jobs,
            offset: member.seq,
            original: member.original.clone(),
            reason: fault.reason,
            what: fault.message.clone(),
            exhausted,
            delivery: Some(member.clone()),
        });
        self.finish(now, member, (Outcome::Dead, None, Some(fault.reason), fault.code), out);
    }

    /// It ends without a call.
    pub(super) fn end(
        &mut self,
        now: Millis,
        delivery: Box<Delivery>,
        outcome: Outcome,
        reason: Option<Reason>,
        out: &mut Out,
    ) {
        self.dedupe.let_go(delivery.target.dedupe, delivery.seq);
        self.finish(now, delivery, (outcome, None, reason, None), out);
    }

    fn finish(
        &mut self,
        now: Millis,
        delivery: Box<Delivery>,
        (outcome, record_id, reason, code): (Outcome, Option<String>, Option<Reason>, Option<String>),
        out: &mut Out,
    ) {
        out.notes.push(Note::Ended { crm: Some(delivery.target.connection.crm), outcome });
        self.settle_delivery(&delivery);
        self.building.bytes += 200;
        self.building.ended.push(Ended { delivery, outcome, at: now, record_id, reason, code });
    }

    pub(super) fn release(
        &mut self,
        now: Millis,
        delivery: Box<Delivery>,
        because: Because,
        due: Millis,
        out: &mut Out,
    ) {
        self.release_to(now, delivery, (because, due, Tier::S5), out);
    }

    /// To a delay topic; what of its record is in memory behind it must follow, or it would overtake.
    fn release_to(
        &mut self,
        now: Millis,
        delivery: Box<Delivery>,
        (because, due, tier): (Because, Millis, Tier),
        out: &mut Out,
    ) {
        let (record, seq) = (delivery.target.record, delivery.seq);
        let connection = delivery.target.connection.id.clone();
        out.notes.push(Note::Waits { crm: delivery.target.connection.crm, because });
        self.dedupe.let_go(delivery.target.dedupe, seq);
        self.settle_delivery(&delivery);
        if !self.bug(Bug::ForgetsOnItsWay) {
            self.order.send_off(record, seq, because);
        }
        self.building.bytes += delivery.original.size() + 500;
        let since = delivery.since.unwrap_or(now);
        let due = estimate(because, now, due);
        self.building.released.push(Released { delivery, because, tier, due, since });
        for behind in self.order.ready_behind(record, seq) {
            if let Some(follower) = self.take_from_memory(&connection, behind) {
                self.put_back(now, follower, out);
            }
        }
    }

    /// It is not first any more: back to the index where it still lies, or behind the other to a delay topic.
    pub(super) fn put_back(&mut self, now: Millis, delivery: Box<Delivery>, out: &mut Out) {
        if delivery.waits.is_some() {
            self.dedupe.let_go(delivery.target.dedupe, delivery.seq);
        } else {
            self.release(now, delivery, Because::Order, now, out);
        }
    }

    /// The message that carries this delivery has its fate: settled once all of its deliveries have.
    pub(super) fn settle_delivery(&mut self, delivery: &Delivery) {
        let Some(waits) = delivery.waits else { return self.settle_one_of_job(delivery.seq) };
        let (record, seq) = (delivery.target.record, delivery.seq);
        self.building.settled += 1;
        if !self.bug(Bug::ForgetsBits) {
            self.settled.settle(Topic::Delay(waits.place.tier), waits.place.offset);
        }
        self.gone.entry(record).or_default().insert(seq);
        self.building.removed.insert(delivery.key(), Removed { record, waits });
        self.lines.line(&delivery.target.connection.id).less_waits(waits.because);
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
        seen: &Seen,
        (record, ended, connection): (RecordHash, Seq, crate::model::ConnectionId),
        out: &mut Out,
    ) {
        self.refresh(record, &connection);
        let next = self.waiting_of(seen, record).find(|(seq, _)| *seq != ended);
        let Some((seq, timer)) = next else { return };
        if 0 < timer.0 || self.order.has_before(record, seq) {
            return;
        }
        out.index.push(IndexWrite::Queue(EntryKey { seq, connection: connection.clone() }));
        self.lines.line(&connection).lower_next(seq);
    }
}

/// What a call's end means for one of its members.
enum MemberReply {
    Own(Reply),
    /// The call was refused as a whole: again in a smaller one.
    Smaller,
}

fn replies(answer: Answer, members: usize) -> Vec<MemberReply> {
    match answer {
        Answer::Each(replies) => {
            let missing = std::iter::repeat_with(|| Reply::Transient(unanswered()));
            replies.into_iter().chain(missing).take(members).map(MemberReply::Own).collect()
        }
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

fn tried(member: &Delivery, now: Millis, fault: &Fault, took: Duration, delay: Option<Duration>) -> Tried {
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
        Answer::Refused(_) => Some(false),
        Answer::Each(replies) => replies.iter().any(|it| matches!(it, Reply::Applied { .. })).then_some(false),
    }
}

fn result_name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Failed(fault) | Answer::Refused(fault) => fault.reason.name(),
        Answer::Each(replies) => {
            let fault = replies.iter().find_map(|it| match it {
                Reply::Applied { .. } => None,
                Reply::Transient(fault) | Reply::Permanent(fault) | Reply::Account(fault) => Some(fault),
            });
            fault.map_or("applied", |it| it.reason.name())
        }
    }
}

//! One transaction as a client makes it: produce, send offsets, end; and everything that can go wrong between.
//! Not here: what the broker makes of it (`broker`).

use crate::broker::TxnFate;
use crate::faults::Point;
use crate::marks::Mark;
use crate::partition::TxnId;
use crate::world::{Action, Life, World};
use sluicegate::model::{Commit, Message, Millis, Offset, Outgoing, Shard, Topic};
use sluicegate::ports::{Culprit, Fate, LogEvent, LogFault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A commit under way.
#[derive(Clone, Debug)]
pub struct Pending {
    pub commit: Arc<Commit>,
    pub txn: Option<TxnId>,
    started: Millis,
    /// A shard of it was let go since: it must not come to pass, not even if the shard comes back meanwhile.
    pub void: bool,
}

/// The next thing a client does for its commit.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Produce,
    ProduceRest(usize),
    SendOffsets,
    End,
    Answer(Told),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Committed,
    Aborted,
    Unknown,
    Fenced,
    Refused(Culprit),
}

impl World {
    pub fn take_commit(&mut self, who: Life, commit: Arc<Commit>) {
        let client = &mut self.clients[who.slot];
        if client.pending.is_some() {
            return self.broken("PORT", format!("{who} handed in a commit while another is under way"));
        }
        if client.unsettled {
            return self.broken("PORT", format!("{who} handed in a commit before it settled the unknown one"));
        }
        let ours = commit.shards.keys().all(|it| client.owned.contains(it));
        client.pending = Some(Pending { commit, txn: None, started: self.now, void: false });
        self.plan_step(who, if ours { Step::Produce } else { Step::Answer(Told::Fenced) });
    }

    fn plan_step(&mut self, who: Life, step: Step) {
        let at = self.now.0 + self.dice.log.between(1, self.options.log.step_ms);
        self.agenda.plan(Millis(at), Action::Commit { who, step });
    }

    pub fn commit_step(&mut self, who: Life, step: Step) {
        let Some(pending) = self.clients[who.slot].pending.clone() else { return };
        match step {
            Step::Produce => self.begin(who, &pending),
            Step::ProduceRest(from) => self.produce_rest(who, &pending, from),
            Step::SendOffsets => self.send_offsets(who, &pending),
            Step::End => self.end(who, &pending),
            Step::Answer(told) => self.answer(who, &pending, told),
        }
    }

    fn begin(&mut self, who: Life, pending: &Pending) {
        if self.is_fenced(who) {
            return self.plan_step(who, Step::Answer(Told::Fenced));
        }
        if self.broker.producers[who.slot].current.is_some() {
            // CONCURRENT_TRANSACTIONS: the markers of the one before are still being written
            return self.agenda.plan(Millis(self.now.0 + 5), Action::Commit { who, step: Step::Produce });
        }
        let txn = self.broker.begin(Some(who.slot), Some(pending.commit.clone()), pending.started);
        if let Some(it) = self.clients[who.slot].pending.as_mut() {
            it.txn = Some(txn);
        }
        let patience = self.now.0 + self.options.log.transaction_ms;
        self.agenda.plan(Millis(patience), Action::TransactionTimeout(txn));
        let count = pending.commit.shards.values().map(|it| it.messages.len()).sum::<usize>();
        let split = self.dice.log.index(count + 1);
        self.produce(&pending.commit, txn, 0..split);
        self.point(who, Point::ProducedSome);
        self.plan_step(who, Step::ProduceRest(split));
    }

    fn produce_rest(&mut self, who: Life, pending: &Pending, from: usize) {
        let Some(txn) = self.still_open(who, pending) else { return };
        self.produce(&pending.commit, txn, from..usize::MAX);
        self.point(who, Point::Produced);
        if let Some(culprit) = self.too_large(&pending.commit) {
            return self.abort(who, txn, Told::Refused(culprit));
        }
        if self.faults_on && self.dice.fault.chance(self.options.log.abort) {
            return self.abort(who, txn, Told::Aborted);
        }
        self.plan_step(who, Step::SendOffsets);
    }

    /// The first message that its topic does not take.
    fn too_large(&self, commit: &Commit) -> Option<Culprit> {
        let log = &self.options.log;
        let max = |topic| match topic {
            Topic::Delay(_) => log.delay_max,
            Topic::Jobs => log.jobs_max,
            Topic::Dlq | Topic::State | Topic::Applied | Topic::Outcomes => usize::MAX,
        };
        commit.shards.iter().find_map(|(shard, part)| {
            let index = part.messages.iter().position(|it| max(it.topic) < it.size())?;
            Some(Culprit { shard: *shard, index })
        })
    }

    fn produce(&mut self, commit: &Commit, txn: TxnId, part: std::ops::Range<usize>) {
        let all = commit.shards.values().flat_map(|it| &it.messages);
        for outgoing in all.skip(part.start).take(part.end.saturating_sub(part.start)) {
            let message = self.message(outgoing);
            self.broker.append(outgoing.shard, outgoing.topic, message, Some(txn));
        }
    }

    fn message(&self, outgoing: &Outgoing) -> Message {
        Message {
            key: outgoing.key.clone(),
            value: outgoing.value.clone(),
            headers: outgoing.headers.clone(),
            timestamp: outgoing.timestamp.unwrap_or(self.now),
        }
    }

    /// The group coordinator knows members and generations, and fences an owner of yesterday here.
    fn send_offsets(&mut self, who: Life, pending: &Pending) {
        let Some(txn) = self.still_open(who, pending) else { return };
        let commit = &pending.commit;
        let unstable = commit.shards.keys().any(|it| self.broker.has_pending_offsets(*it));
        if pending.void || !commit.shards.keys().all(|it| self.group.is_owner(who, *it)) {
            self.marks.hit(Mark::CommitFencedByGroup);
            return self.abort(who, txn, Told::Fenced);
        }
        if unstable {
            return self.broken("SIM", format!("{who} owns a shard whose offsets are still pending"));
        }
        let offsets = commit.shards.iter().map(|it| (*it.0, it.1.group_offset)).collect();
        let transaction = &mut self.broker.transactions[txn.0];
        transaction.offsets = offsets;
        transaction.offsets_stable = false;
        self.point(who, Point::OffsetsSent);
        self.plan_step(who, Step::End);
    }

    fn end(&mut self, who: Life, pending: &Pending) {
        let Some(txn) = self.still_open(who, pending) else { return };
        if self.faults_on && self.dice.fault.chance(self.options.log.abort) {
            return self.abort(who, txn, Told::Aborted);
        }
        if self.faults_on && self.dice.fault.chance(self.options.log.unknown) {
            return self.lose_answer(who, txn);
        }
        self.point(who, Point::EndSent);
        self.decide(txn, TxnFate::Committed);
        self.point(who, Point::Committed);
        self.plan_step(who, Step::Answer(Told::Committed));
    }

    /// EndTxn went unanswered: it landed, it never will, or it is still on the wire.
    fn lose_answer(&mut self, who: Life, txn: TxnId) {
        let wait = self.dice.fault.spread(10, 6_000);
        match self.dice.fault.below(3) {
            0 => self.decide(txn, TxnFate::Committed),
            1 => {}
            _ => {
                let at = self.now.0 + self.dice.fault.spread(10, 12_000);
                self.agenda.plan(Millis(at), Action::LateEnd(txn));
            }
        }
        self.agenda.plan(Millis(self.now.0 + wait), Action::Commit { who, step: Step::Answer(Told::Unknown) });
    }

    fn abort(&mut self, who: Life, txn: TxnId, told: Told) {
        self.decide(txn, TxnFate::Aborted);
        self.plan_step(who, Step::Answer(told));
    }

    fn answer(&mut self, who: Life, pending: &Pending, told: Told) {
        let number = pending.commit.number;
        self.clients[who.slot].pending = None;
        self.trace(|| format!("{who}: commit {} is {told:?}", number.0));
        let fault = |what: &str| LogFault { what: what.to_owned() };
        let fate = match told {
            Told::Committed => {
                self.processes[who.slot].view.shards.values_mut().for_each(|it| it.refused.clear());
                Fate::Committed { ends: self.ends(pending.txn.unwrap()) }
            }
            Told::Aborted => Fate::Aborted(fault("the simulated broker undid it")),
            Told::Unknown => {
                self.clients[who.slot].unsettled = true;
                Fate::Unknown(fault("the simulated broker did not answer"))
            }
            Told::Fenced => Fate::Fenced(fault("another owner has taken over")),
            Told::Refused(culprit) => {
                self.note_refused(who, &pending.commit, culprit);
                Fate::Refused { fault: fault("a message is too large for its topic"), culprit: Some(culprit) }
            }
        };
        self.tell(who, LogEvent::CommitEnded { number, fate });
        if told == Told::Fenced {
            // the loop ends by this; a new life joins
            self.marks.hit(Mark::CommitFenced);
        }
    }

    /// Refused for the third time, a delivery is over.
    fn note_refused(&mut self, who: Life, commit: &Commit, culprit: Culprit) {
        let outgoing = &commit.shards[&culprit.shard].messages[culprit.index];
        let Topic::Delay(_) = outgoing.topic else { return };
        let letter = crate::decode::letter(&self.message(outgoing)).unwrap();
        let Some(del) = self.del_of(culprit.shard, &letter) else { return };
        let Some(view) = self.processes[who.slot].view.shards.get_mut(&culprit.shard) else { return };
        let times = view.refused.entry(del).or_default();
        *times += 1;
        if *times == 3 {
            view.ended.insert(del);
        }
    }

    /// The client lost everything while a commit was under way: it is undone, and its loop is told.
    pub fn fence_pending(&mut self, who: Life, pending: &Pending) {
        self.marks.hit(Mark::CommitFenced);
        let number = pending.commit.number;
        let fate = Fate::Fenced(LogFault { what: "the group expelled this process".to_owned() });
        self.tell(who, LogEvent::CommitEnded { number, fate });
    }

    /// Behind the last message of this transaction in each changelog: its control record is still below what follows.
    fn ends(&self, txn: TxnId) -> BTreeMap<(Shard, Topic), Offset> {
        let written = self.broker.transaction(txn).written.iter();
        let changelogs = written.filter(|it| it.1 == Topic::State || it.1 == Topic::Applied);
        changelogs.map(|it| ((it.0, it.1), Offset(it.2.0 + 1))).collect()
    }

    fn is_fenced(&self, who: Life) -> bool {
        self.broker.producers[who.slot].epoch != self.clients[who.slot].epoch
    }

    fn still_open(&mut self, who: Life, pending: &Pending) -> Option<TxnId> {
        let txn = pending.txn.filter(|it| self.broker.transaction(*it).fate == TxnFate::Open && !self.is_fenced(who));
        if txn.is_none() {
            self.plan_step(who, Step::Answer(Told::Fenced));
        }
        txn
    }

    /// `Log::settle`: a new producer settles the old transaction, then the changelog tells.
    pub fn settle(&mut self, who: Life, shard: Shard, from: Offset) {
        self.clients[who.slot].epoch = self.init_producer(who.slot);
        let until = self.broker.partition(shard, Topic::State).end();
        self.settle_read(who, shard, from, until);
    }

    pub fn settle_read(&mut self, who: Life, shard: Shard, from: Offset, until: Offset) {
        let settled = self.broker.producers[who.slot].current.is_none();
        let partition = self.broker.partition(shard, Topic::State);
        if !settled || partition.stable() < until {
            let until = partition.end();
            let again = Action::SettleRead { who, shard, from, until };
            return self.agenda.plan(Millis(self.now.0 + 10), again);
        }
        let (messages, _) = partition.read(from, usize::MAX);
        self.clients[who.slot].unsettled = false;
        self.note_settled(who.slot);
        self.tell(who, LogEvent::Tail { shard, messages });
    }

    fn note_settled(&mut self, slot: usize) {
        let last = self.broker.transactions.iter().rev().find(|it| it.slot == Some(slot));
        match last.map(|it| it.fate) {
            Some(TxnFate::Committed) => self.marks.hit(Mark::UnknownWasCommitted),
            Some(TxnFate::Aborted) => self.marks.hit(Mark::UnknownWasAborted),
            Some(TxnFate::Open) | None => {}
        }
    }
}

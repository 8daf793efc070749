//! Promise 6, nothing waits unseen: the waiting index of core rules §3, what is filed in it, and what comes out.
//! Not here: its keys and its disk; that a message is settled (`settle`).

use crate::machine::input::RecordWant;
use crate::machine::moment::Moment;
use crate::machine::{Delivery, Head, IndexWrite, Machine, Note, Seen, WaitingContent, WaitingRead, Waits, Wants};
use crate::model::{
    Because, ConnectionId, Entry, EntryKey, Millis, Offset, Outcome, Place, Reason, RecordHash, Seq, Tier, Topic,
};
use std::collections::{BTreeMap, BTreeSet};

/// What one round of filing has put into the index, which the store does not show yet.
type Filed = BTreeMap<RecordHash, BTreeSet<Seq>>;

impl Machine {
    /// Wants so much of each record that, whatever of it ends in one step, what is next can be seen: one more than
    /// has ended, may end now (each mention of a record is one that may), or is in flight.
    pub(super) fn want_records(&self, records: impl Iterator<Item = RecordHash>, wants: &mut Wants) {
        let mut ends: BTreeMap<RecordHash, usize> = BTreeMap::new();
        for record in records {
            *ends.entry(record).or_default() += 1;
        }
        let gone = |record: RecordHash| self.gone.get(&record).map_or(0, BTreeSet::len);
        let want = |(record, ends)| RecordWant { record, limit: 2 + gone(record) + ends };
        wants.records.extend(ends.into_iter().map(want));
    }

    /// What waits of the record in the index, lowest first, without what has ended; each with its timer's end.
    pub(super) fn waiting_of<'a>(
        &'a self,
        seen: &'a Seen,
        record: RecordHash,
    ) -> impl Iterator<Item = (Seq, Millis)> + 'a {
        let waiting = seen.records.get(&record).map(Vec::as_slice).unwrap_or_default();
        waiting.iter().copied().filter(move |(seq, _)| !self.is_gone(record, *seq))
    }

    pub(super) fn is_gone(&self, record: RecordHash, seq: Seq) -> bool {
        self.gone.get(&record).is_some_and(|it| it.contains(&seq))
    }

    pub(super) fn wants_of_waiting(&self, messages: &[WaitingRead], wants: &mut Wants) {
        let entries = messages.iter().filter_map(|it| match &it.content {
            WaitingContent::Entry(entry) => Some(entry),
            WaitingContent::Command(_) | WaitingContent::Strange { .. } => None,
        });
        wants.entries.extend(entries.clone().map(|it| it.key.clone()));
        self.want_records(entries.map(|it| it.record), wants);
    }

    /// Files messages of a delay topic in the order they lie there.
    pub(super) fn file_all(
        &mut self,
        at: &mut Moment<'_>,
        (tier, messages, position): (Tier, Vec<WaitingRead>, Offset),
    ) {
        let topic = Topic::Delay(tier);
        let mut filed = Filed::new();
        let settled_before = self.building.settled;
        for WaitingRead { offset, content } in messages {
            if self.settled.is_settled(topic, offset) || offset < self.settled.here(topic) {
                continue;
            }
            match content {
                WaitingContent::Entry(entry) => self.file(at, *entry, &mut filed),
                WaitingContent::Command(command) => {
                    self.obey(at, *command);
                    self.building.settled += 1;
                    self.settled.settle(topic, offset);
                }
                WaitingContent::Strange { message, what } => {
                    at.out.notes.push(Note::Strange { topic, offset });
                    self.bury_message(at, (topic, offset), message, (Reason::InvalidJob, what));
                    self.building.settled += 1;
                    self.settled.settle(topic, offset);
                }
            }
        }
        self.settled.reach(topic, position);
        if settled_before < self.building.settled || self.has_uncommitted_read(tier) {
            self.building.reads.insert(tier, position);
        } else {
            at.out.index.push(IndexWrite::Read(tier, position));
        }
    }

    /// Whether a message of this topic was settled without being filed, and no commit has said so yet.
    fn has_uncommitted_read(&self, tier: Tier) -> bool {
        let flying = self.flying.as_ref().is_some_and(|it| it.reads.contains_key(&tier));
        flying || self.building.reads.contains_key(&tier)
    }

    fn file(&mut self, at: &mut Moment<'_>, entry: Entry, filed: &mut Filed) {
        let (record, seq, connection) = (entry.record, entry.key.seq, entry.key.connection.clone());
        let known = at.seen.entries.get(&entry.key);
        let twice = filed.get(&record).is_some_and(|it| it.contains(&seq));
        let replaces = match known {
            // The very message, read again after a crash before its position was noted.
            Some(old) if old.waits.place == entry.place => return,
            _ if twice => return self.settle_double(entry.place),
            // The one with more attempts stays, unless its call will tell anyway.
            Some(old) if self.order.in_flight(record) == Some(seq) || entry.attempt <= old.attempt => {
                return self.settle_double(entry.place);
            }
            Some(old) => {
                if let Some(loaded) = self.take_from_memory(&connection, seq) {
                    self.dedupe.let_go(loaded.target.dedupe, seq);
                }
                self.settle_double(old.waits.place);
                Some(old.waits)
            }
            None => None,
        };
        if self.order.arrive(record, seq) {
            let line = self.lines.line(&connection);
            line.on_way = line.on_way.saturating_sub(1);
        }
        let behind = self.waiting_of(at.seen, record).any(|(waiting, _)| waiting < seq)
            || filed.get(&record).is_some_and(|it| it.first().is_some_and(|first| *first < seq))
            || self.order.has_before(record, seq);
        let runs = entry.because == Because::Retry && at.now < entry.due;
        let timer = if runs { entry.due } else { Millis(0) };
        let waits = Waits::of(&entry, timer);
        if let Some(old) = replaces {
            self.lines.less_waits(&connection, old);
        }
        self.lines.more_wait(&connection, entry.because, (1, u64::from(waits.size)));
        let queued = !behind && !runs;
        if queued {
            self.lines.lower_next(&connection, seq);
        }
        filed.entry(record).or_default().insert(seq);
        at.out.index.push(IndexWrite::File { entry: Box::new(entry), waits, queued, replaces });
        for later in self.order.ready_behind(record, seq) {
            if let Some(delivery) = self.take_from_memory(&connection, later) {
                self.put_back(at, delivery);
            }
        }
        self.refresh(record, &connection);
    }

    /// A second message of a waiting delivery: only one of them counts.
    fn settle_double(&mut self, place: Place) {
        self.building.settled += 1;
        self.settled.settle(Topic::Delay(place.tier), place.offset);
    }

    pub(super) fn is_in_memory(&self, connection: &ConnectionId, record: RecordHash, seq: Seq) -> bool {
        let ready = self.lines.get(connection).is_some_and(|it| it.ready.contains_key(&seq));
        ready || self.order.in_flight(record) == Some(seq)
    }

    /// A retry may run: now if it is the first of its record, else when its turn comes.
    pub(super) fn timer_ended(&mut self, at: &mut Moment<'_>, due: Millis, (key, record): (EntryKey, RecordHash)) {
        at.out.index.push(IndexWrite::TimerGone(due, key.clone(), record));
        let first = self.waiting_of(at.seen, record).next().is_some_and(|(seq, _)| seq == key.seq);
        if first && !self.order.has_before(record, key.seq) {
            self.lines.lower_next(&key.connection, key.seq);
            at.out.index.push(IndexWrite::Queue(key, record));
        }
    }

    pub(super) fn wants_of_heads(&self, connection: &ConnectionId, heads: &[Head], wants: &mut Wants) {
        let fresh = || heads.iter().filter(|it| !self.is_loaded(connection, it));
        wants.applied.extend(fresh().map(|it| (it.target.tenant, it.target.dedupe)));
        self.want_records(fresh().map(|it| it.target.record), wants);
        fresh().for_each(|it| Self::want_ref(&it.target, &it.job.change, wants));
    }

    fn is_loaded(&self, connection: &ConnectionId, head: &Head) -> bool {
        let record = head.target.record;
        self.is_gone(record, head.seq) || self.is_in_memory(connection, record, head.seq)
    }

    /// A head comes from the index into memory, if it still is one.
    pub(super) fn load(&mut self, at: &mut Moment<'_>, head: Head) {
        let (record, seq, connection) = (head.target.record, head.seq, head.target.connection.id.clone());
        if self.is_loaded(&connection, &head) {
            return;
        }
        let first = self.waiting_of(at.seen, record).next().is_some_and(|(waiting, _)| waiting == seq);
        if !first || self.order.has_before(record, seq) || self.order.in_flight(record).is_some() {
            return;
        }
        let delivery = Box::new(Delivery::waiting(head));
        if self.is_applied(at, &delivery) {
            self.end(at, delivery, Outcome::Duplicate, None);
            self.next_of_record(at, (record, seq, connection));
            return;
        }
        match self.know_record(at, delivery) {
            Some(delivery) => self.make_ready(delivery),
            None => self.next_of_record(at, (record, seq, connection)),
        }
    }
}

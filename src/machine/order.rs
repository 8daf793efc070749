//! Promise 5, in order per record: who is first of a record, and who must let whom go first.
//! Not here: the waiting deliveries on disk; the step brings in the first of them.
//!
//! A record has a lane while anything of it is in memory: in flight, ready, or on its way to a delay topic.
//! Only the lowest `seq` of all that waits, is on its way or is in memory is called, and never two at once.
//! Lanes are ranges of flat sets: nearly every record has one delivery in memory, and there are tens of thousands.

use crate::model::{Because, Offset, RecordHash, Seq};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Order {
    in_flight: BTreeMap<RecordHash, Seq>,
    ready: BTreeSet<(RecordHash, Seq)>,
    /// How many are ready beyond the first; only of records with more than one, and never 0.
    crowds: BTreeMap<RecordHash, u64>,
    /// Released and not read back: nothing may overtake it.
    on_way: BTreeMap<(RecordHash, Seq), Because>,
    /// Of `on_way`, by why they wait.
    counts: BTreeMap<Because, u64>,
}

const FIRST: Seq = Offset(0);
const LAST: Seq = Offset(u64::MAX);

impl Order {
    pub(super) fn make_ready(&mut self, record: RecordHash, seq: Seq) {
        let crowded = self.first_ready(record).is_some();
        if self.ready.insert((record, seq)) && crowded {
            *self.crowds.entry(record).or_default() += 1;
        }
    }

    /// It is no longer in memory, for whatever reason.
    pub(super) fn drop_ready(&mut self, record: RecordHash, seq: Seq) {
        if !self.ready.remove(&(record, seq)) {
            return;
        }
        if let Entry::Occupied(mut crowd) = self.crowds.entry(record) {
            *crowd.get_mut() -= 1;
            if *crowd.get() == 0 {
                crowd.remove();
            }
        }
    }

    pub(super) fn take_off(&mut self, record: RecordHash, seq: Seq) {
        self.drop_ready(record, seq);
        self.in_flight.insert(record, seq);
    }

    pub(super) fn land(&mut self, record: RecordHash, seq: Seq) {
        if self.in_flight(record) == Some(seq) {
            self.in_flight.remove(&record);
        }
    }

    pub(super) fn send_off(&mut self, record: RecordHash, seq: Seq, because: Because) {
        self.arrive(record, seq);
        self.on_way.insert((record, seq), because);
        *self.counts.entry(because).or_default() += 1;
    }

    /// It was read back from its delay topic, or never will be. Whether it was on its way.
    pub(super) fn arrive(&mut self, record: RecordHash, seq: Seq) -> bool {
        let arrived = self.on_way.remove(&(record, seq));
        if let Some(count) = arrived.and_then(|because| self.counts.get_mut(&because)) {
            *count -= 1;
        }
        arrived.is_some()
    }

    /// How many of the record are ready.
    pub(super) fn ready_count(&self, record: RecordHash) -> u64 {
        let crowd = self.crowds.get(&record).copied().unwrap_or_default();
        u64::from(self.first_ready(record).is_some()) + crowd
    }

    pub(super) fn is_on_way(&self, record: RecordHash, seq: Seq) -> bool {
        self.on_way.contains_key(&(record, seq))
    }

    pub(super) fn in_flight(&self, record: RecordHash) -> Option<Seq> {
        self.in_flight.get(&record).copied()
    }

    /// Whether something of the record that comes before `seq` is on its way.
    pub(super) fn on_way_before(&self, record: RecordHash, seq: Seq) -> bool {
        self.first_on_way(record).is_some_and(|first| first < seq)
    }

    /// Whether anything of the record in memory comes before `seq`.
    pub(super) fn has_before(&self, record: RecordHash, seq: Seq) -> bool {
        self.first(record).is_some_and(|first| first < seq)
    }

    /// Whether `seq` may be called as far as memory knows: it is the first, and none of its record is in flight.
    pub(super) fn may_go(&self, record: RecordHash, seq: Seq) -> bool {
        self.in_flight(record).is_none() && self.first(record) == Some(seq)
    }

    /// The lowest of the record that is ready.
    pub(super) fn first_ready(&self, record: RecordHash) -> Option<Seq> {
        self.ready.range((record, FIRST)..=(record, LAST)).next().map(|(_, seq)| *seq)
    }

    /// What of the record is ready behind `seq`, in order.
    pub(super) fn ready_behind(&self, record: RecordHash, seq: Seq) -> Vec<Seq> {
        use std::ops::Bound::{Excluded, Included};
        let behind = self.ready.range((Excluded((record, seq)), Included((record, LAST))));
        behind.map(|(_, seq)| *seq).collect()
    }

    /// What of the record is ready, in order.
    pub(super) fn ready(&self, record: RecordHash) -> Vec<Seq> {
        self.ready.range((record, FIRST)..=(record, LAST)).map(|(_, seq)| *seq).collect()
    }

    /// Released and not read back, over all records.
    pub(super) fn on_way(&self) -> &BTreeMap<Because, u64> {
        &self.counts
    }

    fn first_on_way(&self, record: RecordHash) -> Option<Seq> {
        self.on_way.range((record, FIRST)..=(record, LAST)).next().map(|((_, seq), _)| *seq)
    }

    fn first(&self, record: RecordHash) -> Option<Seq> {
        [self.in_flight(record), self.first_ready(record), self.first_on_way(record)].into_iter().flatten().min()
    }
}

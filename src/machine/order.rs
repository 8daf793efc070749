//! Promise 5, in order per record: who is first of a record, and who must let whom go first.
//! Not here: the waiting deliveries on disk; the step brings in the first of them.
//!
//! A record has a lane while anything of it is in memory: in flight, ready, or on its way to a delay topic.
//! Only the lowest `seq` of all that waits, is on its way or is in memory is called, and never two at once.

use crate::model::{Because, RecordHash, Seq};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Order {
    lanes: BTreeMap<RecordHash, Lane>,
    on_way: BTreeMap<Because, u64>,
}

#[derive(Debug, Default)]
struct Lane {
    in_flight: Option<Seq>,
    ready: BTreeSet<Seq>,
    /// Released and not read back: nothing may overtake it.
    on_way: BTreeMap<Seq, Because>,
}

impl Order {
    pub(super) fn make_ready(&mut self, record: RecordHash, seq: Seq) {
        self.lanes.entry(record).or_default().ready.insert(seq);
    }

    /// It is no longer in memory, for whatever reason.
    pub(super) fn drop_ready(&mut self, record: RecordHash, seq: Seq) {
        self.change(record, |lane| {
            lane.ready.remove(&seq);
        });
    }

    pub(super) fn take_off(&mut self, record: RecordHash, seq: Seq) {
        let lane = self.lanes.entry(record).or_default();
        lane.ready.remove(&seq);
        lane.in_flight = Some(seq);
    }

    pub(super) fn land(&mut self, record: RecordHash, seq: Seq) {
        self.change(record, |lane| {
            if lane.in_flight == Some(seq) {
                lane.in_flight = None;
            }
        });
    }

    pub(super) fn send_off(&mut self, record: RecordHash, seq: Seq, because: Because) {
        self.arrive(record, seq);
        self.lanes.entry(record).or_default().on_way.insert(seq, because);
        *self.on_way.entry(because).or_default() += 1;
    }

    /// It was read back from its delay topic, or never will be. Whether it was on its way.
    pub(super) fn arrive(&mut self, record: RecordHash, seq: Seq) -> bool {
        let mut arrived = None;
        self.change(record, |lane| arrived = lane.on_way.remove(&seq));
        if let Some(count) = arrived.and_then(|because| self.on_way.get_mut(&because)) {
            *count -= 1;
        }
        arrived.is_some()
    }

    /// How many of the record are ready.
    pub(super) fn ready_count(&self, record: RecordHash) -> u64 {
        self.lanes.get(&record).map_or(0, |it| u64::try_from(it.ready.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn is_on_way(&self, record: RecordHash, seq: Seq) -> bool {
        self.lanes.get(&record).is_some_and(|it| it.on_way.contains_key(&seq))
    }

    pub(super) fn in_flight(&self, record: RecordHash) -> Option<Seq> {
        self.lanes.get(&record)?.in_flight
    }

    /// Whether something of the record that comes before `seq` is on its way.
    pub(super) fn on_way_before(&self, record: RecordHash, seq: Seq) -> bool {
        self.lanes.get(&record).is_some_and(|it| it.on_way.first_key_value().is_some_and(|(first, _)| *first < seq))
    }

    /// Whether anything of the record in memory comes before `seq`.
    pub(super) fn has_before(&self, record: RecordHash, seq: Seq) -> bool {
        self.lanes.get(&record).is_some_and(|it| it.first().is_some_and(|first| first < seq))
    }

    /// Whether `seq` may be called as far as memory knows: it is the first, and none of its record is in flight.
    pub(super) fn may_go(&self, record: RecordHash, seq: Seq) -> bool {
        self.lanes.get(&record).is_some_and(|it| it.in_flight.is_none() && it.first() == Some(seq))
    }

    /// The lowest of the record that is ready.
    pub(super) fn first_ready(&self, record: RecordHash) -> Option<Seq> {
        self.lanes.get(&record)?.ready.first().copied()
    }

    /// What of the record is ready behind `seq`, in order.
    pub(super) fn ready_behind(&self, record: RecordHash, seq: Seq) -> Vec<Seq> {
        use std::ops::Bound::{Excluded, Unbounded};
        let lane = self.lanes.get(&record);
        lane.map(|it| it.ready.range((Excluded(seq), Unbounded)).copied().collect()).unwrap_or_default()
    }

    /// What of the record is ready, in order.
    pub(super) fn ready(&self, record: RecordHash) -> Vec<Seq> {
        self.lanes.get(&record).map(|it| it.ready.iter().copied().collect()).unwrap_or_default()
    }

    /// Released and not read back, over all records.
    pub(super) fn on_way(&self) -> &BTreeMap<Because, u64> {
        &self.on_way
    }

    fn change(&mut self, record: RecordHash, with: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lanes.get_mut(&record) {
            with(lane);
            if lane.is_empty() {
                self.lanes.remove(&record);
            }
        }
    }
}

impl Lane {
    fn first(&self) -> Option<Seq> {
        let places = [self.in_flight, self.ready.first().copied(), self.on_way.first_key_value().map(|(seq, _)| *seq)];
        places.into_iter().flatten().min()
    }

    fn is_empty(&self) -> bool {
        self.in_flight.is_none() && self.ready.is_empty() && self.on_way.is_empty()
    }
}

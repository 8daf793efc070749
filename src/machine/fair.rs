//! Promise 4, one tenant never slows another: a line of deliveries per connection, and the ring they take turns in.
//! Not here: which deliveries of a line may go (`order`), how they are grouped (`batch`).

use crate::machine::Delivery;
use crate::model::{Because, ConnectionId, Seq};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<ConnectionId, Line>,
    /// Who may have something to call; each at most once.
    ring: VecDeque<ConnectionId>,
    /// Left the ring because `jobs` has not been read far enough.
    stalled: BTreeSet<ConnectionId>,
}

/// What of one connection is in memory, and where its queue on disk goes on.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub ready: BTreeMap<Seq, Box<Delivery>>,
    /// The ready ones that are first of their record.
    pub callable: BTreeSet<Seq>,
    /// Bytes of `ready`.
    pub bytes: usize,
    /// Calls out.
    pub calls: usize,
    /// An answer came since the last call was sent.
    pub answered: bool,
    /// The last call ran into its deadline: one call at a time until one succeeds.
    pub slow: bool,
    /// Where the queue on disk is read next; absent: nothing there.
    pub next: Option<Seq>,
    /// Entries in the waiting index, by why they wait.
    pub waiting: BTreeMap<Because, u64>,
    in_ring: bool,
}

impl Lines {
    pub(super) fn get(&self, id: &ConnectionId) -> Option<&Line> {
        self.lines.get(id)
    }

    pub(super) fn line(&mut self, id: &ConnectionId) -> &mut Line {
        self.lines.entry(id.clone()).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ConnectionId, &Line)> {
        self.lines.iter()
    }

    /// The connection may have something to call now.
    pub(super) fn wake(&mut self, id: &ConnectionId) {
        let line = self.line(id);
        if !line.in_ring && !line.callable.is_empty() {
            line.in_ring = true;
            self.ring.push_back(id.clone());
        }
    }

    /// The connection has something to call once `jobs` has been read further.
    pub(super) fn stall(&mut self, id: &ConnectionId) {
        self.stalled.insert(id.clone());
    }

    pub(super) fn wake_stalled(&mut self) {
        for id in std::mem::take(&mut self.stalled) {
            self.wake(&id);
        }
    }

    /// Whose turn it is; it has left the ring.
    pub(super) fn turn(&mut self) -> Option<ConnectionId> {
        let id = self.ring.pop_front()?;
        self.line(&id).in_ring = false;
        Some(id)
    }

    /// Bytes of all deliveries in memory that are not in flight.
    pub(super) fn bytes(&self) -> usize {
        self.lines.values().map(|it| it.bytes).sum()
    }

    /// A line that holds nothing is forgotten.
    pub(super) fn tidy(&mut self, id: &ConnectionId) {
        if self.lines.get(id).is_some_and(Line::is_idle) {
            self.lines.remove(id);
        }
    }
}

impl Line {
    pub(super) fn insert(&mut self, delivery: Box<Delivery>) {
        self.bytes += delivery.size();
        self.ready.insert(delivery.seq, delivery);
    }

    pub(super) fn remove(&mut self, seq: Seq) -> Option<Box<Delivery>> {
        let delivery = self.ready.remove(&seq)?;
        self.callable.remove(&seq);
        self.bytes -= delivery.size();
        Some(delivery)
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.waiting.values().any(|it| 0 < *it)
    }

    /// An entry was filed.
    pub(super) fn more_waits(&mut self, because: Because) {
        *self.waiting.entry(because).or_default() += 1;
    }

    /// An entry has ended.
    pub(super) fn less_waits(&mut self, because: Because) {
        let count = self.waiting.entry(because).or_default();
        *count = count.saturating_sub(1);
    }

    /// The queue on disk has something at `seq`.
    pub(super) fn lower_next(&mut self, seq: Seq) {
        self.next = Some(self.next.map_or(seq, |it| it.min(seq)));
    }

    fn is_idle(&self) -> bool {
        self.ready.is_empty()
            && self.calls == 0
            && !self.has_waiting()
            && self.next.is_none()
            && !self.in_ring
            && !self.slow
    }
}

//! When units were spent, in slots of a 128th of the window: each counts until one window after its slot's end.
//! Not here: what else a window holds back (`bucket`).

use crate::model::{Millis, Spent};
use std::time::Duration;

/// Slots in one window.
const SLOTS: u64 = 128;
/// One more than in a window: the oldest counts to its end.
const RING: usize = 129;
/// Slots that the changelog keeps as one: 16 of them in a window.
const COARSE: u64 = 8;

/// The last window's spending. Rolled on when it is looked at; nothing is allocated while nothing is spent.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    per: u64,
    /// The slot of the last look.
    head: u64,
    sum: u32,
    /// Slot `n` lies at `n % 129`.
    counts: Option<Box<[u32; RING]>>,
}

impl Slots {
    pub(super) fn new(per: Duration, now: Millis) -> Self {
        let per = u64::try_from(per.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut slots = Self { per, head: 0, sum: 0, counts: None };
        slots.head = slots.index(now);
        slots
    }

    /// How long one slot is, rounded up.
    pub(super) fn width(&self) -> Duration {
        Duration::from_millis(self.per.div_ceil(SLOTS))
    }

    /// Units spent that still count.
    pub(super) fn sum(&self) -> u32 {
        self.sum
    }

    /// What is older than a window no longer counts. A clock that goes back changes nothing.
    pub(super) fn roll(&mut self, now: Millis) {
        let index = self.index(now);
        if index <= self.head {
            return;
        }
        let first = self.head.saturating_add(1).max(index.saturating_sub(SLOTS));
        if self.sum != 0 {
            for slot in first..=index {
                self.sum -= self.take(slot);
            }
        }
        self.head = index;
        self.forget_if_empty();
    }

    /// Spends at the moment of the last look or before it; what would no longer count is nothing.
    pub(super) fn add(&mut self, at: Millis, units: u32) {
        let slot = self.index(at).min(self.head);
        if units == 0 || slot.saturating_add(SLOTS) < self.head {
            return;
        }
        let counts = self.counts.get_or_insert_with(|| Box::new([0; RING]));
        if let Some(count) = counts.get_mut(place(slot)) {
            let room = u32::MAX - self.sum;
            *count += units.min(room);
            self.sum += units.min(room);
        }
    }

    /// The window was reset: what was spent in slots that ended by then no longer counts.
    pub(super) fn clear_before(&mut self, at: Millis) {
        let end = self.index(at).min(self.head);
        for slot in self.oldest()..end {
            self.sum -= self.take(slot);
        }
        self.forget_if_empty();
    }

    /// Units that will count no longer at `at`, without any reset.
    pub(super) fn free_by(&self, at: Millis) -> u32 {
        let lapsed = self.index(at).saturating_sub(SLOTS);
        (self.oldest()..lapsed.min(self.head.saturating_add(1))).map(|slot| self.count(slot)).sum()
    }

    /// Units of the last `slots` slots.
    pub(super) fn latest(&self, slots: u64) -> u32 {
        let first = self.head.saturating_sub(slots.saturating_sub(1)).max(self.oldest());
        (first..=self.head).map(|slot| self.count(slot)).sum()
    }

    /// When slots give their units back, the earliest first, with how much each does.
    pub(super) fn returns(&self) -> impl Iterator<Item = (Millis, u32)> + '_ {
        let slots = self.counts.is_some().then(|| self.oldest()..=self.head);
        let spent = slots.into_iter().flatten().map(|slot| (slot, self.count(slot))).filter(|(_, units)| 0 < *units);
        spent.map(|(slot, units)| (self.start(slot.saturating_add(SLOTS).saturating_add(1)), units))
    }

    /// What was spent, oldest first, in at most 17 pieces, each at its latest moment.
    pub(super) fn spent(&self) -> Vec<Spent> {
        let mut pieces: Vec<Spent> = Vec::new();
        if self.counts.is_none() {
            return pieces;
        }
        let mut coarse = None;
        for slot in self.oldest()..=self.head {
            let units = self.count(slot);
            if units == 0 {
                continue;
            }
            let at = Millis(self.start(slot.saturating_add(1)).0.saturating_sub(1));
            match pieces.last_mut().filter(|_| coarse == Some(slot / COARSE)) {
                Some(piece) => *piece = Spent { at, units: piece.units.saturating_add(units) },
                None => pieces.push(Spent { at, units }),
            }
            coarse = Some(slot / COARSE);
        }
        pieces
    }

    fn oldest(&self) -> u64 {
        self.head.saturating_sub(SLOTS)
    }

    fn index(&self, at: Millis) -> u64 {
        at.0.saturating_mul(SLOTS) / self.per
    }

    /// The first moment of a slot.
    fn start(&self, slot: u64) -> Millis {
        Millis(slot.saturating_mul(self.per).div_ceil(SLOTS))
    }

    fn count(&self, slot: u64) -> u32 {
        self.counts.as_ref().and_then(|it| it.get(place(slot))).copied().unwrap_or(0)
    }

    fn take(&mut self, slot: u64) -> u32 {
        self.counts.as_mut().and_then(|it| it.get_mut(place(slot))).map_or(0, std::mem::take)
    }

    fn forget_if_empty(&mut self) {
        if self.sum == 0 {
            self.counts = None;
        }
    }
}

fn place(slot: u64) -> usize {
    usize::try_from(slot % 129).unwrap_or(0)
}

//! Promise 2, once: which idempotency keys are in memory and in flight.
//! Not here: which have succeeded; commits and store know that, and the step asks them.
//!
//! Two deliveries with one dedupe hash are never in flight at once.

use crate::model::{DedupeHash, Offset, Seq};
use std::collections::BTreeSet;

const LAST: Seq = Offset(u64::MAX);

#[derive(Debug, Default)]
pub(super) struct Dedupe {
    /// Deliveries in memory by hash; nearly always one of each.
    holders: BTreeSet<(DedupeHash, Seq)>,
    in_flight: BTreeSet<DedupeHash>,
}

impl Dedupe {
    pub(super) fn hold(&mut self, hash: DedupeHash, seq: Seq) {
        self.holders.insert((hash, seq));
    }

    pub(super) fn let_go(&mut self, hash: DedupeHash, seq: Seq) {
        self.holders.remove(&(hash, seq));
    }

    /// Marks the hash as in flight; `false` if it is already.
    pub(super) fn take_off(&mut self, hash: DedupeHash) -> bool {
        self.in_flight.insert(hash)
    }

    pub(super) fn land(&mut self, hash: DedupeHash) {
        self.in_flight.remove(&hash);
    }

    pub(super) fn is_in_flight(&self, hash: DedupeHash) -> bool {
        self.in_flight.contains(&hash)
    }

    /// Who else in memory has this hash.
    pub(super) fn others(&self, hash: DedupeHash) -> Vec<Seq> {
        self.holders.range((hash, Seq::default())..=(hash, LAST)).map(|(_, seq)| *seq).collect()
    }
}

//! Promise 2, once: which idempotency keys are in memory and in flight.
//! Not here: which have succeeded; commits and store know that, and the step asks them.
//!
//! Two deliveries with one dedupe hash are never in flight at once.

use crate::model::{DedupeHash, Seq};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Dedupe {
    /// Deliveries in memory per hash; nearly always one.
    holders: BTreeMap<DedupeHash, BTreeSet<Seq>>,
    in_flight: BTreeSet<DedupeHash>,
}

impl Dedupe {
    pub(super) fn hold(&mut self, hash: DedupeHash, seq: Seq) {
        self.holders.entry(hash).or_default().insert(seq);
    }

    pub(super) fn let_go(&mut self, hash: DedupeHash, seq: Seq) {
        if let Some(holders) = self.holders.get_mut(&hash) {
            holders.remove(&seq);
            if holders.is_empty() {
                self.holders.remove(&hash);
            }
        }
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
        self.holders.get(&hash).map(|it| it.iter().copied().collect()).unwrap_or_default()
    }
}

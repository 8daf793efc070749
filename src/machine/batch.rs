//! Which deliveries of one connection share a call.
//! Not here: whose turn it is (`fair`), which of them may go (`order`).

use crate::machine::Delivery;
use crate::model::Seq;
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of inputs in one call; far below every CRM's own bound.
const BYTES_MAX: usize = 1024 * 1024;
/// The level that the attempts alone can reach: 100 -> 10 -> 1, and 200 -> 20 -> 1.
const ATTEMPT_LEVEL_MAX: u32 = 2;

/// The members of the next call, lowest `seq` first, and whether there is no room for more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub members: Vec<Seq>,
    pub full: bool,
}

/// Takes the first of `callable` below `end` and what shares its object and operation.
/// `busy` tells whether a delivery's idempotency key is in flight.
pub(super) fn form(
    callable: &BTreeSet<Seq>,
    ready: &BTreeMap<Seq, Box<Delivery>>,
    end: Seq,
    busy: impl Fn(&Delivery) -> bool,
) -> Batch {
    let mut batch = Batch { members: Vec::new(), full: false };
    let mut room = Room::default();
    let mut front: Option<&Delivery> = None;
    for seq in callable.range(..end) {
        let Some(delivery) = ready.get(seq) else { continue };
        let fits = front.is_none_or(|it| is_alike(it, delivery));
        if !fits || busy(delivery) || room.keys.contains(&delivery.target.dedupe) {
            continue;
        }
        if !room.take(delivery) {
            batch.full = true;
            break;
        }
        front.get_or_insert(delivery);
        batch.members.push(*seq);
        if room.is_full() {
            batch.full = true;
            break;
        }
    }
    batch
}

/// The one of `callable` below `end` that was tried least, and of those the first: what a held connection is probed with.
pub(super) fn least_tried(
    callable: &BTreeSet<Seq>,
    ready: &BTreeMap<Seq, Box<Delivery>>,
    end: Seq,
    busy: impl Fn(&Delivery) -> bool,
) -> Batch {
    let able = callable.range(..end).filter_map(|it| ready.get(it)).filter(|it| !busy(it));
    let least = able.min_by_key(|it| (it.attempt, it.seq));
    Batch { members: least.map(|it| it.seq).into_iter().collect(), full: true }
}

fn is_alike(front: &Delivery, other: &Delivery) -> bool {
    let (one, two) = (&front.job.change, &other.job.change);
    one.object == two.object && one.operation == two.operation && front.goes_like(other)
}

/// What has been put into a batch so far.
#[derive(Default)]
struct Room {
    keys: BTreeSet<crate::model::DedupeHash>,
    bytes: usize,
    size_max: usize,
}

impl Room {
    /// Whether it went in. The first always does.
    fn take(&mut self, delivery: &Delivery) -> bool {
        let size = delivery.job.change.size();
        let size_max = size_max(delivery);
        let shrunk = if self.keys.is_empty() { size_max } else { self.size_max.min(size_max) };
        if !self.keys.is_empty() && (shrunk <= self.keys.len() || BYTES_MAX < self.bytes + size) {
            return false;
        }
        self.size_max = shrunk;
        self.bytes += size;
        self.keys.insert(delivery.target.dedupe);
        true
    }

    fn is_full(&self) -> bool {
        self.size_max <= self.keys.len()
    }
}

/// How many inputs a call with this member may have: ten times fewer per level, and one where the attempts alone end.
fn size_max(delivery: &Delivery) -> usize {
    let level = delivery.level.max(delivery.attempt.0.min(ATTEMPT_LEVEL_MAX));
    if ATTEMPT_LEVEL_MAX <= level {
        return 1;
    }
    let divisor = 10_usize.saturating_pow(level);
    (delivery.target.connection.batch_max / divisor).max(1)
}

#[cfg(test)]
mod tests;

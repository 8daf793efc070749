//! How long messages are kept that nobody needs any more, and which have served their time.
//! Not here: deleting them (`writer`), changelogs by key (`clean`), delay topics (purged by the loop).

use super::EmbeddedFault;
use super::bounds::{Bounds, Partition};
use super::disk::Disk;
use crate::model::{Millis, Offset, Topic};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Looked at per partition and round; what is left waits for the next.
const ROUND: usize = 100_000;

/// Counted from the moment of appending. What is not settled is kept for ever, whatever its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Settled jobs: for replays.
    pub jobs: Duration,
    pub dlq: Duration,
    /// `idempotency_ttl` and a day.
    pub applied: Duration,
    pub outcomes: Duration,
    /// Bytes on disk of all settled jobs, and of all outcomes: what is over goes earlier, the oldest first.
    pub history_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { jobs: 7 * DAY, dlq: 30 * DAY, applied: 8 * DAY, outcomes: 7 * DAY, history_bytes: 4 << 30 }
    }
}

/// The offset below which a partition has served its time; none if there is nothing to delete.
pub(super) fn served(
    disk: &Disk,
    bounds: &Bounds,
    retention: &Retention,
    (topic, shard): Partition,
    now: Millis,
) -> Result<Option<Offset>, EmbeddedFault> {
    let Some(age) = age_max(retention, topic) else { return Ok(None) };
    let start = bounds.start(topic, shard);
    let free = bounds.disposable_end(topic, shard);
    let mut below = old(disk, (topic, shard), (start, free), now.before(age))?;
    if is_history(topic) {
        let bytes = retention.history_bytes / u64::from(disk.shards.max(1));
        below = below.max(surplus(disk, (topic, shard), (start, free), bytes)?);
    }
    Ok((below > start).then_some(below))
}

fn age_max(retention: &Retention, topic: Topic) -> Option<Duration> {
    match topic {
        Topic::Jobs => Some(retention.jobs),
        Topic::Dlq => Some(retention.dlq),
        Topic::Applied => Some(retention.applied),
        Topic::Outcomes => Some(retention.outcomes),
        Topic::State | Topic::Delay(_) => None,
    }
}

/// Whether losing it early breaks no promise.
fn is_history(topic: Topic) -> bool {
    match topic {
        Topic::Jobs | Topic::Outcomes => true,
        Topic::Dlq | Topic::Applied | Topic::State | Topic::Delay(_) => false,
    }
}

/// The first offset in the range appended at or after `cutoff`.
fn old(
    disk: &Disk,
    partition: Partition,
    (from, to): (Offset, Offset),
    cutoff: Millis,
) -> Result<Offset, EmbeddedFault> {
    let mut below = to.max(from);
    let mut seen = 0;
    disk.walk(partition, from, to, |offset, _, framed| {
        seen += 1;
        let go_on = framed.appended < cutoff && seen <= ROUND;
        if !go_on {
            below = offset;
        }
        go_on
    })?;
    Ok(below)
}

/// The first offset in the range from which on it takes no more than `bytes`.
fn surplus(
    disk: &Disk,
    partition: Partition,
    (from, to): (Offset, Offset),
    bytes: u64,
) -> Result<Offset, EmbeddedFault> {
    let (mut low, mut high) = (from.0, to.0.max(from.0));
    if disk.size(partition, from, to)? <= bytes {
        return Ok(from);
    }
    while low < high {
        let middle = low.midpoint(high);
        if disk.size(partition, Offset(middle), to)? <= bytes {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    Ok(Offset(high))
}

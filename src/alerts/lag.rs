//! `SyncLag`: an event older than the threshold that has no CRM write, or writes that came later than it.
//! Not here: what is paused; whoever looks leaves that out.

use crate::alerts::alert::{Found, Named};
use crate::alerts::sliding::Sliding;
use crate::alerts::words::{count, number, span};
use crate::alerts::{Oldest, Thresholds};
use crate::model::{ConnectionId, Millis};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a late write is told of.
pub(super) const LATE_FOR: Duration = Duration::from_secs(300);
/// Connections told apart in one slot.
const KEPT_MAX: usize = 256;

/// Writes of one slot that came later than the threshold.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    late: u64,
    /// Of each connection how many, and the latest.
    by: BTreeMap<ConnectionId, (u64, Duration)>,
}

impl Slot {
    pub(super) fn late(&mut self, connection: &ConnectionId, lag: Duration) {
        self.late = self.late.saturating_add(1);
        if self.by.len() < KEPT_MAX || self.by.contains_key(connection) {
            let (count, most) = self.by.entry(connection.clone()).or_default();
            *count = count.saturating_add(1);
            *most = lag.max(*most);
        }
    }
}

pub(super) fn find(late: &mut Sliding<Slot>, now: Millis, oldest: &[Oldest], thresholds: &Thresholds) -> Option<Found> {
    let mut stuck: Vec<&Oldest> = oldest.iter().filter(|it| thresholds.sync_lag < now.since(it.occurred_at)).collect();
    stuck.sort_by_key(|it| it.occurred_at);
    let (mut writes, mut by) = (0, BTreeMap::<&ConnectionId, (u64, Duration)>::new());
    for slot in late.all(now) {
        writes += slot.late;
        for (id, (count, most)) in &slot.by {
            let sum = by.entry(id).or_default();
            *sum = (sum.0 + count, sum.1.max(*most));
        }
    }
    let mut slow: Vec<(&ConnectionId, (u64, Duration))> = by.into_iter().collect();
    slow.sort_by_key(|it| std::cmp::Reverse(it.1.1));
    if stuck.is_empty() && writes == 0 {
        return None;
    }
    let named = stuck.iter().map(|it| Named { who: it.connection.to_string(), what: waits(it, now) });
    let slow_named = slow.iter().map(|(id, (count, most))| Named {
        who: id.to_string(),
        what: format!("{} late, the latest by {}", number(*count), span(*most)),
    });
    let mut causes: Vec<String> = stuck.first().map(|it| oldest_says(it, now)).into_iter().collect();
    causes.extend((0 < writes).then(|| writes_say(writes, slow.first(), thresholds)));
    Some(Found {
        cause: format!("{}; {} is the most there should be", causes.join(", and "), span(thresholds.sync_lag)),
        named: named.chain(slow_named).collect(),
        next: "every event is still on its way in its order: nothing is lost, and it is applied once it can be"
            .to_owned(),
        todo: "see what it waits because of (waits_total, ConnectionHeld, BucketLow); if nothing is called at all, look at commits_total and readyz",
    })
}

fn waits(oldest: &Oldest, now: Millis) -> String {
    let because = oldest.because.map_or("about to be called", |it| it.name());
    format!("{} old, {because}", span(now.since(oldest.occurred_at)))
}

fn oldest_says(oldest: &Oldest, now: Millis) -> String {
    let age = span(now.since(oldest.occurred_at));
    match oldest.because {
        Some(because) => format!("an event of {} is {age} old and waits, because {because}", oldest.connection),
        None => format!("an event of {} is {age} old and has no write yet", oldest.connection),
    }
}

fn writes_say(writes: u64, slowest: Option<&(&ConnectionId, (u64, Duration))>, thresholds: &Thresholds) -> String {
    let slowest = slowest.map(|(id, (_, most))| format!(", the latest {} for {id}", span(*most))).unwrap_or_default();
    let after = span(thresholds.sync_lag);
    format!("{} of the last {} came more than {after} after the event{slowest}", count(writes, "write"), span(LATE_FOR))
}

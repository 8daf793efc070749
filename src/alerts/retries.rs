//! `RetryRate`: more retries per job than the threshold, in any window of the configured length.
//! Not here: when a delivery is retried (`machine`).

use crate::alerts::Thresholds;
use crate::alerts::alert::{Found, Named};
use crate::alerts::sliding::Sliding;
use crate::alerts::words::{count, number, percent, span};
use crate::model::{ConnectionId, Millis, Reason};
use std::collections::BTreeMap;

/// Connections and reasons told apart in one slot; what comes above is counted without a name.
const KEPT_MAX: usize = 256;

/// What was counted in one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    jobs: u64,
    retries: u64,
    by: BTreeMap<(ConnectionId, Reason), u64>,
}

impl Slot {
    pub(super) fn job(&mut self) {
        self.jobs = self.jobs.saturating_add(1);
    }

    pub(super) fn retry(&mut self, connection: &ConnectionId, reason: Reason) {
        self.retries = self.retries.saturating_add(1);
        let key = (connection.clone(), reason);
        if self.by.len() < KEPT_MAX || self.by.contains_key(&key) {
            *self.by.entry(key).or_default() += 1;
        }
    }
}

pub(super) fn find(window: &mut Sliding<Slot>, now: Millis, thresholds: &Thresholds) -> Option<Found> {
    let (mut jobs, mut retries) = (0, 0);
    let mut by: BTreeMap<&ConnectionId, BTreeMap<Reason, u64>> = BTreeMap::new();
    let length = window.span();
    for slot in window.all(now) {
        jobs += slot.jobs;
        retries += slot.retries;
        for ((connection, reason), count) in &slot.by {
            *by.entry(connection).or_default().entry(*reason).or_default() += count;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a share of counts; the last digit decides nothing")]
    let (share, bound) = (retries as f64 / jobs.max(1) as f64, thresholds.retry_rate * jobs as f64);
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    let few = retries as f64 <= bound;
    if retries == 0 || few {
        return None;
    }
    let named = named(by);
    let most = named.first().map(|it| format!("; most are of {} with {}", it.who, it.what)).unwrap_or_default();
    let share = if jobs == 0 { String::new() } else { format!(" ({})", percent(share)) };
    Some(Found {
        cause: format!(
            "{} against {} that ended in the last {}{share}, more than {}{most}",
            count(retries, "retry"),
            count(jobs, "job"),
            span(length),
            percent(thresholds.retry_rate),
        ),
        named,
        next: "each is tried again by itself, as often as [retry] says; then it is a dead letter".to_owned(),
        todo: "look at the CRM's status page and at attempts_total by result; one connection alone: its account or its data",
    })
}

/// Each connection with its count and its most frequent reason, worst first.
fn named(by: BTreeMap<&ConnectionId, BTreeMap<Reason, u64>>) -> Vec<Named> {
    let mut worst: Vec<(u64, &ConnectionId, Reason)> = Vec::new();
    for (connection, reasons) in by {
        let Some((reason, _)) = reasons.iter().max_by_key(|(_, count)| **count) else { continue };
        worst.push((reasons.values().sum(), connection, *reason));
    }
    worst.sort_by_key(|it| std::cmp::Reverse(it.0));
    let what = |retries: u64, reason: Reason| format!("{}, mostly {}", number(retries), reason.name());
    worst.into_iter().map(|(retries, id, reason)| Named { who: id.to_string(), what: what(retries, reason) }).collect()
}

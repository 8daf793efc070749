//! What fires, and since when.
//! Not here: each alert's rule.

use crate::alerts::alert::{Found, NAMED_MAX};
use crate::alerts::buckets::Lows;
use crate::alerts::sliding::Sliding;
use crate::alerts::{Alert, Facts, Firing, Thresholds, dead_letters, holds, lag, retries};
use crate::model::{ConnectionId, Millis, Reason};
use std::collections::BTreeMap;
use std::time::Duration;

/// All alerts of one process. Whoever runs the loop keeps it over the lives of engines.
#[derive(Clone, Debug)]
pub struct Board {
    thresholds: Thresholds,
    retries: Sliding<retries::Slot>,
    late: Sliding<lag::Slot>,
    lows: Lows,
    firing: BTreeMap<Alert, Firing>,
}

impl Board {
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            retries: Sliding::new(thresholds.retry_window),
            late: Sliding::new(lag::LATE_FOR),
            lows: Lows::default(),
            firing: BTreeMap::new(),
        }
    }

    /// A delivery, or a message that never was one, has ended.
    pub fn count_job(&mut self, now: Millis) {
        self.retries.count(now, retries::Slot::job);
    }

    /// A delivery will be tried again.
    pub fn count_retry(&mut self, now: Millis, connection: &ConnectionId, reason: Reason) {
        self.retries.count(now, |it| it.retry(connection, reason));
    }

    /// A CRM has taken an event, so long after it occurred.
    pub fn count_write(&mut self, now: Millis, connection: &ConnectionId, lag: Duration) {
        if self.thresholds.sync_lag < lag {
            self.late.count(now, |it| it.late(connection, lag));
        }
    }

    /// Decides all alerts anew. Answers those that changed, each with whether it fires now.
    pub fn look(&mut self, now: Millis, facts: &Facts) -> Vec<(Alert, bool)> {
        let mut changed = Vec::new();
        for alert in Alert::ALL {
            let before = self.firing.remove(&alert).map(|it| it.since);
            let found = self.find(alert, now, facts);
            if found.is_some() != before.is_some() {
                changed.push((alert, found.is_some()));
            }
            if let Some(found) = found {
                self.firing.insert(alert, fires(found, before.unwrap_or(now)));
            }
        }
        changed
    }

    /// What fires, in the order of `Alert::ALL`.
    pub fn firing(&self) -> &BTreeMap<Alert, Firing> {
        &self.firing
    }

    fn find(&mut self, alert: Alert, now: Millis, facts: &Facts) -> Option<Found> {
        match alert {
            Alert::DeadLetterDepth => dead_letters::find(&facts.dead, &self.thresholds),
            Alert::RetryRate => retries::find(&mut self.retries, now, &self.thresholds),
            Alert::BucketLow => self.lows.find(now, &facts.levels, &self.thresholds),
            Alert::SyncLag => lag::find(&mut self.late, now, &facts.oldest, &self.thresholds),
            Alert::ConnectionHeld => holds::find(now, &facts.held),
        }
    }
}

fn fires(mut found: Found, since: Millis) -> Firing {
    let unnamed = found.named.len().saturating_sub(NAMED_MAX);
    found.named.truncate(NAMED_MAX);
    Firing { since, cause: found.cause, named: found.named, unnamed, next: found.next, todo: found.todo.to_owned() }
}

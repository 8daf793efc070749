//! `BucketLow`: a limit window of a connection that has been below the threshold for the whole time.
//! Not here: what is left of a window (`machine`).

use crate::alerts::alert::{Found, Named};
use crate::alerts::words::{percent, span, whom};
use crate::alerts::{Level, Thresholds};
use crate::model::{ConnectionId, Millis};
use std::collections::BTreeMap;

/// Since when each window that is low has been so.
#[derive(Clone, Debug, Default)]
pub(super) struct Lows(BTreeMap<(ConnectionId, String), Low>);

#[derive(Clone, Copy, Debug)]
struct Low {
    since: Millis,
    level: f64,
}

impl Lows {
    /// Takes what the look saw: what is not low, or not there any more, starts anew.
    pub(super) fn find(&mut self, now: Millis, levels: &[Level], thresholds: &Thresholds) -> Option<Found> {
        let before = std::mem::take(&mut self.0);
        for it in levels.iter().filter(|it| it.level < thresholds.bucket_low) {
            let key = (it.connection.clone(), it.window.clone());
            let since = before.get(&key).map_or(now, |low| low.since);
            self.0.insert(key, Low { since, level: it.level });
        }
        let long = |low: &Low| thresholds.bucket_low_for <= now.since(low.since);
        let mut worst: Vec<_> = self.0.iter().filter(|(_, low)| long(low)).collect();
        worst.sort_by(|one, other| one.1.level.total_cmp(&other.1.level));
        let longest = worst.iter().map(|(_, low)| now.since(low.since)).max()?;
        let named: Vec<Named> = worst
            .iter()
            .map(|((id, window), low)| Named {
                who: id.to_string(),
                what: format!("{} of {window} left, low for {}", percent(low.level), span(now.since(low.since))),
            })
            .collect();
        Some(Found {
            cause: format!(
                "less than {} of a rate limit has been left for {}: {}",
                percent(thresholds.bucket_low),
                span(longest),
                whom(&named)
            ),
            named,
            next: "calls go on as fast as the limit allows, in fuller batches; what cannot be called waits and is not lost"
                .to_owned(),
            todo: "see what floods the connection, or who else uses the account; a higher limit at the CRM helps, no setting here does",
        })
    }
}

//! The one clock: wall time at start plus monotonic time since, so that it never runs backwards.
//! Not here: who asks.

use crate::model::Millis;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Cheap to copy; all copies agree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    started_at: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at }
    }

    pub(super) fn now(&self) -> Millis {
        Millis(0).after(self.started_at + self.started.elapsed())
    }
}

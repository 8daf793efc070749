//! The server's clock: wall time at start plus monotonic time since, so that windows never jump.
//! Not here: waiting.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// A clock that all accounts of a server share. Cheap to copy; reading it never blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started_at_us: u64,
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { started_at_us: micros(wall), started: Instant::now() }
    }

    /// Unix time in microseconds; never goes back.
    pub(super) fn now_us(self) -> u64 {
        self.started_at_us.saturating_add(micros(self.started.elapsed()))
    }
}

/// `2024-08-15T17:09:13.648Z`, the shape of HubSpot's `createdAt`.
pub(super) fn iso(at_us: u64) -> String {
    let at = i64::try_from(at_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok()).unwrap_or_default();
    format!("{at:.3}")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

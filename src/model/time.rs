//! Moments and counts that must not be mixed up: Unix milliseconds, attempts, rewinds.
//! Not here: reading a clock; a span of time is `std::time::Duration`.

use std::fmt;
use std::time::Duration;

/// A moment in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `span` later; saturates at the end of time.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span_millis(span)))
    }

    /// The moment `span` earlier; saturates at 1970.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span_millis(span)))
    }

    /// How long ago `earlier` was; nothing if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

fn span_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// CRM attempts of a delivery counted so far: 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u32);

impl Attempt {
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// How often a topic's group offset was set back by somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rewinds(pub u32);

//! How a delivery ended, and why one that has not ended waits.
//! Not here: who decides it (`machine`).

use std::fmt;

/// How a delivery ended. Everything else is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Applied,
    Duplicate,
    Ignored,
    Dead,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Applied, Self::Duplicate, Self::Ignored, Self::Dead];

    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Dead => "dead",
        }
    }
}

/// Why a delivery waits in a delay topic; what people are shown, it decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Because {
    Retry,
    RateLimit,
    Held,
    Order,
}

impl Because {
    pub const ALL: [Self; 4] = [Self::Retry, Self::RateLimit, Self::Held, Self::Order];

    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RateLimit => "rate_limit",
            Self::Held => "held",
            Self::Order => "order",
        }
    }

    /// The reason with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

//! The limits of a connection's account, what a call spends of them, and what an answer says of them.
//! Not here: keeping to them (`machine`), how a CRM spells any of it (the connectors).

use crate::model::{Finding, Millis, Operation};
use std::fmt;
use std::time::Duration;

/// One limit of an account: at most `cap` units in `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub name: WindowName,
    /// At least 1.
    pub cap: u32,
    pub turnover: Turnover,
}

/// What tells the windows of one connection from each other; no two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowName {
    /// At least a second.
    pub per: Duration,
    pub unit: Unit,
    pub operations: Operations,
}

/// What a window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// HTTP requests.
    Calls,
    /// The CRM's own currency.
    Credits,
}

/// Which requests a window of calls counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operations {
    All,
    Searches,
    /// HubSpot's 10 seconds: searches have a window of their own.
    AllButSearches,
}

/// When a window lets go of what was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turnover {
    /// Each unit one `per` after it was spent. Also right, if slow, for a window that resets nobody knows when.
    Rolling,
    /// All at once: this long after each whole `per` since 1970 in UTC.
    ResetsAt(Duration),
}

/// What a call spends, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests that are no searches.
    pub calls: u32,
    pub searches: u32,
    pub credits: u32,
}

/// What the calls of a CRM cost, as their connector counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    pub upsert: Price,
    pub archive: Price,
    /// What a call costs more whose inputs are to be searched for first.
    pub search: Price,
}

/// The most that one call can come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub calls: u32,
    pub searches: u32,
    /// Per call …
    pub credits: u32,
    /// … and one more for every so many inputs begun; 0: none.
    pub inputs_per_credit: u32,
}

/// What the CRM said of an account's limits with one answer, and what the call really came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Absent: not known, so as much as its price.
    pub spent: Option<Cost>,
    pub windows: Vec<WindowUsage>,
    pub limited: Option<Limited>,
}

/// What an answer says of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUsage {
    pub window: WindowWord,
    /// Units left, this call counted.
    pub remaining: Option<u32>,
    /// Units in all.
    pub limit: Option<u32>,
}

/// An answer that refuses because of a limit: 429 and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Absent: it does not say; the shortest that the call counted in is meant.
    pub window: Option<WindowWord>,
    /// Until Retry-After or the reset, if it says either.
    pub wait: Option<Duration>,
}

/// A window in a CRM's words: its length, and whether it speaks of searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowWord {
    pub per: Duration,
    pub searches: bool,
}

/// What the changelog keeps of a connection's windows (core rules §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionMark {
    /// By the writer's clock.
    pub written: Millis,
    /// As many calls as may have started since without being written down.
    pub unshown_max: u32,
    pub windows: Vec<WindowMark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowMark {
    pub name: WindowName,
    /// Units of calls that were out.
    pub out: u32,
    /// Oldest first; at most 16 slots, each at its latest moment, and what former owners may have spent.
    pub spent: Vec<Spent>,
    /// Nothing is sent before; 0: not blocked.
    pub blocked_until: Millis,
    /// The limit that the CRM last told.
    pub told: Option<u32>,
}

/// Units spent no later than `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub at: Millis,
    pub units: u32,
}

impl Window {
    pub fn rolling(cap: u32, per: Duration) -> Self {
        let name = WindowName { per, unit: Unit::Calls, operations: Operations::All };
        Self { name, cap, turnover: Turnover::Rolling }
    }

    /// Units of this window in `cost`; 0: the call does not count in it.
    pub fn units(&self, cost: Cost) -> u32 {
        match (self.name.unit, self.name.operations) {
            (Unit::Credits, _) => cost.credits,
            (Unit::Calls, Operations::All) => cost.calls.saturating_add(cost.searches),
            (Unit::Calls, Operations::Searches) => cost.searches,
            (Unit::Calls, Operations::AllButSearches) => cost.calls,
        }
    }

    /// Whether a CRM's words mean this window.
    pub fn is_meant(&self, word: WindowWord) -> bool {
        let counts = match self.name.operations {
            Operations::All => true,
            Operations::Searches => word.searches,
            Operations::AllButSearches => !word.searches,
        };
        self.name.per == word.per && counts
    }
}

impl Tariff {
    /// Every call is one request and costs nothing else.
    pub const ONE_CALL: Self = Self { upsert: Price::calls(1), archive: Price::calls(1), search: Price::calls(0) };

    /// The most that a call with so many inputs can come to.
    pub fn cost(&self, operation: Operation, finding: &Finding, inputs: usize) -> Cost {
        let price = match operation {
            Operation::Upsert => self.upsert,
            Operation::Archive => self.archive,
        };
        match finding {
            Finding::Search => price.cost(inputs).and(self.search.cost(inputs)),
            Finding::ByKey | Finding::ById(_) | Finding::New => price.cost(inputs),
        }
    }

    /// The most that any call with up to `batch_max` inputs can spend of `window`.
    pub fn dearest(&self, window: &Window, batch_max: usize) -> u32 {
        let of = |operation| window.units(self.cost(operation, &Finding::Search, batch_max));
        of(Operation::Upsert).max(of(Operation::Archive))
    }
}

impl Cost {
    fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            searches: self.searches.saturating_add(other.searches),
            credits: self.credits.saturating_add(other.credits),
        }
    }
}

impl Price {
    pub const fn calls(calls: u32) -> Self {
        Self { calls, searches: 0, credits: 0, inputs_per_credit: 0 }
    }

    fn cost(&self, inputs: usize) -> Cost {
        let inputs = u32::try_from(inputs).unwrap_or(u32::MAX);
        let by_inputs = if self.inputs_per_credit == 0 { 0 } else { inputs.div_ceil(self.inputs_per_credit) };
        Cost { calls: self.calls, searches: self.searches, credits: self.credits.saturating_add(by_inputs) }
    }
}

/// `10s`, `1d`, `1s-searches`, `1d-credits`: the label in metrics.
impl fmt::Display for WindowName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let (number, letter) = match seconds {
            _ if self.per.subsec_nanos() != 0 => return write!(formatter, "{}ms", self.per.as_millis()),
            86_400.. if seconds.is_multiple_of(86_400) => (seconds / 86_400, 'd'),
            3600.. if seconds.is_multiple_of(3600) => (seconds / 3600, 'h'),
            60.. if seconds.is_multiple_of(60) => (seconds / 60, 'm'),
            _ => (seconds, 's'),
        };
        write!(formatter, "{number}{letter}")?;
        match (self.unit, self.operations) {
            (Unit::Credits, _) => formatter.write_str("-credits"),
            (Unit::Calls, Operations::Searches) => formatter.write_str("-searches"),
            (Unit::Calls, Operations::All | Operations::AllButSearches) => Ok(()),
        }
    }
}

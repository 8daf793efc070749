//! What was tried for a delivery so far: one line per call that ended without success.
//! Not here: its JSON and its bound of 8 KiB (`wire`).

use crate::model::{Attempt, Millis};
use std::time::Duration;

/// Every attempt, oldest first. Longer ones lose their middle when written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(pub Vec<Tried>);

/// One entry of `sluicegate-history` (DESIGN §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Counted attempts including this one.
    pub attempt: Attempt,
    pub at: Millis,
    /// A reason's name; free text, because an older or newer version may have written it.
    pub result: String,
    pub status: Option<u16>,
    pub code: Option<String>,
    /// Scrubbed.
    pub message: String,
    pub took: Duration,
    /// The wait chosen after this attempt; absent on the last.
    pub delay: Option<Duration>,
    /// `false`: the account was to blame, the attempt does not count.
    pub counted: bool,
    /// How many entries were left out before this one to keep the header small.
    pub dropped_before: u32,
}

//! Everything that can wake the loop: one closed list.
//! Not here: what is done about it (`engine`).

use crate::model::CallEnded;
use crate::ports::LogEvent;

/// What the world says to the loop, in the order it came.
#[derive(Debug)]
pub enum Event {
    Log(LogEvent),
    CallEnded(CallEnded),
    /// Stop gracefully: no new calls, calls out end, commit, close.
    Drain,
}

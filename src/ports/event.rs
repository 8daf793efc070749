//! Everything that can wake the loop: one closed list.
//! Not here: what is done about it (`engine`).

use crate::model::{CallEnded, ConnectionId};
use crate::ports::{LogEvent, Question};

/// What the world says to the loop, in the order it came.
#[derive(Debug)]
pub enum Event {
    Log(LogEvent),
    CallEnded(CallEnded),
    /// The connection's credentials are others than before.
    AccessChanged(ConnectionId),
    /// A person asks why a tenant's deliveries wait; answered within the turn.
    Explain(Question),
    /// Stop gracefully: no new calls, calls out end, commit, close.
    Drain,
}

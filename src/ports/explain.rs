//! A question that the loop answers at once: what of a tenant waits, and why.
//! Not here: the sentences for people (`ops`).

use crate::model::{Attempt, Because, Connection, ConnectionId, Hold, Millis, Pause, Scope, Seq, Shard, TenantId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Asked of the loop; `answer` is called once, on the loop's thread, and must not block. A question that the loop never
/// takes (it has ended) is dropped, and with it the `answer`.
pub struct Question {
    pub tenant: TenantId,
    /// The one connection meant; else all of the tenant.
    pub connection: Option<Arc<str>>,
    pub answer: Box<dyn FnOnce(Explained) + Send>,
}

impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Question({}/{:?})", self.tenant, self.connection)
    }
}

/// How a tenant's connections stand at `now`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub now: Millis,
    /// Where the tenant lives; none: no shard was assigned yet, so nobody knows how many there are.
    pub home: Option<Shard>,
    /// The home's phase, if this process owns it: the lines below are worth nothing else.
    pub phase: Option<&'static str>,
    pub connections: Vec<StandingLine>,
    /// Jobs of the tenant that wait for it to appear in the configuration.
    pub latecomers: u64,
    /// Attempts that a delivery has in all.
    pub attempts_max: u32,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingLine {
    pub id: ConnectionId,
    /// As configured; none: it is not in the configuration.
    pub connection: Option<Arc<Connection>>,
    pub hold: Option<Hold>,
    pub pauses: Vec<(Scope, Pause)>,
    /// What waits in delay topics, by why.
    pub waiting: BTreeMap<Because, Waiters>,
    /// In memory, about to be called.
    pub ready: u64,
    /// Calls out.
    pub calls: u64,
}

/// Deliveries that wait for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiters {
    pub count: u64,
    /// The oldest of those looked at: the first of the connection's queue and its first timers.
    pub oldest: Option<Millis>,
    /// The job it comes from.
    pub first: Option<Seq>,
    /// Attempts counted of the one that runs next.
    pub attempt: Attempt,
    /// When the next of them runs, where that is known.
    pub next: Option<Millis>,
}

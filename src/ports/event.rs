//! Everything that can wake the loop: one closed list.
//! Not here: what is done about it (`engine`).

use crate::model::{CallEnded, Connection, ConnectionId, TenantId};
use crate::ports::{LogEvent, Question};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every tenant with its connections, in the order of the configuration.
pub type Tenants = Arc<BTreeMap<TenantId, Vec<Arc<Connection>>>>;

/// What the world says to the loop, in the order it came.
#[derive(Debug)]
pub enum Event {
    Log(LogEvent),
    CallEnded(CallEnded),
    /// The connection's credentials, or its address, are others than before.
    AccessChanged(ConnectionId),
    /// Other tenants and connections are configured from now on; those that stay as they were are the same ones.
    Tenants(Tenants),
    /// A person asks why a tenant's deliveries wait; answered within the turn.
    Explain(Question),
    /// Stop gracefully: no new calls, calls out end, commit, close.
    Drain,
}

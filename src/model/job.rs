//! One event to apply, as `.jobs` carries it (DESIGN §3.2).
//! Not here: the JSON of it (`wire`).

use crate::model::{Change, IdempotencyKey, Millis, TenantId};
use std::sync::Arc;

/// A decoded job with the canonical payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub tenant: TenantId,
    pub event_type: Arc<str>,
    pub idempotency_key: IdempotencyKey,
    /// The event's own time, else the message's; sync lag is counted from here.
    pub occurred_at: Millis,
    /// The one connection meant; else all of the tenant.
    pub connection: Option<Arc<str>>,
    pub change: Change,
}

//! What went wrong with one input of one call, in words that may be shown and stored.
//! Not here: whether it is worth another try (`Reply` says that).

use crate::model::Reason;
use std::time::Duration;

/// A failure as a CRM, or the way to it, reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    /// The HTTP status; absent where no answer came.
    pub status: Option<u16>,
    /// The CRM's own code, such as `TEN_SECONDLY_ROLLING`.
    pub code: Option<String>,
    /// The CRM's own words, secrets and personal data scrubbed, at most 500 bytes.
    pub message: String,
    /// The CRM's wish for how long to wait.
    pub retry_after: Option<Duration>,
}

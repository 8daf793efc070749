//! The CRMs: calls go out here, answers come back as `Event::CallEnded`.
//! Not here: which call is next (`machine`), credentials, HTTP.

use crate::model::Call;

/// Makes CRM calls. Called by the loop's thread; never blocks.
pub trait Crms {
    /// Starts `call`. Exactly one `CallEnded` with its id follows, within the deadline of a call, whatever happens.
    fn start(&mut self, call: Call);
}

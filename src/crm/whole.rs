//! What a response says of a call as a whole, where it answers no single input.
//! Not here: which response says what (the connectors).

use crate::crm::replies::Replies;
use crate::model::{Answer, Fault, Reply};

/// What a response that answers no single input says of the call as a whole.
#[derive(Debug)]
pub(super) enum Whole {
    /// The account: every input sent gets this.
    Account(Fault),
    /// No input is to blame, and none would fare better alone.
    Forbidden(Fault),
    /// Permanently wrong; which input is to blame is not said.
    Refused(Fault),
    Failed(Fault),
}

impl Whole {
    pub(super) fn answer(self, replies: &mut Replies) -> Answer {
        match self {
            Self::Account(fault) => replies.answer(&Reply::Account(fault)),
            Self::Forbidden(fault) => replies.answer(&Reply::Permanent(fault)),
            Self::Refused(fault) => replies.refused(fault),
            Self::Failed(fault) => Answer::Failed(fault),
        }
    }
}

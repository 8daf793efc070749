//! What every decision is made with: the time, what the store said, and where its consequences go.
//! Not here: the decision.

use crate::machine::{Out, Seen};
use crate::model::Millis;

/// One input being taken to its end.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub now: Millis,
    pub seen: &'a Seen,
    pub out: &'a mut Out,
}

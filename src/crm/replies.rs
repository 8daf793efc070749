//! One reply per input of a call, filled in as they become known: none lost, none given twice.
//! Not here: what a CRM's words mean.

use crate::model::{Answer, Fault, Reply};

/// Slots in the order of the call's inputs. The first reply to an input stays.
#[derive(Debug)]
pub(super) struct Replies(Vec<Option<Reply>>);

impl Replies {
    pub(super) fn for_inputs(count: usize) -> Self {
        Self(vec![None; count])
    }

    pub(super) fn give(&mut self, input: usize, reply: Reply) {
        if let Some(slot) = self.0.get_mut(input) {
            slot.get_or_insert(reply);
        }
    }

    pub(super) fn is_open(&self, input: usize) -> bool {
        self.0.get(input).is_some_and(Option::is_none)
    }

    /// The inputs that have no reply yet.
    pub(super) fn open(&self) -> Vec<usize> {
        self.0.iter().enumerate().filter(|(_, reply)| reply.is_none()).map(|(input, _)| input).collect()
    }

    /// The answer, each input without a reply getting `rest`.
    pub(super) fn answer(&mut self, rest: &Reply) -> Answer {
        let replies = std::mem::take(&mut self.0);
        Answer::Each(replies.into_iter().map(|reply| reply.unwrap_or_else(|| rest.clone())).collect())
    }

    /// The answer after what was sent was refused as a whole: with one input open it alone is to blame.
    pub(super) fn refused(&mut self, fault: Fault) -> Answer {
        if self.open().len() == 1 { self.answer(&Reply::Permanent(fault)) } else { Answer::Refused(fault) }
    }
}

//! The exchange that upserts: one request, one answer.
//! Not here: how either is spelled.

use super::{items, reply, request};
use crate::crm::replies::Replies;
use crate::crm::{Access, Exchange, Next, Response};
use crate::model::Call;
use std::sync::Arc;

pub(super) struct Upsert {
    call: Call,
    access: Arc<Access>,
    replies: Replies,
}

impl Upsert {
    pub(super) fn new(call: Call, access: Arc<Access>) -> Self {
        let replies = Replies::for_inputs(call.inputs.len());
        Self { call, access, replies }
    }
}

impl Exchange for Upsert {
    fn begin(&mut self) -> Next {
        match request::upsert(&self.call, &self.access, &mut self.replies) {
            Ok(Some(request)) => Next::Send(request),
            Ok(None) => Next::Ended(self.replies.answer(&reply::unanswered(None))),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    fn answered(&mut self, response: &Response) -> Next {
        let id_field = &self.access.external_id_property;
        let sent = self.replies.open();
        Next::Ended(match reply::results(response, sent.len()) {
            Ok(results) => {
                for (input, result) in sent.into_iter().zip(results) {
                    self.replies.give(input, items::upserted(result, response.status, id_field));
                }
                self.replies.answer(&reply::unanswered(Some(response.status)))
            }
            Err(()) => reply::whole(response, id_field).answer(&mut self.replies),
        })
    }
}

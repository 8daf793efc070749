//! The exchange that upserts or archives: one request, one row per record in its answer.
//! Not here: how either is spelled.

use super::{items, reply, request};
use crate::crm::replies::Replies;
use crate::crm::whole::Whole;
use crate::crm::{Access, Exchange, Next, Response};
use crate::model::{Call, Operation};
use serde_json::Value;
use std::sync::Arc;

pub(super) struct Single {
    call: Call,
    access: Arc<Access>,
    replies: Replies,
}

impl Single {
    pub(super) fn new(call: Call, access: Arc<Access>) -> Self {
        let replies = Replies::for_inputs(call.inputs.len());
        Self { call, access, replies }
    }

    /// Gives each input that was sent the reply of its row.
    fn give(&mut self, sent: &[usize], rows: &[Value], status: u16) {
        let id_field = &self.access.external_id_property;
        for (input, row) in sent.iter().zip(rows) {
            let reply = match self.call.operation {
                Operation::Upsert => items::upserted(row, status, id_field),
                Operation::Archive => items::deleted(row, status, id_field),
            };
            self.replies.give(*input, reply);
        }
    }

    /// Whether a row says of itself that it is another input's: then no row can be believed.
    fn is_mixed_up(&self, sent: &[usize], rows: &[Value]) -> bool {
        sent.iter().zip(rows).enumerate().any(|(place, (input, row))| {
            let external_id = self.call.inputs.get(*input).map(|it| &*it.external_id);
            items::belongs_elsewhere(row, place, (&self.access.external_id_property, external_id))
        })
    }
}

impl Exchange for Single {
    fn begin(&mut self) -> Next {
        match request::written(&self.call, &self.access, &mut self.replies) {
            Ok(request::Written::Fits(request)) => Next::Send(*request),
            Ok(request::Written::Nothing) => Next::Ended(self.replies.answer(&reply::unanswered(None))),
            // Smaller calls follow, and fit.
            Ok(request::Written::TooLong) => Next::Ended(Whole::Refused(request::too_long()).answer(&mut self.replies)),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    fn answered(&mut self, response: &Response) -> Next {
        let sent = self.replies.open();
        let status = response.status;
        let whole = match reply::rows(response, sent.len()) {
            Some(rows) if self.is_mixed_up(&sent, &rows) => {
                Whole::Failed(reply::wanted(Some(status), "rows of the answer name other inputs than their own"))
            }
            Some(rows) => {
                self.give(&sent, &rows, status);
                return Next::Ended(self.replies.answer(&reply::unanswered(Some(status))));
            }
            None if self.call.operation == Operation::Archive && sent.len() == 1 && reply::is_gone(response) => {
                return Next::Ended(self.replies.answer(&items::gone()));
            }
            None => reply::whole(response, &self.access.external_id_property),
        };
        Next::Ended(whole.answer(&mut self.replies))
    }
}

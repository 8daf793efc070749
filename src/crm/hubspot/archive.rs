//! The exchange that archives: record ids are read by the external ID, then those records are archived.
//! Not here: how requests and answers are spelled. What is gone already counts as archived.

use super::{items, reply, request};
use crate::crm::replies::Replies;
use crate::crm::{Access, Exchange, Next, Response};
use crate::model::{Call, Reply};
use std::sync::Arc;

pub(super) struct Archive {
    call: Call,
    access: Arc<Access>,
    replies: Replies,
    /// Once read: which input is which record.
    found: Option<Vec<items::Found>>,
}

impl Archive {
    pub(super) fn new(call: Call, access: Arc<Access>) -> Self {
        let replies = Replies::for_inputs(call.inputs.len());
        Self { call, access, replies, found: None }
    }

    fn read(&mut self, response: &Response) -> Next {
        let inputs = items::Inputs { call: &self.call, id_property: &self.access.external_id_property };
        let batch = match reply::batch(response) {
            Ok(batch) => batch,
            Err(()) => return self.refused(response),
        };
        let (found, rest) = items::read(&inputs, &batch, response.status, &mut self.replies);
        for input in self.replies.open() {
            if !found.iter().any(|it| it.input == input) {
                self.replies.give(input, rest.clone());
            }
        }
        if found.is_empty() {
            return Next::Ended(self.replies.answer(&rest));
        }
        let records: Vec<&str> = found.iter().map(|it| &*it.record_id).collect();
        let request = request::archive(&self.call, &self.access, &records);
        self.found = Some(found);
        match request {
            Ok(request) => Next::Send(request),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    /// The one record asked for is unknown: archived already. Anything else is a refusal like any other.
    fn refused(&mut self, response: &Response) -> Next {
        let unknown = reply::is_unknown_record(response) && self.replies.open().len() == 1;
        Next::Ended(if unknown {
            self.replies.answer(&items::gone())
        } else {
            reply::whole(response, &self.access.external_id_property).answer(&mut self.replies)
        })
    }
}

impl Exchange for Archive {
    fn begin(&mut self) -> Next {
        match request::read(&self.call, &self.access, &mut self.replies) {
            Ok(Some(request)) => Next::Send(request),
            Ok(None) => Next::Ended(self.replies.answer(&reply::unanswered(None))),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    fn answered(&mut self, response: &Response) -> Next {
        let Some(found) = self.found.take() else {
            return self.read(response);
        };
        if response.status == 204 {
            for it in found {
                self.replies.give(it.input, Reply::Applied { record_id: it.record_id, created: false });
            }
            return Next::Ended(self.replies.answer(&reply::unanswered(Some(response.status))));
        }
        Next::Ended(match reply::batch(response) {
            Ok(batch) => {
                let rest = items::archived(&found, &batch, response.status, &mut self.replies);
                self.replies.answer(&rest)
            }
            Err(()) => reply::whole(response, &self.access.external_id_property).answer(&mut self.replies),
        })
    }
}

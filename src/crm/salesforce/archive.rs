//! The exchange that archives: record ids are queried by the external ID, then those records are deleted.
//! Not here: how requests and answers are spelled. What is gone already counts as archived.

use super::items::{self, Found, Rows};
use super::request::Query;
use super::{reply, request};
use crate::crm::replies::Replies;
use crate::crm::whole::Whole;
use crate::crm::{Access, Exchange, Next, Response};
use crate::model::{Call, Fault, Reason};
use std::sync::Arc;

pub(super) struct Archive {
    call: Call,
    access: Arc<Access>,
    replies: Replies,
    /// Once queried: which input is which record.
    found: Option<Vec<Found>>,
}

impl Archive {
    pub(super) fn new(call: Call, access: Arc<Access>) -> Self {
        let replies = Replies::for_inputs(call.inputs.len());
        Self { call, access, replies, found: None }
    }

    fn queried(&mut self, response: &Response) -> Next {
        let rows =
            if response.status == 200 { Rows::read(&response.body, &self.access.external_id_property) } else { None };
        let Some(rows) = rows else { return self.refused(response) };
        let mut found = Vec::new();
        for input in self.replies.open() {
            match rows.find(&self.call, input) {
                Ok(Some(record)) => found.push(record),
                Ok(None) => self.replies.give(input, items::gone()),
                Err(reply) => self.replies.give(input, reply),
            }
        }
        if found.is_empty() {
            return Next::Ended(self.replies.answer(&reply::unanswered(Some(response.status))));
        }
        let request = request::delete(&self.access, &records(&found));
        self.found = Some(found);
        match request {
            Ok(request) => Next::Send(request),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    fn deleted(&mut self, found: &[Found], response: &Response) -> Next {
        let records = records(found);
        let Ok(results) = reply::results(response, records.len()) else { return self.refused(response) };
        for (record, result) in records.iter().zip(results) {
            let reply = items::deleted(result, response.status);
            for it in found.iter().filter(|it| it.record_id == *record) {
                self.replies.give(it.input, reply.clone());
            }
        }
        Next::Ended(self.replies.answer(&reply::unanswered(Some(response.status))))
    }

    fn refused(&mut self, response: &Response) -> Next {
        let whole = reply::whole(response, &self.access.external_id_property);
        Next::Ended(whole.answer(&mut self.replies))
    }
}

impl Exchange for Archive {
    fn begin(&mut self) -> Next {
        match request::query(&self.call, &self.access, &mut self.replies) {
            Ok(Query::Fits(request)) => Next::Send(*request),
            Ok(Query::Nothing) => Next::Ended(self.replies.answer(&reply::unanswered(None))),
            // Smaller calls follow, and fit.
            Ok(Query::TooLong) => Next::Ended(Whole::Refused(too_long()).answer(&mut self.replies)),
            Err(reply) => Next::Ended(self.replies.answer(&reply)),
        }
    }

    fn answered(&mut self, response: &Response) -> Next {
        match self.found.take() {
            None => self.queried(response),
            Some(found) => self.deleted(&found, response),
        }
    }
}

/// Each record once: two external IDs that differ by case may be one.
fn records(found: &[Found]) -> Vec<&str> {
    let mut records: Vec<&str> = Vec::with_capacity(found.len());
    for it in found {
        if !records.contains(&&*it.record_id) {
            records.push(&it.record_id);
        }
    }
    records
}

fn too_long() -> Fault {
    let message = "the external ids are too long for one query; asked again in smaller calls".to_owned();
    Fault { reason: Reason::BadRequest, status: None, code: None, message, retry_after: None }
}

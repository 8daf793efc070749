//! What a Zoho response means as a whole: rows, one per record, or a refusal of the request.
//! Not here: the single rows (`items`), the words of an error (`fault`).

use super::fault::{Class, Words};
use super::usage;
use crate::crm::Response;
use crate::crm::whole::Whole;
use crate::model::{Fault, Reason, Reply};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Rows {
    data: Vec<Value>,
}

/// The rows in `response`, if they are as many as the records that were sent. Rows of failures come with any status
/// of a client error, and beside rows of success with any of success.
pub(super) fn rows(response: &Response, sent: usize) -> Option<Vec<Value>> {
    let status = response.status;
    if !(200..=299).contains(&status) && (!(400..=499).contains(&status) || matches!(status, 401 | 429)) {
        return None;
    }
    let Rows { data } = serde_json::from_slice(&response.body).ok()?;
    (data.len() == sent).then_some(data)
}

/// Whether the one record that a delete was for is not there, said without a row.
pub(super) fn is_gone(response: &Response) -> bool {
    matches!(response.status, 200..=299 | 400 | 404) && Words::of_body(&response.body).speaks_of_no_record()
}

/// Judges a response without rows. `id_field`: the field whose conflict is a race of two upserts.
pub(super) fn whole(response: &Response, id_field: &str) -> Whole {
    let status = response.status;
    let words = Words::of_body(&response.body);
    if status == 429 || words.is_limit() {
        let fault = words.fault(Reason::RateLimited, Some(status), usage::wait(response));
        return if usage::is_of_the_day(response) { Whole::Account(fault) } else { Whole::Failed(fault) };
    }
    // Success may have an error inside; of a server's error the status says more.
    let class =
        if (200..=299).contains(&status) || (400..=499).contains(&status) { words.class(id_field) } else { None };
    let fault = |words: Words, reason| words.fault(reason, Some(status), response.retry_after);
    match class {
        Some(Class::Account(reason)) => Whole::Account(fault(words, reason)),
        Some(Class::Transient(reason)) => Whole::Failed(fault(words, reason)),
        Some(Class::Blameless(reason)) => Whole::Forbidden(fault(words, reason)),
        Some(Class::Permanent(reason)) => Whole::Refused(fault(words, reason)),
        None => of_status(status, |reason| fault(words, reason)),
    }
}

fn of_status(status: u16, fault: impl FnOnce(Reason) -> Fault) -> Whole {
    match status {
        200..=299 => Whole::Failed(wanted(Some(status), "the answer has not one row per record")),
        401 => Whole::Account(fault(Reason::Unauthorized)),
        408 | 425 => Whole::Failed(fault(Reason::of_status(status))),
        400..=499 => Whole::Refused(fault(Reason::of_status(status))),
        _ => Whole::Failed(fault(Reason::of_status(status))),
    }
}

/// The reply to an input of which an answer says nothing.
pub(super) fn unanswered(status: Option<u16>) -> Reply {
    Reply::Transient(wanted(status, "the answer says nothing of this input"))
}

/// A fault for an answer that lacks what it ought to say.
pub(super) fn wanted(status: Option<u16>, message: &str) -> Fault {
    Fault { reason: Reason::MalformedResponse, status, code: None, message: message.to_owned(), retry_after: None }
}

//! What a Salesforce response means as a whole: a list of results, or a refusal of the request.
//! Not here: the single results (`items`), the words of an error (`fault`).

use super::fault::{Class, Words};
use crate::crm::Response;
use crate::crm::whole::Whole;
use crate::model::{Fault, Reason, Reply};
use serde_json::value::RawValue;

/// The results in `response`, if they are as many as the records that were sent: Salesforce answers in their order.
pub(super) fn results(response: &Response, sent: usize) -> Result<Vec<&RawValue>, ()> {
    if response.status != 200 {
        return Err(());
    }
    let results: Vec<&RawValue> = serde_json::from_slice(&response.body).map_err(|_| ())?;
    if results.len() == sent { Ok(results) } else { Err(()) }
}

/// Judges a response that is no list of results. `id_field`: the field whose conflict is a race of two upserts.
/// Codes and classes: REST API guide, status codes and error responses, and bodies seen in public threads.
pub(super) fn whole(response: &Response, id_field: &str) -> Whole {
    let status = response.status;
    if status < 300 {
        return Whole::Failed(wanted(Some(status), "the answer is no list with one result per record"));
    }
    let words = Words::of_body(&response.body);
    let class = if (400..=499).contains(&status) { words.class(id_field) } else { None };
    // Of the path or of the user: no record is to blame, and none would fare better alone.
    let blameless = words.code_is("INVALID_TYPE");
    let fault = |words: Words, reason| words.fault(reason, Some(status), response.retry_after);
    match class {
        Some(Class::Account(reason)) => Whole::Account(fault(words, reason)),
        Some(Class::Transient(reason)) => Whole::Failed(fault(words, reason)),
        Some(Class::Permanent(reason @ (Reason::Forbidden | Reason::NotFound))) => {
            Whole::Forbidden(fault(words, reason))
        }
        Some(Class::Permanent(reason)) if blameless => Whole::Forbidden(fault(words, reason)),
        Some(Class::Permanent(reason)) => Whole::Refused(fault(words, reason)),
        None => of_status(status, |reason| fault(words, reason)),
    }
}

fn of_status(status: u16, fault: impl FnOnce(Reason) -> Fault) -> Whole {
    match status {
        // Several records have this value of a field that is not unique.
        300 => Whole::Refused(fault(Reason::AmbiguousRecord)),
        401 => Whole::Account(fault(Reason::Unauthorized)),
        408 | 425 | 429 => Whole::Failed(fault(Reason::of_status(status))),
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

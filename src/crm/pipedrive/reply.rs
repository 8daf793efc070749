//! What a Pipedrive response means for the one input of its call: done, gone, or which fault.
//! Not here: the words of an error (`fault`), what a search found (`found`).

use super::fault::Words;
use super::usage::{SHUT_OUT, is_of_the_day, is_shut_out, wait};
use crate::crm::Response;
use crate::model::{Answer, Fault, Reason, Reply};
use std::time::Duration;

/// Whether a response says that all went well, by its status and by its body.
pub(super) fn is_well(response: &Response) -> bool {
    matches!(response.status, 200 | 201) && Words::of_body(&response.body).success != Some(false)
}

/// Whether the record is not there: deleted, merged into another, or never was.
pub(super) fn is_missing(response: &Response) -> bool {
    match stated(response) {
        Stated::Refused(404 | 410) => true,
        Stated::Refused(_) | Stated::Nothing => false,
    }
}

/// The record of a change that is gone: another try looks for it anew.
pub(super) fn gone(response: &Response) -> Answer {
    let mut fault = Words::of_body(&response.body).fault(Reason::NotFound, response.status, None);
    if is_well(response) {
        "the record is deleted".clone_into(&mut fault.message);
    }
    alone(Reply::Gone(fault))
}

/// Judges a response that did not do what was asked. Classes: response codes of the API's guide.
pub(super) fn refused(response: &Response) -> Answer {
    let words = Words::of_body(&response.body);
    if is_shut_out(response, &words) {
        let retry_after = Some(response.retry_after.unwrap_or(SHUT_OUT));
        let message =
            "Cloudflare answers in Pipedrive's place: too many calls came after a limit was reached".to_owned();
        let (reason, status) = (Reason::RateLimited, Some(403));
        return alone(Reply::Account(Fault { reason, status, code: None, message, retry_after }));
    }
    let daily = is_of_the_day(response, &words);
    let status = match stated(response) {
        Stated::Refused(status) => status,
        // Nothing was done, and why is not said.
        Stated::Nothing if words.success == Some(false) => {
            let fault = words.fault(Reason::OtherClientError, response.status, response.retry_after);
            return alone(Reply::Transient(fault));
        }
        Stated::Nothing => return Answer::Failed(senseless(response.status)),
    };
    let fault = |retry_after: Option<Duration>| words.fault(Reason::of_status(status), response.status, retry_after);
    match status {
        // The account is not open, or not paid: no input is to blame.
        401 | 402 => alone(Reply::Account(fault(response.retry_after))),
        429 if daily => alone(Reply::Account(fault(response.retry_after))),
        429 => Answer::Failed(fault(wait(response))),
        408 | 425 => Answer::Failed(fault(response.retry_after)),
        400..=499 | 501 => alone(Reply::Permanent(fault(None))),
        _ => Answer::Failed(fault(response.retry_after)),
    }
}

/// A fault for an answer that lacks what it ought to say.
pub(super) fn senseless(status: u16) -> Fault {
    let message = "the answer is none to what was asked".to_owned();
    Fault { reason: Reason::MalformedResponse, status: Some(status), code: None, message, retry_after: None }
}

/// Calls have one input.
pub(super) fn alone(reply: Reply) -> Answer {
    Answer::Each(vec![reply])
}

enum Stated {
    /// With this status, of the answer, or within an answer of 200.
    Refused(u16),
    Nothing,
}

fn stated(response: &Response) -> Stated {
    let words = Words::of_body(&response.body);
    match response.status {
        400..=599 => Stated::Refused(response.status),
        200..=299 if words.success == Some(false) => words.status.map_or(Stated::Nothing, Stated::Refused),
        _ => Stated::Nothing,
    }
}

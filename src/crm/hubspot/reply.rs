//! What a HubSpot response means as a whole: a batch result, or a refusal of the call.
//! Not here: the single items of a batch result (`items`), the words of an error (`fault`).

use super::fault::{Words, wanted};
use crate::crm::Response;
use crate::crm::whole::Whole;
use crate::model::{Fault, Reason, Reply};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// HubSpot asks for at least 2 s between requests after a 423.
const LOCKED_WAIT: Duration = Duration::from_secs(2);

/// A batch result; every member may be missing.
#[derive(Debug, Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) results: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    pub(super) errors: Option<&'a RawValue>,
}

/// One record of a batch result.
#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) new: Option<&'a RawValue>,
    #[serde(borrow, rename = "objectWriteTraceId")]
    pub(super) trace: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) properties: Option<&'a RawValue>,
}

/// The batch result in `response`, if it is one: a status of success and a body that has results or errors.
pub(super) fn batch(response: &Response) -> Result<Batch<'_>, ()> {
    if !(200..300).contains(&response.status) {
        return Err(());
    }
    let batch: Batch<'_> = serde_json::from_slice(&response.body).map_err(|_| ())?;
    if batch.results.is_none() && batch.errors.is_none() { Err(()) } else { Ok(batch) }
}

/// Judges a response that is no batch result. `id_property`: the property whose conflict is a race of two upserts.
/// Codes and classes: HubSpot's error-handling guide, and bodies seen in public threads.
pub(super) fn whole(response: &Response, id_property: &str) -> Whole {
    let status = response.status;
    let words = Words::of_body(&response.body);
    let daily = words.is_daily();
    let race = words.is_conflict_of(id_property);
    let conflict = words.is_conflict();
    let scopes = words.category_is("MISSING_SCOPES");
    let fault = words.fault(reason(status, conflict), Some(status), response.retry_after);
    match status {
        401 | 477 => Whole::Account(fault),
        429 if daily => Whole::Account(fault),
        423 => {
            Whole::Failed(Fault { retry_after: Some(fault.retry_after.unwrap_or_default().max(LOCKED_WAIT)), ..fault })
        }
        408 | 425 | 429 => Whole::Failed(fault),
        403 if scopes => Whole::Forbidden(fault),
        400 | 409 if race => Whole::Failed(fault),
        400..=499 => Whole::Refused(fault),
        _ => Whole::Failed(fault),
    }
}

fn reason(status: u16, conflict: bool) -> Reason {
    match status {
        400 if conflict => Reason::Conflict,
        423 => Reason::RateLimited,
        477 => Reason::Unavailable,
        _ => Reason::of_status(status),
    }
}

/// Whether HubSpot says that it does not know the record asked for (and not, say, the object or the path).
pub(super) fn is_unknown_record(response: &Response) -> bool {
    response.status == 404 && Words::of_body(&response.body).category_is("OBJECT_NOT_FOUND")
}

/// The reply to an input of which an answer says nothing.
pub(super) fn unanswered(status: Option<u16>) -> Reply {
    Reply::Transient(wanted(status, "the answer says nothing of this input"))
}

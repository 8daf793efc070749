//! Answers in Salesforce's shapes: errors of whole requests, and results of single records.
//! Not here: when each is given.

use serde_json::{Value, json};

use crate::simulated::{
    answer::{Answer, Refusal},
    words::Policy,
};

/// The refusal of a whole request: an array of one error.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let body = json!([{ "message": refusal.message, "errorCode": refusal.category }]);
    Answer::json(refusal.status, &body)
}

/// A record that was not written: it has no id.
pub(super) fn failed(refusal: &Refusal) -> Value {
    let fields = refusal.errors.clone().unwrap_or_else(|| json!([]));
    json!({
        "success": false,
        "errors": [{ "statusCode": refusal.category, "message": refusal.message, "fields": fields }]
    })
}

/// The refusal of one record for these fields.
pub(super) fn of_fields(code: &str, message: impl Into<String>, fields: &[&str]) -> Refusal {
    Refusal { errors: Some(json!(fields)), ..Refusal::new(400, code, message) }
}

/// 403, not 429, and without a word on when there will be more.
pub(super) fn limited(policy: Policy) -> Answer {
    let message = match policy {
        Policy::Daily => "TotalRequests Limit exceeded.",
        Policy::Burst | Policy::Search | Policy::Concurrent | Policy::Blocked => {
            "ConcurrentPerOrgLongTxn Limit exceeded."
        }
    };
    refused(&Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", message))
}

pub(super) fn expired() -> Answer {
    refused(&Refusal::new(401, "INVALID_SESSION_ID", "Session expired or invalid"))
}

pub(super) fn not_found() -> Answer {
    refused(&Refusal::new(404, "NOT_FOUND", "The requested resource does not exist"))
}

/// Several records have the value: an array of their paths.
pub(super) fn several(object: &str, ids: &[String]) -> Answer {
    let paths: Vec<String> = ids.iter().map(|id| path(object, id)).collect();
    Answer::json(300, &paths)
}

pub(super) fn path(object: &str, id: &str) -> String {
    format!("/services/data/v66.0/sobjects/{object}/{id}")
}

/// An error answer with the body that goes with its status.
pub(super) fn error(status: u16) -> Answer {
    let (code, message) = match status {
        300 => return several("Contact", &["003000000000001AAA".to_owned(), "003000000000002AAA".to_owned()]),
        400 => ("JSON_PARSER_ERROR", "The request cannot be parsed."),
        401 => return expired(),
        403 => ("INSUFFICIENT_ACCESS", "insufficient access rights on object id"),
        404 => return not_found(),
        502 | 504 => return Answer::html(status),
        503 => ("SERVER_UNAVAILABLE", "Server Unavailable"),
        _ => ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    };
    refused(&Refusal::new(status, code, message))
}

//! Answers in Zoho's shapes: errors of whole requests, and rows of single records.
//! Not here: when each is given.

use axum::http::HeaderName;
use serde_json::{Map, Value, json};

use super::settings::Settings;
use crate::simulated::{
    answer::{Answer, Refusal},
    words::Policy,
};

/// The refusal of a whole request: an error without `data` around it.
pub(super) fn bare(refusal: &Refusal) -> Answer {
    Answer::json(refusal.status, &failed(refusal, None))
}

/// A record that was not written. `place`: its place in the request, which `json_path` points at.
pub(super) fn failed(refusal: &Refusal, place: Option<usize>) -> Value {
    let mut details = match &refusal.errors {
        Some(Value::Object(details)) => details.clone(),
        Some(_) | None => Map::new(),
    };
    let field = details.get("api_name").and_then(Value::as_str);
    let path = place.zip(field).map(|(place, field)| format!("$.data[{place}].{field}"));
    details.extend(path.map(|path| ("json_path".to_owned(), json!(path))));
    json!({ "code": refusal.category, "details": details, "message": refusal.message, "status": "error" })
}

/// The refusal of one record for a field.
pub(super) fn of_field(code: &str, message: &str, field: &str) -> Refusal {
    Refusal { errors: Some(json!({ "api_name": field })), ..Refusal::new(400, code, message) }
}

/// One row per record, in their order; the status says whether all, some or none succeeded.
pub(super) fn rows(rows: &[Value], settings: &Settings) -> Answer {
    let well = rows.iter().filter(|row| row["status"] == "success").count();
    let status = match well {
        0 => settings.failed_status,
        _ if well == rows.len() => 200,
        _ => settings.mixed_status,
    };
    Answer::json(status, &json!({ "data": rows }))
}

/// One code for both limits, and without a word on when there will be more.
pub(super) fn limited(policy: Policy) -> Answer {
    let answer = bare(&Refusal::new(429, "TOO_MANY_REQUESTS", "too many requests"));
    match policy {
        Policy::Daily => answer.with_header(HeaderName::from_static("x-api-credits-remaining"), "0"),
        Policy::Burst | Policy::Search | Policy::Concurrent | Policy::Blocked => answer,
    }
}

pub(super) fn expired() -> Answer {
    bare(&Refusal::new(401, "INVALID_TOKEN", "invalid oauth token"))
}

pub(super) fn no_such_path() -> Answer {
    bare(&Refusal::new(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"))
}

/// An error answer with the body that goes with its status.
pub(super) fn error(status: u16) -> Answer {
    let (code, message) = match status {
        400 => ("INVALID_DATA", "invalid data"),
        401 => return expired(),
        403 => ("NO_PERMISSION", "Permission denied"),
        404 => return no_such_path(),
        412 => ("ALREADY_MODIFIED", "record has been modified since"),
        429 => return limited(Policy::Concurrent),
        502..=504 => return Answer::html(status),
        _ => ("INTERNAL_ERROR", "Internal Server Error"),
    };
    bare(&Refusal::new(status, code, message))
}

//! How an answer looks: JSON, never stored by anyone on the way; a refusal says what is wrong and what to do.
//! Not here: when which answer is given.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// An answer with a JSON body.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(text) => with_type(status, "application/json", text),
        Err(error) => {
            tracing::warn!(%error, "answer cannot be written as json");
            with_type(StatusCode::INTERNAL_SERVER_ERROR, "application/json", b"{}".to_vec())
        }
    }
}

/// `{"error": what, "hint": hint}`.
pub(super) fn refusal(status: StatusCode, what: &str, hint: &str) -> Response {
    answer(status, &json!({ "error": what, "hint": hint }))
}

/// A refusal that is worth another try after so many seconds.
pub(super) fn later(status: StatusCode, what: &str, hint: &str, seconds: u16) -> Response {
    let mut response = refusal(status, what, hint);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

pub(super) fn with_type(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}

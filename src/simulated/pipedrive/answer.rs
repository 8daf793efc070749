//! Answers in Pipedrive's envelope, and the page that a proxy answers in its place.
//! Not here: when each is given.

use serde_json::{Value, json};

use crate::simulated::{
    answer::{Answer, Refusal},
    words::Policy,
};

pub(super) fn well(data: &Value) -> Answer {
    Answer::json(200, &json!({ "success": true, "data": data }))
}

/// As for a found page of records.
pub(super) fn page(data: &[Value], next: Option<String>) -> Answer {
    Answer::json(200, &json!({ "success": true, "data": data, "additional_data": { "next_cursor": next } }))
}

pub(super) fn refused(refusal: &Refusal) -> Answer {
    let mut body = json!({
        "success": false,
        "error": refusal.message,
        "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API.",
        "data": null,
        "additional_data": null
    });
    if let (false, Some(members)) = (refusal.category.is_empty(), body.as_object_mut()) {
        members.insert("code".to_owned(), json!(refusal.category));
    }
    Answer::json(refusal.status, &body)
}

/// Success by its status, and a refusal by its body.
pub(super) fn refused_within(refusal: &Refusal) -> Answer {
    let body = json!({
        "success": false, "error": refusal.message, "errorCode": refusal.status, "code": refusal.category, "data": null
    });
    Answer::json(200, &body)
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "", message)
}

pub(super) fn not_found() -> Refusal {
    Refusal::new(404, "", "Item not found")
}

/// 429, until Cloudflare answers: 403.
pub(super) fn limited(policy: Policy) -> Answer {
    let message = match policy {
        Policy::Blocked => return Answer::html(403),
        Policy::Daily => "Daily API token budget exceeded",
        Policy::Burst | Policy::Search | Policy::Concurrent => "Rate limit exceeded",
    };
    Answer::json(429, &json!({ "success": false, "error": message, "errorCode": 429 }))
}

/// By the gateway, before anything of the API.
pub(super) fn unauthorized() -> Answer {
    let body = json!({
        "success": false,
        "error": "unauthorized access",
        "errorCode": 401,
        "error_info": "Please check developers.pipedrive.com"
    });
    Answer::json(401, &body)
}

/// An error answer with the body that goes with its status.
pub(super) fn error(status: u16) -> Answer {
    match status {
        401 => unauthorized(),
        402 => refused(&Refusal::new(402, "", "Company account is not open")),
        403 => refused(&Refusal::new(403, "feature_capping_deals_limit", "Open deals limit reached.")),
        404 => refused(&not_found()),
        410 => refused(&Refusal::new(410, "", "Item was deleted")),
        429 => limited(Policy::Burst),
        502 | 504 => Answer::html(status),
        _ => refused(&Refusal::new(status, "", "Something went wrong")),
    }
}

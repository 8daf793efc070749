//! Answers in HubSpot's shapes: bodies of results and of each kind of error.
//! Not here: when each is given.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::limits::Policy;

/// An answer before its common headers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why HubSpot refuses a call or one input of it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) category: String,
    pub(super) message: String,
    /// The `errors` member, where the real one has it.
    pub(super) errors: Option<Value>,
}

impl Refusal {
    pub(super) fn new(status: u16, category: &str, message: impl Into<String>) -> Self {
        Self { status, category: category.to_owned(), message: message.into(), errors: None }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub(super) fn with_errors(mut self, errors: Value) -> Self {
        self.errors = Some(errors);
        self
    }

    /// The refusal of a whole call.
    pub(super) fn answer(&self, correlation: &str) -> Answer {
        let mut body = json!({
            "status": "error", "message": self.message, "correlationId": correlation, "category": self.category
        });
        if let (Some(errors), Some(members)) = (&self.errors, body.as_object_mut()) {
            members.insert("errors".to_owned(), errors.clone());
        }
        Answer::json(self.status, &body)
    }
}

impl Answer {
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
        Self { status, headers, body: Bytes::from(body) }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn html(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status} error</title></head>\n\
             <body><center><h1>{status} error</h1></center><hr><center>cloudflare</center></body></html>\n"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
        Self { status, headers, body: Bytes::from(page) }
    }

    /// The edge and the servers behind it: a short body without a category.
    pub(super) fn server_error(status: u16, correlation: &str) -> Self {
        let message = if status == 503 { "service unavailable" } else { "internal error" };
        Self::json(status, &json!({ "status": "error", "message": message, "correlationId": correlation }))
    }

    /// 404 of a record or property, with the header that marks it as HubSpot's own.
    pub(super) fn not_found(message: &str, correlation: &str) -> Self {
        Refusal::new(404, "OBJECT_NOT_FOUND", message)
            .answer(correlation)
            .with_header(HeaderName::from_static("x-hubspot-notfound"), "true")
    }

    /// The three bodies of 429. None carries Retry-After.
    pub(super) fn limited(policy: Policy, hub_id: u64, correlation: &str) -> Self {
        let body = match policy {
            Policy::Burst => json!({
                "status": "error", "message": "You have reached your ten_secondly_rolling limit.",
                "errorType": "RATE_LIMIT", "correlationId": correlation, "policyName": "TEN_SECONDLY_ROLLING",
                "groupName": format!("publicapi:private_app-api-calls-ten-secondly:{hub_id}:26892217")
            }),
            Policy::Daily => json!({
                "status": "error", "message": "You have reached your daily limit.", "errorType": "RATE_LIMIT",
                "correlationId": correlation, "policyName": "DAILY", "requestId": correlation
            }),
            Policy::Search => json!({
                "status": "error", "message": "You have reached your secondly limit.",
                "correlationId": correlation, "category": "RATE_LIMITS"
            }),
        };
        Self::json(429, &body)
    }

    pub(super) fn unauthorized(expired: bool, correlation: &str) -> Self {
        let (category, message) = match expired {
            true => ("EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 2 second(s) ago."),
            false => (
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find \
                 more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            ),
        };
        Refusal::new(401, category, message).answer(correlation)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(super) fn into_response(self, common: HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        response.headers_mut().extend(common);
        response
    }
}

//! Answers in HubSpot's shapes: bodies of results and of each kind of error.
//! Not here: when each is given.

use axum::http::HeaderName;
use serde_json::{Value, json};

use crate::simulated::{
    answer::{Answer, Refusal},
    words::Policy,
};

impl Refusal {
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
            Policy::Burst | Policy::Concurrent | Policy::Blocked => json!({
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
}

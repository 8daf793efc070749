//! The token endpoint of Zoho's accounts server: a refresh token for an access token of an hour.
//! Not here: the authorization page, where refresh tokens come from (`Accounts::grant`).

use axum::http::{Method, header, request::Parts};
use serde_json::json;

use super::{Accounts, settings::Settings};
use crate::simulated::{answer::Answer, grants::Refused, query::pairs};

const PATH: &str = "/oauth/v2/token";

/// Answers what needs no access token; `None`: it does. Parameters stand in the query or in a form.
pub(super) fn answer(accounts: &Accounts, head: &Parts, body: &[u8]) -> Option<Answer> {
    if head.uri.path() != PATH {
        return None;
    }
    if head.method != Method::POST {
        return Some(Answer::html(405));
    }
    let mut given = pairs(head.uri.query().unwrap_or_default());
    given.extend(pairs(&String::from_utf8_lossy(body)));
    let text = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    if text("grant_type") != "refresh_token" {
        return Some(wrong("invalid_request"));
    }
    let rules = |settings: &Settings| settings.tokens;
    let refreshed = accounts.refresh(text("refresh_token"), (text("client_id"), text("client_secret")), rules);
    Some(match refreshed {
        Ok((access_token, life)) => {
            let host = head.headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or("127.0.0.1");
            Answer::json(
                200,
                &json!({
                    "access_token": access_token, "api_domain": format!("http://{host}"),
                    "token_type": "Bearer", "expires_in": life.as_secs()
                }),
            )
        }
        Err(Refused::Unknown) => wrong("invalid_code"),
        Err(Refused::Client) => wrong("invalid_client"),
        Err(Refused::TooMany) => Answer::json(
            400,
            &json!({
                "error_description":
                    "You have made too many requests continuously. Please try again after some time.",
                "error": "Access Denied",
                "status": "failure"
            }),
        ),
    })
}

/// Success by its status.
fn wrong(error: &str) -> Answer {
    Answer::json(200, &json!({ "error": error }))
}

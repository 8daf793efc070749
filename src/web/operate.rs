//! What an operator does over HTTP: `POST /api/v1/pause`, `/api/v1/resume`, and the question why something waits.
//! Not here: what a wish means, the sentences (`ops`).

use crate::model::{ConnectionId, Millis, TenantId};
use crate::ops::{Act, AppendFault, Wish, command, explain, give};
use crate::web::answer::{answer, later, refusal};
use crate::web::body::read;
use crate::web::jobs::Door;
use crate::web::listen::Faces;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;

const HARMLESS: &str = "some shards may have heard it; send it again: a command given twice is one";
/// The loop turns at least once a second.
const EXPLAIN_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn pause(State(door): State<Door>, body: Body) -> Response {
    act(&door, Act::Pause, body).await
}

pub(super) async fn resume(State(door): State<Door>, body: Body) -> Response {
    act(&door, Act::Resume, body).await
}

async fn act(door: &Door, act: Act, body: Body) -> Response {
    let Ok(body) = read(body, &door.limits).await else {
        return refusal(StatusCode::BAD_REQUEST, "the body broke off or is too large", "send it again");
    };
    let hint = r#"send JSON such as {"scope":"tenant/acme","reason":"why","actor":"who","until":"2h"}"#;
    let wish = match serde_json::from_slice::<Wish>(&body) {
        Ok(wish) => named(wish),
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &format!("no command: {error}"), hint),
    };
    let command = match command(act, &wish, now()) {
        Ok(command) => command,
        Err(fault) => return refusal(StatusCode::BAD_REQUEST, &fault.to_string(), hint),
    };
    match give(&*door.faces.log, &command, door.faces.instance.shards()).await {
        Ok(given) => {
            tracing::info!(action = %given.action, scope = %given.scope, actor = %wish.actor, "command taken over http");
            answer(StatusCode::OK, &given)
        }
        Err(AppendFault::Saturated) => {
            later(StatusCode::TOO_MANY_REQUESTS, "the log takes no more for now", HARMLESS, 1)
        }
        Err(AppendFault::Unavailable { what }) => later(StatusCode::SERVICE_UNAVAILABLE, &what, HARMLESS, 5),
        Err(AppendFault::Refused { what }) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &what, HARMLESS),
    }
}

/// Nobody is called nobody.
fn named(wish: Wish) -> Wish {
    if wish.actor.trim().is_empty() { Wish { actor: "somebody over http".to_owned(), ..wish } } else { wish }
}

/// `GET /api/v1/explain?about=acme` or `?about=acme/hubspot`.
pub(super) async fn explanation(State(faces): State<Arc<Faces>>, RawQuery(query): RawQuery) -> Response {
    let hint = "ask for /api/v1/explain?about=tenant or ?about=tenant/connection";
    let about = query.as_deref().and_then(about).filter(|it| !it.is_empty());
    let Some(about) = about else {
        return refusal(StatusCode::BAD_REQUEST, "it does not say about what", hint);
    };
    let (tenant, connection) = split(&about);
    match timeout(EXPLAIN_WITHIN, faces.instance.explain(tenant, connection)).await {
        Ok(Some(explained)) => answer(StatusCode::OK, &explain(&about, &explained)),
        Ok(None) | Err(_) => {
            let what = "the core loop does not answer";
            later(StatusCode::SERVICE_UNAVAILABLE, what, "it may be starting or stopping: see /readyz and the log", 5)
        }
    }
}

/// A tenant's id may hold a slash itself; a connection's name may not.
fn split(about: &str) -> (TenantId, Option<Arc<str>>) {
    match about.rsplit_once('/') {
        Some((tenant, name)) => {
            let id = ConnectionId { tenant: TenantId::from(tenant), name: Arc::from(name) };
            (id.tenant, Some(id.name))
        }
        None => (TenantId::from(about), None),
    }
}

/// The value of `about`, decoded.
fn about(query: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).ok()?;
    url.query_pairs().find(|(name, _)| name == "about").map(|(_, value)| value.into_owned())
}

fn now() -> Millis {
    Millis(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

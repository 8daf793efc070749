//! What probes, scrapers and people read: alive, ready, metrics, status, alerts.
//! Not here: the facts (`ops::Instance`, `telemetry`).

use crate::ops::Liveness;
use crate::web::answer::{answer, refusal, with_type};
use crate::web::listen::Faces;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /healthz`. Says nothing of Kafka: restarting a process does not mend a broker.
pub(super) async fn healthz(State(faces): State<Arc<Faces>>) -> Response {
    let liveness = faces.instance.alive();
    let beat_age = liveness.beat_age.as_secs_f64();
    let body = json!({
        "alive": liveness.is_alive(),
        "beat_age_seconds": beat_age,
        "beat_age_seconds_max": Liveness::BEAT_AGE_MAX.as_secs_f64(),
    });
    answer(ok_if(liveness.is_alive()), &body)
}

/// `GET /readyz`.
pub(super) async fn readyz(State(faces): State<Arc<Faces>>) -> Response {
    let readiness = faces.instance.readiness();
    answer(ok_if(readiness.ready), &readiness)
}

/// `GET /metrics`.
pub(super) async fn metrics(State(faces): State<Arc<Faces>>) -> Response {
    match faces.metrics.text() {
        Ok(text) => with_type(StatusCode::OK, PROMETHEUS_TEXT, text.into_bytes()),
        Err(error) => {
            tracing::warn!(%error, "metrics cannot be written as text");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written", "look into the log of this process")
        }
    }
}

/// `GET /api/v1/status`.
pub(super) async fn status(State(faces): State<Arc<Faces>>) -> Response {
    answer(StatusCode::OK, &faces.instance.status())
}

/// `GET /api/v1/alerts`.
pub(super) async fn alerts(State(faces): State<Arc<Faces>>) -> Response {
    answer(StatusCode::OK, &faces.instance.alerts())
}

fn ok_if(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

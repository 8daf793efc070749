//! The listener from its address to its end: bind, serve, and let requests under way finish.
//! Not here: what any answer says.

use crate::ops::{Instance, JobLog};
use crate::telemetry::Metrics;
use crate::web::answer::refusal;
use crate::web::budget::Budget;
use crate::web::connection::Connections;
use crate::web::gate::{self, Gate};
use crate::web::jobs::Door;
use crate::web::{Limits, health, jobs, operate};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::{ExposeSecret as _, SecretString};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// What is served: the process behind the listener.
pub struct Faces {
    pub instance: Arc<dyn Instance>,
    pub log: Arc<dyn JobLog>,
    pub metrics: Metrics,
}

/// Why there is no listener.
#[derive(Debug, Error)]
pub enum WebFault {
    #[error("{listen} is beyond loopback and no bearer token is set; set [http] bearer_token, or listen on 127.0.0.1")]
    Open { listen: SocketAddr },
    #[error("the bearer token is empty; put a long random text into where [http] bearer_token comes from")]
    EmptyToken,
    #[error("cannot listen on {listen}: {error}; choose another [http] listen, or end what uses it")]
    Bind { listen: SocketAddr, error: io::Error },
}

/// A listener that has its address and serves nobody yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    bearer_token: Option<SecretString>,
    limits: Limits,
}

/// Takes the address; port 0 takes a free one. Called by `app` before anything else starts, so that a second process
/// on the machine fails at once.
///
/// # Errors
/// When the address is taken, or lies beyond loopback without a bearer token.
pub async fn bind(listen: SocketAddr, bearer_token: Option<SecretString>, limits: Limits) -> Result<Bound, WebFault> {
    match &bearer_token {
        None if !listen.ip().is_loopback() => return Err(WebFault::Open { listen }),
        Some(token) if token.expose_secret().trim().is_empty() => return Err(WebFault::EmptyToken),
        None | Some(_) => {}
    }
    let fault = |error| WebFault::Bind { listen, error };
    let listener = TcpListener::bind(listen).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    Ok(Bound { listener, address, bearer_token, limits })
}

impl Bound {
    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends; then no new request is taken, and those under way have the grace of the limits to
    /// finish. Whoever drains the core does that first, so that probes see it.
    pub async fn serve(self, faces: Faces, stop: impl Future<Output = ()> + Send + 'static) {
        let limits = self.limits;
        let router = router(faces, Gate::new(self.bearer_token, limits), limits);
        let (asked, stopping) = oneshot::channel();
        let signal = async move {
            stop.await;
            let _nobody_waits = asked.send(());
        };
        tracing::info!(address = %self.address, "http listener serves");
        let serving = axum::serve(Connections::new(self.listener, &limits), router).with_graceful_shutdown(signal);
        let out_of_grace = async {
            match stopping.await {
                Ok(()) => sleep(limits.grace).await,
                Err(_ended_without_a_word) => pending().await,
            }
        };
        tokio::select! {
            _ended = serving => tracing::info!("http listener ended"),
            () = out_of_grace => tracing::warn!("http listener ended with requests under way"),
        }
    }
}

fn router(faces: Faces, gate: Gate, limits: Limits) -> Router {
    let faces = Arc::new(faces);
    let door = Door { faces: Arc::clone(&faces), budget: Budget::new(&limits), limits };
    let posts = Router::new()
        .route("/v1/jobs", post(jobs::post))
        .route("/api/v1/pause", post(operate::pause))
        .route("/api/v1/resume", post(operate::resume))
        .with_state(door);
    let reads = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/api/v1/status", get(health::status))
        .route("/api/v1/explain", get(operate::explanation))
        .route("/api/v1/alerts", get(health::alerts))
        .with_state(Arc::clone(&faces));
    let behind_the_gate = posts
        .merge(reads)
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(gate, gate::check));
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(faces)
        .method_not_allowed_fallback(not_allowed);
    open.merge(behind_the_gate)
}

async fn unknown() -> Response {
    let hint = "there are /healthz, /readyz, /metrics, /api/v1/status, /api/v1/alerts, /api/v1/explain, POST /api/v1/pause, POST \
                /api/v1/resume and POST /v1/jobs";
    refusal(StatusCode::NOT_FOUND, "there is nothing at this path", hint)
}

async fn not_allowed() -> Response {
    refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path knows another method",
        "POST /v1/jobs, /api/v1/pause and /api/v1/resume, GET all others",
    )
}

//! One shared HTTP client for all CRMs: bounded in time and size, following nothing, repeating nothing.
//! Not here: what a response means (the connectors).

use crate::crm::{Request, Response, retry_after, scrub};
use crate::model::{Fault, Reason};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_tls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error;
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::time::{Instant, timeout_at};

/// An idle connection is kept this long; shorter than CRMs' own limits, so that a call seldom meets a closed one.
const IDLE: Duration = Duration::from_secs(30);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("sluicegate/", env!("CARGO_PKG_VERSION")));

/// Bounds of every request.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    pub connect_timeout: Duration,
    /// Largest response body in bytes, whatever its headers say.
    pub body_max: usize,
    /// Idle connections kept per host; fewer than calls in flight would mean a TLS handshake per call.
    pub idle_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(2), body_max: 1024 * 1024, idle_max: 1024 }
    }
}

/// The client could not be made.
#[derive(Debug, ThisError)]
#[error("the HTTP client cannot start: {what}; check the system's TLS library and certificates")]
pub struct HttpError {
    pub what: String,
}

/// Sends requests. Clones share the pool of connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    body_max: usize,
}

impl Http {
    /// # Errors
    /// When the system's TLS cannot be set up.
    pub fn new(limits: &HttpLimits) -> Result<Self, HttpError> {
        let tls = native_tls::TlsConnector::new().map_err(|error| HttpError { what: words(&error) })?;
        let mut tcp = HttpConnector::new();
        // Its own check would refuse https before TLS is asked.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limits.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limits.idle_max)
            .pool_idle_timeout(IDLE)
            .build(HttpsConnector::from((tcp, tls.into())));
        Ok(Self { client, body_max: limits.body_max })
    }

    /// Sends `request` once and reads the whole response before `deadline`.
    ///
    /// # Errors
    /// `Timeout`, `Network` or `MalformedResponse` (a body over the bound). The request may have been carried out
    /// all the same. The message holds no URL.
    pub async fn send(&self, request: Request, deadline: Instant) -> Result<Response, Fault> {
        match timeout_at(deadline, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(fault(Reason::Timeout, None, "no whole answer before the deadline of the call")),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, Fault> {
        let mut sent = http::Request::builder()
            .method(request.method)
            .uri(request.url)
            .header(request.authorization.header, request.authorization.value)
            .header(ACCEPT, JSON)
            .header(CONTENT_TYPE, JSON)
            .header(USER_AGENT, AGENT);
        if let Some((name, value)) = request.special {
            sent = sent.header(name, value);
        }
        let sent = sent
            .body(Full::new(Bytes::from(request.body)))
            .map_err(|error| fault(Reason::Network, None, &words(&error)))?;
        let answer = self.client.request(sent).await.map_err(|error| broken(&error, None))?;
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        let wait = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = wait.and_then(|text| retry_after::parse(text, jiff::Timestamp::now()));
        let body = match Limited::new(body, self.body_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() && status < 400 => {
                return Err(fault(Reason::MalformedResponse, Some(status), "answer larger than 1 MiB"));
            }
            Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
            Err(error) => return Err(broken(&*error, Some(status))),
        };
        Ok(Response { status, headers: head.headers, retry_after, body })
    }
}

/// The connection could not be made, or broke.
fn broken(error: &(dyn Error + 'static), status: Option<u16>) -> Fault {
    let causes = std::iter::successors(Some(error), |it: &&(dyn Error + 'static)| (*it).source());
    let late = |it: &std::io::Error| it.kind() == std::io::ErrorKind::TimedOut;
    let is_late = causes.filter_map(|it| it.downcast_ref()).any(late);
    fault(if is_late { Reason::Timeout } else { Reason::Network }, status, &words(error))
}

fn fault(reason: Reason, status: Option<u16>, message: &str) -> Fault {
    Fault { reason, status, code: None, message: scrub(message), retry_after: None }
}

/// The error and its causes. None of them knows the URL.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;

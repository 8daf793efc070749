//! One shared HTTP client for all CRMs: bounded in time and size, following nothing, repeating nothing.
//! Not here: what a response means (the connectors).

use crate::crm::{Request, Response, retry_after, scrub};
use crate::model::{Fault, Reason};
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use std::error::Error;
use std::time::Duration;
use thiserror::Error as ThisError;
use tokio::time::{Instant, timeout_at};

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
    client: reqwest::Client,
    body_max: usize,
}

impl Http {
    /// # Errors
    /// When the system's TLS cannot be set up.
    pub fn new(limits: &HttpLimits) -> Result<Self, HttpError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let client = reqwest::Client::builder()
            .tls_backend_native()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("sluicegate/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(limits.connect_timeout)
            .pool_max_idle_per_host(limits.idle_max)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| HttpError { what: words(error) })?;
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
        let sent = self.client.post(&request.url).header(AUTHORIZATION, request.authorization).body(request.body);
        let mut response = sent.send().await.map_err(|error| broken(error, None))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = wait.and_then(|text| retry_after::parse(text, jiff::Timestamp::now()));
        let body = match self.body(response).await? {
            Some(body) => body,
            None if status < 400 => {
                return Err(fault(Reason::MalformedResponse, Some(status), "answer larger than 1 MiB"));
            }
            None => Bytes::new(),
        };
        Ok(Response { status, headers, retry_after, body })
    }

    /// The whole body; none if it is over the bound, of which nothing more is read then.
    async fn body(&self, mut response: reqwest::Response) -> Result<Option<Bytes>, Fault> {
        let status = Some(response.status().as_u16());
        let mut whole = BytesMut::new();
        let mut first = Bytes::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(error, status))? {
            if self.body_max < first.len() + whole.len() + chunk.len() {
                return Ok(None);
            }
            if first.is_empty() && whole.is_empty() {
                first = chunk;
                continue;
            }
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&chunk);
        }
        Ok(Some(if whole.is_empty() { first } else { whole.freeze() }))
    }
}

fn broken(error: reqwest::Error, status: Option<u16>) -> Fault {
    let reason = if error.is_timeout() {
        Reason::Timeout
    } else if error.is_decode() {
        Reason::MalformedResponse
    } else {
        Reason::Network
    };
    fault(reason, status, &words(error))
}

fn fault(reason: Reason, status: Option<u16>, message: &str) -> Fault {
    Fault { reason, status, code: None, message: scrub(message), retry_after: None }
}

/// The error and its causes, without the URL.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
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

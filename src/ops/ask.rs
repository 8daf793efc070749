//! Asks a running instance over HTTP: how it stands, why something waits; and hands it commands.
//! Not here: what it answers (`web`), the table (`cli`).

use crate::ops::{Act, Explanation, Given, Status, Wish};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use thiserror::Error;

const PATIENCE: Duration = Duration::from_secs(10);
/// Far above the status of any instance.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there is no status.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AskFault {
    #[error("{url} is no address of an instance: {what}; write it like http://127.0.0.1:9464")]
    Url { url: String, what: String },
    #[error("no answer from {url}: {what}; is an instance running there? `sluicegate run` starts one")]
    Unreachable { url: String, what: String },
    #[error("{url} does not accept the bearer token, or wants one; it is [http] bearer_token of the instance")]
    Unauthorized { url: String },
    #[error("{url} answered with HTTP {status}; look into the instance's log")]
    Refused { url: String, status: u16 },
    #[error("{url} did not answer as an instance does: {what}; is something else listening there?")]
    Strange { url: String, what: String },
}

/// How to reach an instance that listens on `listen` from the same machine.
pub fn instance_url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

/// Asks the instance at `url`, without a proxy, for at most 10 s. Called by `cli`.
///
/// # Errors
/// When there is no answer, or none that makes sense.
pub async fn status(url: &str, bearer_token: Option<&SecretString>) -> Result<Status, AskFault> {
    asked(url, |client, base| client.get(format!("{base}/api/v1/status")), bearer_token).await
}

/// Asks the instance at `url` why what is `about` waits: a tenant, or `tenant/connection`.
///
/// # Errors
/// As `status`.
pub async fn explanation(url: &str, about: &str, bearer_token: Option<&SecretString>) -> Result<Explanation, AskFault> {
    let request = |client: &Client, base: &str| {
        let plain = format!("{base}/api/v1/explain");
        match Url::parse_with_params(&plain, [("about", about)]) {
            Ok(asked) => client.get(asked),
            Err(_unlike_its_base) => client.get(plain),
        }
    };
    asked(url, request, bearer_token).await
}

/// Hands a pause or a resume to the instance at `url`.
///
/// # Errors
/// As `status`.
pub async fn give_to_instance(
    url: &str,
    (act, wish): (Act, &Wish),
    bearer_token: Option<&SecretString>,
) -> Result<Given, AskFault> {
    let path = match act {
        Act::Pause => "pause",
        Act::Resume => "resume",
    };
    let request = |client: &Client, base: &str| client.post(format!("{base}/api/v1/{path}")).json(wish);
    asked(url, request, bearer_token).await
}

async fn asked<T: DeserializeOwned>(
    url: &str,
    request: impl FnOnce(&Client, &str) -> RequestBuilder,
    bearer_token: Option<&SecretString>,
) -> Result<T, AskFault> {
    let url = base(url)?;
    let strange = |what: String| AskFault::Strange { url: url.clone(), what };
    let unreachable = |error: &reqwest::Error| AskFault::Unreachable { url: url.clone(), what: cause(error) };
    let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).no_proxy();
    let client = client.build().map_err(|error| strange(cause(&error)))?;
    let mut request = request(&client, &url);
    if let Some(token) = bearer_token {
        request = request.bearer_auth(token.expose_secret());
    }
    let mut answer = request.send().await.map_err(|error| unreachable(&error))?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(AskFault::Unauthorized { url }),
        other => return Err(AskFault::Refused { url, status: other.as_u16() }),
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        body.extend_from_slice(&part);
        if ANSWER_BYTES_MAX < body.len() {
            return Err(strange(format!("more than {ANSWER_BYTES_MAX} bytes")));
        }
    }
    serde_json::from_slice(&body).map_err(|error| strange(error.to_string()))
}

/// The URL without a slash at its end.
fn base(url: &str) -> Result<String, AskFault> {
    let fault = |what: String| AskFault::Url { url: url.to_owned(), what };
    let parsed = Url::parse(url).map_err(|error| fault(error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" => Ok(url.trim_end_matches('/').to_owned()),
        other => Err(fault(format!("`{other}` is not http or https"))),
    }
}

/// The innermost cause: the outer ones only say that a request failed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
#[path = "ask/tests.rs"]
mod tests;

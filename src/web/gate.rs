//! Who may ask: whoever has the bearer token; without one, only programs on this machine and not pages in its browser.
//! Not here: where the token comes from; what is asked.
//!
//! A page from anywhere can make a browser on this machine send requests to loopback. It betrays itself: by `Origin`, or,
//! where it has made its own name point to 127.0.0.1, by a `Host` that is a name.

use crate::web::Limits;
use crate::web::answer::refusal;
use crate::web::body::pass_over;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Gate {
    bearer_token: Option<Arc<SecretString>>,
    limits: Limits,
}

impl Gate {
    pub(super) fn new(bearer_token: Option<SecretString>, limits: Limits) -> Self {
        Self { bearer_token: bearer_token.map(Arc::new), limits }
    }

    fn refuses(&self, headers: &HeaderMap) -> Option<Response> {
        match &self.bearer_token {
            Some(expected) if has_token(headers, expected.expose_secret()) => None,
            Some(_) => {
                let hint = "send the header `Authorization: Bearer …` with the token of [http] bearer_token";
                let mut response = refusal(StatusCode::UNAUTHORIZED, "no valid bearer token", hint);
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                Some(response)
            }
            None if is_local(headers) => None,
            None => {
                let hint = "without a bearer token only programs on the same machine may ask, by IP address or localhost; set [http] bearer_token for others";
                Some(refusal(StatusCode::FORBIDDEN, "asked by a page of another origin, or under a name", hint))
            }
        }
    }
}

/// Lets the request through or refuses it.
pub(super) async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.refuses(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => {
            pass_over(request.into_body(), &gate.limits).await;
            refusal
        }
    }
}

fn has_token(headers: &HeaderMap, expected: &str) -> bool {
    let Some((scheme, given)) = text(headers, &header::AUTHORIZATION).and_then(|it| it.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("bearer") && is_same(given.trim().as_bytes(), expected.as_bytes())
}

/// Takes the same time wherever the two differ; only their lengths show.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let mut differences = u8::from(given.len() != expected.len());
    for (one, other) in given.iter().zip(expected) {
        differences = black_box(differences | (one ^ other));
    }
    differences == 0
}

fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, &header::HOST) else { return !headers.contains_key(header::ORIGIN) };
    let same_origin = || text(headers, &header::ORIGIN).and_then(|it| it.strip_prefix("http://")) == Some(host);
    is_numeric_or_localhost(host) && (!headers.contains_key(header::ORIGIN) || same_origin())
}

fn is_numeric_or_localhost(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<SocketAddr>().is_ok() || bare.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

/// The header, if it is there once and readable.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let only = all.next()?;
    if all.next().is_some() { None } else { only.to_str().ok() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;

    fn headers(all: &[(HeaderName, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_the_whole_token_opens() {
        let with = |value: &str| has_token(&headers(&[(header::AUTHORIZATION, value)]), "s3cret");
        assert!(with("Bearer s3cret") && with("bearer  s3cret"));
        for wrong in
            ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crett", "Bearer S3cret", "Basic s3cret", "s3cret"]
        {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!has_token(&HeaderMap::new(), "s3cret"));
        let mut twice = headers(&[(header::AUTHORIZATION, "Bearer s3cret")]);
        twice.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert!(!has_token(&twice, "s3cret"));
    }

    #[test]
    fn a_page_in_a_browser_is_not_local() {
        let with = |host: &str, origin: &str| is_local(&headers(&[(header::HOST, host), (header::ORIGIN, origin)]));
        let without = |host: &str| is_local(&headers(&[(header::HOST, host)]));
        assert!(
            ["127.0.0.1:9464", "localhost:9464", "[::1]:9464", "[::1]", "127.0.0.1", "LOCALHOST"]
                .into_iter()
                .all(without)
        );
        assert!(
            !["evil.example:9464", "127.0.0.1.evil.example", "localhost.evil.example:1", ""].into_iter().any(without)
        );
        assert!(with("127.0.0.1:9464", "http://127.0.0.1:9464"));
        assert!(!with("127.0.0.1:9464", "http://evil.example"));
        assert!(!with("127.0.0.1:9464", "null"));
        assert!(!with("127.0.0.1:9464", "http://127.0.0.1:1"));
    }
}

//! The client against small servers: bounds, deadlines, redirects, proxies, broken connections.
//! Not here: any CRM.
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use super::*;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that is gone when dropped.
struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(routes: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Server { url, task: tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }) }
}

/// Answers every connection with these bytes once a request came; then keeps or drops it. Counts connections.
async fn serve_bytes(bytes: Vec<u8>, keep: bool) -> (Server, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let task = tokio::spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _length = stream.read(&mut request).await.unwrap();
            let _written = stream.write_all(&bytes).await;
            if keep {
                open.spawn(async move {
                    let _stream = stream;
                    std::future::pending::<()>().await;
                });
            }
        }
    });
    (Server { url, task }, accepted)
}

fn request(url: String) -> Request {
    let value = HeaderValue::from_static("Bearer pat-secret");
    let authorization = crate::crm::Authorization { header: http::header::AUTHORIZATION, value };
    Request { method: http::Method::POST, url, authorization, special: None, body: b"{}".to_vec() }
}

async fn send(url: String, deadline: Duration) -> Result<Response, Fault> {
    let limits = HttpLimits { body_max: 100_000, ..HttpLimits::default() };
    Http::new(&limits).unwrap().send(request(url), Instant::now() + deadline).await
}

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_answer_comes_back_with_status_headers_and_body() {
    let routes = Router::new().route(
        "/x",
        post(|headers: HeaderMap, body: String| async move {
            assert_eq!(headers["authorization"], "Bearer pat-secret");
            assert_eq!(headers["content-type"], "application/json");
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7"), ("x-left", "3")], body)
        }),
    );
    let server = serve(routes).await;
    let response = send(format!("{}/x", server.url), LONG).await.unwrap();
    assert_eq!((response.status, &*response.body), (429, b"{}".as_slice()));
    assert_eq!(response.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(response.headers["x-left"], "3");
}

#[tokio::test]
async fn a_body_in_many_chunks_is_put_together_up_to_the_bound() {
    for (length, whole) in [(0, true), (1, true), (100_000, true), (100_001, false), (5_000_000, false)] {
        let routes = Router::new().route("/", post(move || async move { "x".repeat(length) }));
        let server = serve(routes).await;
        match send(server.url.clone(), LONG).await {
            Ok(response) => assert!(whole && response.body.len() == length, "{length}"),
            Err(fault) => {
                assert!(!whole, "{length}");
                assert_eq!((fault.reason, fault.status), (Reason::MalformedResponse, Some(200)));
            }
        }
    }
}

#[tokio::test]
async fn an_endless_body_without_a_length_is_left_at_the_bound() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..30 {
        bytes.extend_from_slice(b"2710\r\n");
        bytes.extend_from_slice(&[b'x'; 10_000]);
        bytes.extend_from_slice(b"\r\n");
    }
    let (server, _) = serve_bytes(bytes, true).await;
    assert_eq!(send(server.url.clone(), LONG).await.unwrap_err().reason, Reason::MalformedResponse);
}

#[tokio::test]
async fn an_error_with_too_large_a_body_keeps_its_status() {
    let routes = Router::new().route("/", post(|| async { (StatusCode::UNAUTHORIZED, "x".repeat(200_000)) }));
    let server = serve(routes).await;
    let response = send(server.url.clone(), LONG).await.unwrap();
    assert_eq!((response.status, response.body.len()), (401, 0));
}

#[tokio::test]
async fn a_length_that_lies_is_a_network_fault() {
    let (server, _) = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{}".to_vec(), false).await;
    let fault = send(server.url.clone(), LONG).await.unwrap_err();
    assert!(matches!(fault.reason, Reason::Network | Reason::MalformedResponse), "{fault:?}");
    let huge = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{{}}", u64::MAX - 1);
    let (server, _) = serve_bytes(huge.into_bytes(), false).await;
    assert!(send(server.url.clone(), LONG).await.is_err());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let visited = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&visited);
    let routes =
        Router::new().route("/", post(|| async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/other")]) }));
    let routes = routes.route("/other", post(move || async move { count.fetch_add(1, Ordering::SeqCst).to_string() }));
    let server = serve(routes).await;
    assert_eq!(send(server.url.clone(), LONG).await.unwrap().status, 307);
    assert_eq!(visited.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_slow_answer_and_a_slow_body_end_at_the_deadline() {
    for bytes in [b"".as_slice(), b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"] {
        let (server, _) = serve_bytes(bytes.to_vec(), true).await;
        let started = Instant::now();
        let fault = send(server.url.clone(), Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Timeout);
        assert!(started.elapsed() < LONG);
    }
}

#[tokio::test]
async fn a_connection_dropped_after_the_request_is_a_network_fault_and_nothing_is_sent_again() {
    let (server, accepted) = serve_bytes(Vec::new(), false).await;
    let fault = send(format!("{}/path?token=abc", server.url), LONG).await.unwrap_err();
    assert_eq!((fault.reason, fault.status), (Reason::Network, None));
    assert!(!fault.message.contains("token") && !fault.message.contains("path"), "{}", fault.message);
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nobody_listening_and_nonsense_are_network_faults_without_a_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    for url in [url, "no url".to_owned(), "http://[secret".to_owned(), "ftp://127.0.0.1/secret".to_owned()] {
        let fault = send(url, LONG).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Network);
        assert!(!fault.message.contains("secret"), "{}", fault.message);
    }
    let (server, _) = serve_bytes(b"this is not HTTP\r\n\r\n".to_vec(), false).await;
    assert_eq!(send(server.url.clone(), LONG).await.unwrap_err().reason, Reason::Network);
}

/// The environment belongs to the whole process, so this test runs itself again in one of its own.
#[test]
fn a_proxy_in_the_environment_is_ignored() {
    const INSIDE: &str = "SLUICEGATE_TEST_INSIDE_PROXY";
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(async {
            let server = serve(Router::new().route("/", post(|| async { "direct" }))).await;
            let response = send(server.url.clone(), LONG).await.unwrap();
            assert_eq!(&*response.body, b"direct");
        });
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "crm::http::tests::a_proxy_in_the_environment_is_ignored"]).env(INSIDE, "1");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, "http://127.0.0.1:9");
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

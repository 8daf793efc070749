//! Ends in the middle of something: of the process, of a connection, of patience.
//! Not here: whole requests.

use super::{Served, rest, serve, serve_with, told};
use crate::ops::tests::{Mood, job};
use crate::web::Limits;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const HALF: &str = "POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{";

/// Returns once nobody listens any more.
async fn closed(served: &Served) {
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_although_the_end_was_asked_for() {
    let mut served = serve().await;
    served.log.set(Mood::Held);
    let post = tokio::spawn(told(served.post(job("a", "1"))));
    served.log.arrivals(1).await;
    served.stop();
    closed(&served).await;
    served.log.release(1);
    assert_eq!(post.await.unwrap().0, 202);
    served.ended().await;
    assert_eq!(served.log.count(), 1);
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let mut served = serve().await;
    assert_eq!(told(served.get("/healthz")).await.0, 200);
    let mut fresh = served.say("").await;
    served.stop();
    served.ended().await;
    assert_eq!(rest(&mut fresh).await, "");
}

#[tokio::test]
async fn a_request_that_hangs_holds_up_the_end_for_the_grace_only() {
    let mut served = serve_with(None, Limits { grace: Duration::from_millis(50), ..Limits::default() }).await;
    served.log.set(Mood::Held);
    let post = tokio::spawn(told(served.post(job("a", "1"))));
    served.log.arrivals(1).await;
    served.stop();
    served.ended().await;
    post.abort();
}

#[tokio::test]
async fn half_a_body_is_waited_for_until_its_deadline() {
    let limits = Limits { body_deadline: Duration::from_millis(50), ..Limits::default() };
    let served = serve_with(None, limits).await;
    let mut stream = served.say(HALF).await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
    assert_eq!(served.log.count(), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_gives_its_room_back() {
    // Room for one body: what declares no length takes all of it.
    let limits = Limits { bodies_bytes: 2_000, body_bytes: 2_000, ..Limits::default() };
    let served = serve_with(None, limits).await;
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
    let stream = served.say(head).await;
    while told(served.post(job("a", "1"))).await.0 != 429 {}
    drop(stream);
    while told(served.post(job("a", "1"))).await.0 != 202 {}
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let served = serve_with(None, Limits { idle: Duration::from_millis(50), ..Limits::default() }).await;
    for sent in ["", "GET /healthz HT", HALF] {
        let mut stream = served.say(sent).await;
        assert!(!rest(&mut stream).await.contains("200 OK"), "{sent}");
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_until_one_closes() {
    let served = serve_with(None, Limits { connections: 1, ..Limits::default() }).await;
    let first = served.say("").await;
    let waiting = tokio::spawn(told(served.get("/healthz")));
    let mut second = served.say("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(!waiting.is_finished());
    drop(first);
    // The client keeps its connection for the next request until it is dropped.
    assert_eq!(waiting.await.unwrap().0, 200);
    drop(served.client);
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_http_is_answered_or_dropped_and_the_next_is_served() {
    let served = serve().await;
    for noise in ["\u{16}\u{3}\u{1}", "GET\r\n\r\n", "POST /v1/jobs HTTP/1.1\r\ncontent-length: x\r\n\r\n"] {
        let mut stream = served.say(noise).await;
        stream.shutdown().await.unwrap();
        assert!(!rest(&mut stream).await.contains("HTTP/1.1 2"));
    }
    assert_eq!(told(served.get("/readyz")).await.0, 200);
}

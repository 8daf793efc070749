//! What can be wrong with an instance that is asked.
//! Not here: a sound answer; `web` and `ops` are tested against one another there.
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// The URL of a server that gives one answer to one request.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(0 < stream.read(&mut request).unwrap());
        stream.write_all(answer.as_bytes()).unwrap();
    }));
    url
}

#[tokio::test]
async fn nobody_there_is_said_with_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = status(&instance_url(free), None).await.unwrap_err();
    assert!(matches!(fault, AskFault::Unreachable { .. }), "{fault:?}");
    assert!(fault.to_string().contains("refused"), "{fault}");
}

#[tokio::test]
async fn each_answer_that_is_no_status_is_its_own_fault() {
    let ask = async |answer| status(&answering(answer), None).await.unwrap_err();
    let refused = ask("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert!(matches!(refused, AskFault::Refused { status: 500, .. }), "{refused:?}");
    let moved = ask("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(moved, AskFault::Refused { status: 302, .. }), "{moved:?}");
    let unauthorized = ask("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(unauthorized, AskFault::Unauthorized { .. }), "{unauthorized:?}");
    let strange = ask("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    assert!(matches!(strange, AskFault::Strange { .. }), "{strange:?}");
    let cut = ask("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}").await;
    assert!(matches!(cut, AskFault::Unreachable { .. }), "{cut:?}");
}

#[tokio::test]
async fn what_is_no_url_is_said_so() {
    for url in ["", "127.0.0.1:9464", "localhost:9464", "http://", "http:///", "ftp://127.0.0.1"] {
        let fault = status(url, None).await.unwrap_err();
        assert!(matches!(fault, AskFault::Url { .. }), "{url}: {fault:?}");
    }
}

#[test]
fn an_instance_that_listens_everywhere_is_asked_on_loopback() {
    let url = |listen: &str| instance_url(listen.parse().unwrap());
    assert_eq!(url("0.0.0.0:9464"), "http://127.0.0.1:9464");
    assert_eq!(url("[::]:1"), "http://[::1]:1");
    assert_eq!(url("10.0.1.7:2"), "http://10.0.1.7:2");
}

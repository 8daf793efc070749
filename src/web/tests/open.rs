//! Probes, metrics, status, and who may see them.
//! Not here: posting jobs.

use super::{TOKEN, rest, serve, serve_with, told};
use crate::ops::tests::Mood;
use crate::ops::{self, AskFault, Instance as _, Unready};
use crate::web::{Limits, WebFault, bind};
use secrecy::SecretString;
use std::time::Duration;

#[tokio::test]
async fn alive_means_that_the_loop_has_turned_within_ten_seconds_whatever_the_log_does() {
    let served = serve().await;
    served.log.set(Mood::Held);
    let (status, _, body) = told(served.get("/healthz")).await;
    assert_eq!((status, &body["alive"]), (200, &true.into()));
    *served.instance.beat_age.lock().unwrap() = Duration::from_millis(9_999);
    assert_eq!(told(served.get("/healthz")).await.0, 200);
    *served.instance.beat_age.lock().unwrap() = Duration::from_secs(10);
    let (status, _, body) = told(served.get("/healthz")).await;
    assert_eq!((status, &body["alive"], &body["beat_age_seconds"]), (503, &false.into(), &10.0.into()));
}

#[tokio::test]
async fn an_instance_that_is_not_ready_says_every_reason() {
    let served = serve().await;
    let (status, _, body) = told(served.get("/readyz")).await;
    assert_eq!((status, body), (200, serde_json::json!({ "ready": true, "reasons": [] })));
    *served.instance.unready.lock().unwrap() = vec![Unready::restoring(3, 24), Unready::draining()];
    let (status, _, body) = told(served.get("/readyz")).await;
    assert_eq!((status, &body["ready"], &body["reasons"][0]["reason"]), (503, &false.into(), &"restoring".into()));
    assert_eq!(body["reasons"][0]["what"], "3 of 24 shards are restored");
    assert_eq!(body["reasons"][1]["reason"], "draining");
}

#[tokio::test]
async fn metrics_are_in_the_text_format_of_prometheus() {
    let served = serve().await;
    let answer = served.get("/metrics").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains("_waits_total{because=\"retry\",crm=\"hubspot\"} 1"), "{text}");
}

#[tokio::test]
async fn the_status_that_is_asked_for_is_the_one_that_is_given() {
    let served = serve_with(Some(TOKEN), Limits::default()).await;
    let token = SecretString::from(TOKEN);
    let status = ops::status(&served.url("/"), Some(&token)).await.unwrap();
    assert_eq!(status, served.instance.status());
    for wrong in [None, Some(SecretString::from("another"))] {
        let fault = ops::status(&served.url(""), wrong.as_ref()).await.unwrap_err();
        assert_eq!(fault, AskFault::Unauthorized { url: served.url("") });
    }
}

#[tokio::test]
async fn alerts_are_told_in_whole_sentences_and_what_is_quiet_is_named() {
    let served = serve().await;
    let (status, _, body) = told(served.get("/api/v1/alerts")).await;
    let firing = serde_json::json!({
        "alert": "SyncLag", "since": "2026-01-31T12:00:00.000Z", "cause": "it is late",
        "about": [{ "who": "acme/hubspot", "what": "3 min old, retry" }], "more": 2,
        "next": "it goes on", "todo": "look",
    });
    assert_eq!((status, body), (200, serde_json::json!({ "firing": [firing], "quiet": ["RetryRate"] })));
}

#[tokio::test]
async fn with_a_token_everything_but_the_probes_needs_it() {
    let served = serve_with(Some(TOKEN), Limits::default()).await;
    for path in [
        "/metrics",
        "/api/v1/status",
        "/api/v1/alerts",
        "/api/v1/explain",
        "/api/v1/pause",
        "/v1/jobs",
        "/nowhere",
        "/",
    ] {
        let answer = served.get(path).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
        let wrong = told(served.get(path).bearer_auth("a-long-tokem")).await;
        assert_eq!(wrong.0, 401, "{path}");
    }
    assert_eq!(told(served.post("{}")).await.0, 401);
    assert_eq!(told(served.post_to("/api/v1/pause", "{}")).await.0, 401);
    assert_eq!(told(served.post("{}").bearer_auth(TOKEN)).await.0, 400);
    assert_eq!(told(served.get("/nowhere").bearer_auth(TOKEN)).await.0, 404);
    assert_eq!(told(served.get("/api/v1/status").bearer_auth(TOKEN)).await.0, 200);
    assert_eq!(served.get("/metrics").bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(told(served.get(path)).await.0, 200);
    }
}

#[tokio::test]
async fn a_large_body_without_a_token_hears_that_it_needs_one() {
    let served = serve_with(Some(TOKEN), Limits::default()).await;
    assert_eq!(told(served.post(vec![b'x'; 6 << 20])).await.0, 401);
}

#[tokio::test]
async fn without_a_token_a_page_in_a_browser_may_not_ask() {
    let served = serve().await;
    for request in [
        served.post("{}").header("origin", "http://evil.example"),
        served.get("/api/v1/status").header("origin", "null"),
        served.get("/metrics").header("host", "evil.example:9464"),
    ] {
        let (status, _, body) = told(request).await;
        assert_eq!(status, 403);
        assert!(body["hint"].as_str().unwrap().contains("bearer_token"));
    }
    let same = format!("http://{}", served.address);
    assert_eq!(told(served.get("/api/v1/status").header("origin", same)).await.0, 200);
    assert_eq!(told(served.get("/healthz").header("host", "pod.example")).await.0, 200);
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_say_what_there_is() {
    let served = serve().await;
    let (status, _, body) = told(served.get("/v2/jobs")).await;
    assert!(status == 404 && body["hint"].as_str().unwrap().contains("/v1/jobs"));
    assert_eq!(told(served.get("/v1/jobs")).await.0, 405);
    let mut stream = served.say("DELETE /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn beyond_loopback_there_is_no_listener_without_a_token() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let fault = bind(everywhere, None, Limits::default()).await.err().unwrap();
    assert!(matches!(fault, WebFault::Open { .. }), "{fault}");
    let empty = bind(everywhere, Some(SecretString::from("  ")), Limits::default()).await.err().unwrap();
    assert!(matches!(empty, WebFault::EmptyToken), "{empty}");
    let bound = bind(everywhere, Some(SecretString::from(TOKEN)), Limits::default()).await.unwrap();
    assert!(!bound.address().ip().is_loopback());
}

#[tokio::test]
async fn an_address_in_use_is_a_fault_that_names_it() {
    let served = serve().await;
    let fault = bind(served.address, None, Limits::default()).await.err().unwrap();
    assert!(fault.to_string().contains(&served.address.to_string()), "{fault}");
}

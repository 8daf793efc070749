//! The limits and their headers, as a client sees them.
//! Not here: the arithmetic of windows (`limits`).

use std::time::Duration;

use serde_json::json;

use super::{Limits, Settings, TOKEN, start, unlimited};
use crate::simulated::hubspot::{Latency, Policy};

fn limited(burst: u64, burst_ms: u64) -> Settings {
    Settings { limits: Limits { burst: Some(burst), burst_ms, ..Limits::default() }, ..Settings::default() }
}

#[tokio::test]
async fn the_headers_tell_the_truth() {
    let (_running, caller) = start(Settings::default()).await;
    caller.upsert(&[("c_1", json!({}))]).await;
    let headers = caller.upsert(&[("c_1", json!({}))]).await.headers;
    for (name, value) in [
        ("x-hubspot-ratelimit-max", "100"),
        ("x-hubspot-ratelimit-remaining", "98"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ("x-hubspot-ratelimit-daily", "250000"),
        ("x-hubspot-ratelimit-daily-remaining", "249998"),
        ("x-hubspot-ratelimit-secondly", "10"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(headers["x-hubspot-correlation-id"].len(), 36);
}

#[tokio::test]
async fn calls_over_the_burst_limit_are_refused_counted_and_do_nothing() {
    let (running, caller) = start(limited(3, 60_000)).await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(caller.upsert(&[(&format!("c_{number}"), json!({}))]).await);
    }
    let refused = statuses.pop().unwrap();
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["policyName"], "TEN_SECONDLY_ROLLING");
    assert_eq!(refused.headers["x-hubspot-ratelimit-remaining"], "0");
    assert!(refused.headers.get("retry-after").is_none());
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.over_limit, totals.effects, totals.calls), (2, 3, 5));
    assert_eq!(totals.calls_by_status[&429], 2);
    running.accounts.change(Some(TOKEN), |settings| settings.limits.burst = Some(4));
    assert_eq!(caller.upsert(&[("c_9", json!({}))]).await.status, 200);
    let ledger = running.accounts.ledger(TOKEN).unwrap();
    let over: Vec<_> = ledger.calls.iter().filter(|call| call.over == Some(Policy::Burst)).collect();
    assert_eq!(over.len(), 2);
    let first = ledger.calls.first().unwrap();
    assert!(ledger.calls.iter().all(|call| call.at_us >= first.at_us && call.ended_us >= call.at_us));
}

#[tokio::test]
async fn the_daily_limit_has_a_body_of_its_own() {
    let settings = Settings { limits: Limits { daily: Some(1), ..Limits::default() }, ..Settings::default() };
    let (running, caller) = start(settings).await;
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 200);
    let refused = caller.upsert(&[("c_1", json!({}))]).await;
    assert_eq!((refused.status, &refused.json()["policyName"]), (429, &json!("DAILY")));
    assert_eq!(refused.headers["x-hubspot-ratelimit-daily-remaining"], "0");
    assert_eq!(running.accounts.totals(TOKEN).unwrap().over_daily, 1);
}

#[tokio::test]
async fn searches_have_a_window_of_their_own_and_only_the_daily_headers() {
    let mut settings = limited(1, 60_000);
    settings.limits.search_ms = 60_000;
    let (running, caller) = start(settings).await;
    let path = "/crm/v3/objects/contacts/search";
    for _ in 0..5 {
        let answer = caller.post(path, json!({})).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers.get("x-hubspot-ratelimit-max").is_none());
        assert_eq!(answer.headers["x-hubspot-ratelimit-daily"], "250000");
    }
    let refused = caller.post(path, json!({})).await;
    assert_eq!((refused.status, &refused.json()["category"]), (429, &json!("RATE_LIMITS")));
    assert!(refused.json().get("policyName").is_none());
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 200, "the burst window is still free");
    assert_eq!(running.accounts.totals(TOKEN).unwrap().over_search, 1);
}

#[tokio::test]
async fn an_oauth_app_has_no_daily_headers() {
    let (_running, caller) = start(Settings { oauth: true, ..Settings::default() }).await;
    let headers = caller.upsert(&[("c_1", json!({}))]).await.headers;
    assert!(headers.get("x-hubspot-ratelimit-daily").is_none());
    assert_eq!(headers["x-hubspot-ratelimit-max"], "100");
    let search = caller.post("/crm/v3/objects/contacts/search", json!({})).await.headers;
    assert!(!search.keys().any(|name| name.as_str().starts_with("x-hubspot-ratelimit")));
}

#[tokio::test]
async fn another_application_leaves_less_of_the_window() {
    let (running, caller) = start(limited(10, 60_000)).await;
    running.accounts.consume(TOKEN, 9);
    let last = caller.upsert(&[("c_1", json!({}))]).await;
    assert_eq!((last.status, last.headers["x-hubspot-ratelimit-remaining"].to_str().unwrap()), (200, "0"));
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 429);
}

#[tokio::test]
async fn latency_is_kept_and_calls_overlap() {
    let (running, caller) = start(Settings { latency: Latency::fixed(400.0), ..unlimited() }).await;
    let began = std::time::Instant::now();
    let (one, two, three) = tokio::join!(caller.try_upsert("c_1"), caller.try_upsert("c_2"), caller.try_upsert("c_3"));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert!(began.elapsed() >= Duration::from_millis(400));
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.in_flight_max, totals.in_flight), (3, 0));
}

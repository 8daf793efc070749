//! Limits and faults, as a client sees them.
//! Not here: the arithmetic of windows (`limits`).

use std::time::Duration;

use serde_json::json;

use super::{Limits, Settings, TOKEN, start};
use crate::simulated::{
    faults::{Fault, FaultRule, Script, ScriptedAnswer},
    words::Policy,
};

fn told(seen: &super::Seen) -> &str {
    seen.headers["sforce-limit-info"].to_str().unwrap()
}

#[tokio::test]
async fn the_day_is_told_with_every_answer_and_a_call_over_it_gets_403() {
    let limits = Limits { daily: Some(3), ..Limits::default() };
    let (running, caller) = start(Settings { limits, ..Settings::default() }).await;
    assert_eq!(told(&caller.one("c_1").await), "api-usage=1/3");
    running.accounts.consume(TOKEN, 1);
    assert_eq!(told(&caller.one("c_1").await), "api-usage=3/3");
    let refused = caller.one("c_1").await;
    assert_eq!((refused.status, refused.codes()[0].as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(refused.json()[0]["message"], "TotalRequests Limit exceeded.");
    assert!(refused.headers.get("retry-after").is_none());
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.over_limit, totals.over_daily, totals.effects), (1, 1, 2));
}

#[tokio::test]
async fn calls_that_run_for_long_keep_further_ones_out() {
    let limits = Limits { concurrent: Some(1), long_ms: 0, ..Limits::default() };
    let (running, caller) = start(Settings { limits, ..Settings::default() }).await;
    running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(Fault::Hang { ms: 60_000 }).times(1)]);
    let slow = caller.http.patch(format!("{}{}", caller.url, super::UPSERT)).bearer_auth(TOKEN).json(&json!({}));
    let slow = tokio::spawn(slow.send());
    while running.accounts.totals(TOKEN).unwrap().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let refused = caller.one("c_1").await;
    assert_eq!((refused.status, refused.codes()[0].as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert!(refused.text.contains("ConcurrentPerOrgLongTxn"), "{}", refused.text);
    slow.abort();
    while running.accounts.totals(TOKEN).unwrap().in_flight > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(caller.one("c_1").await.status, 200);
}

#[tokio::test]
async fn faults_come_in_salesforces_shapes_and_apply_nothing() {
    let (running, caller) = start(Settings::default()).await;
    let status = |status| Fault::Status { status, retry_after_s: None };
    for (fault, expected, text) in [
        (Fault::Expired, 401, "INVALID_SESSION_ID"),
        (Fault::Limited { policy: Policy::Daily }, 403, "TotalRequests"),
        (Fault::Limited { policy: Policy::Concurrent }, 403, "Concurrent"),
        (status(300), 300, "/services/data/"),
        (status(400), 400, "JSON_PARSER_ERROR"),
        (status(403), 403, "INSUFFICIENT_ACCESS"),
        (status(404), 404, "NOT_FOUND"),
        (status(500), 500, "UNKNOWN_EXCEPTION"),
        (status(502), 502, "<html>"),
        (status(503), 503, "SERVER_UNAVAILABLE"),
        (Fault::Silent, 200, "[]"),
    ] {
        running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(fault)]);
        let seen = caller.one("c_1").await;
        assert_eq!(seen.status, expected, "{text}");
        assert!(seen.text.contains(text), "{text}: {}", seen.text);
    }
    assert_eq!(running.accounts.totals(TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn an_answer_that_is_dropped_was_applied_all_the_same() {
    let (running, caller) = start(Settings::default()).await;
    running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(Fault::Drop).applied().times(1)]);
    let body = super::collection(&[("c_1", json!({ "LastName": "A" }))], false);
    assert!(caller.send(reqwest::Method::PATCH, super::UPSERT, Some(&body)).await.is_err());
    assert_eq!(caller.one("c_1").await.json()[0]["created"], false);
    assert_eq!(running.accounts.totals(TOKEN).unwrap().unconfirmed, 1);
}

#[tokio::test]
async fn a_script_answers_one_record_and_a_revoked_token_is_a_session_that_is_over() {
    let (running, caller) = start(Settings::default()).await;
    let answer = ScriptedAnswer::Input {
        status: 400,
        category: "UNABLE_TO_LOCK_ROW".to_owned(),
        message: "unable to obtain exclusive access to this record".to_owned(),
    };
    running.accounts.add_script(Some(TOKEN), Script { external_id: "c_2".to_owned(), object: None, first: 1, answer });
    let both = [("c_1", json!({ "LastName": "A" })), ("c_2", json!({ "LastName": "A" }))];
    assert_eq!(caller.upsert(&both).await.codes(), ["ok", "UNABLE_TO_LOCK_ROW"]);
    assert_eq!(caller.upsert(&both).await.codes(), ["ok", "ok"]);
    let summary = caller.get("/_control/summary").await.json();
    assert_eq!((&summary["totals"]["calls"], &summary["totals"]["created"]), (&json!(2), &json!(2)));
    let stranger = caller.http.get(&caller.url).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

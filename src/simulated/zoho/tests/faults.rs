//! Limits and faults, as a client sees them.
//! Not here: the arithmetic of limits (`limits`).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Settings, TOKEN, given, start};
use crate::simulated::{
    faults::{Fault, FaultRule, Script, ScriptedAnswer},
    words::Policy,
    zoho::Limits,
};

const LEFT: &str = "x-api-credits-remaining";

#[tokio::test]
async fn credits_are_told_once_half_are_used_and_a_call_over_them_gets_429() {
    let limits = Limits { credits: Some(6), ..Limits::default() };
    let (running, caller) = start(Settings { limits, ..Settings::default() }).await;
    assert!(caller.one("c_1").await.headers.get(LEFT).is_none());
    let records: Vec<String> = (0..11).map(|it| format!("c_{it}")).collect();
    let records: Vec<_> = records.iter().map(|it| (it.as_str(), json!({ "Last_Name": "A" }))).collect();
    assert_eq!(caller.upsert(&records).await.headers[LEFT], "3", "11 records cost two credits");
    running.accounts.consume(TOKEN, 9);
    let refused = caller.one("c_1").await;
    assert_eq!((refused.status, refused.codes()), (429, vec!["TOO_MANY_REQUESTS".to_owned()]));
    assert_eq!(refused.headers[LEFT], "0");
    assert!(refused.headers.get("retry-after").is_none());
    assert_eq!(running.accounts.totals(TOKEN).unwrap().over_daily, 1);
}

#[tokio::test]
async fn calls_at_once_are_bounded() {
    let limits = Limits { concurrent: Some(1), ..Limits::default() };
    let (running, caller) = start(Settings { limits, ..Settings::default() }).await;
    running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(Fault::Hang { ms: 60_000 }).times(1)]);
    let slow = caller.http.post(format!("{}/crm/v8/Contacts/upsert", caller.url));
    let slow = tokio::spawn(slow.header("authorization", format!("Zoho-oauthtoken {TOKEN}")).json(&json!({})).send());
    while running.accounts.totals(TOKEN).unwrap().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(caller.one("c_1").await.codes(), ["TOO_MANY_REQUESTS"]);
    slow.abort();
    while running.accounts.totals(TOKEN).unwrap().in_flight > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(caller.one("c_1").await.status, 200);
}

#[tokio::test]
async fn faults_come_in_zohos_shapes_and_apply_nothing() {
    let (running, caller) = start(Settings::default()).await;
    let status = |status| Fault::Status { status, retry_after_s: None };
    for (fault, expected, text) in [
        (Fault::Expired, 401, "INVALID_TOKEN"),
        (Fault::Limited { policy: Policy::Daily }, 429, "TOO_MANY_REQUESTS"),
        (status(400), 400, "INVALID_DATA"),
        (status(403), 403, "NO_PERMISSION"),
        (status(404), 404, "INVALID_URL_PATTERN"),
        (status(500), 500, "INTERNAL_ERROR"),
        (status(503), 503, "<html>"),
        (Fault::Silent, 200, r#"{"data":[]}"#),
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
    let body = given(&[("c_1", json!({ "Last_Name": "A" }))]);
    assert!(caller.send(Method::POST, "/crm/v8/Contacts/upsert", Some(&body)).await.is_err());
    assert_eq!(caller.one("c_1").await.codes(), ["update"]);
    assert_eq!(running.accounts.totals(TOKEN).unwrap().unconfirmed, 1);
}

#[tokio::test]
async fn a_script_answers_one_record_and_another_scheme_is_a_stranger() {
    let (running, caller) = start(Settings::default()).await;
    let answer =
        ScriptedAnswer::Input { status: 400, category: "RECORD_LOCKED".to_owned(), message: "locked".to_owned() };
    running.accounts.add_script(Some(TOKEN), Script { external_id: "c_2".to_owned(), object: None, first: 1, answer });
    let both = [("c_1", json!({ "Last_Name": "A" })), ("c_2", json!({ "Last_Name": "A" }))];
    assert_eq!(caller.upsert(&both).await.codes(), ["insert", "RECORD_LOCKED"]);
    assert_eq!(caller.upsert(&both).await.codes(), ["update", "insert"]);
    let stranger =
        caller.http.get(format!("{}/crm/v8/Contacts/1", caller.url)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

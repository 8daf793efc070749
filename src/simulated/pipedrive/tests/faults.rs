//! Limits and faults, as a client sees them.
//! Not here: the arithmetic of windows (`limits`).

use serde_json::json;

use super::{Limits, Settings, TOKEN, calm, start};
use crate::simulated::{
    faults::{Fault, FaultRule, Script, ScriptedAnswer},
    words::{Operation, Policy},
};

#[tokio::test]
async fn who_goes_on_through_429_meets_a_page_of_cloudflare() {
    let limits = Limits { burst: Some(3), burst_ms: 60_000, patience: 2, ..Limits::default() };
    let (running, caller) = start(Settings { limits, ..calm() }).await;
    caller.person("c_1").await;
    let told = caller.get("/api/v2/persons/1").await;
    assert_eq!((told.header("x-ratelimit-limit"), told.header("x-ratelimit-remaining")), ("3", "0"));
    assert_eq!(told.header("x-ratelimit-reset"), "60");
    assert_eq!(told.header("x-daily-ratelimit-token-remaining"), "29984");
    for _ in 0..2 {
        let refused = caller.get("/api/v2/persons/1").await;
        assert_eq!((refused.status, refused.json()["errorCode"].as_u64()), (429, Some(429)));
    }
    let blocked = caller.get("/api/v2/persons/1").await;
    assert_eq!((blocked.status, blocked.text.contains("cloudflare")), (403, true));
    assert_eq!(running.accounts.totals(TOKEN).unwrap().over_limit, 3);
}

#[tokio::test]
async fn the_tokens_of_the_day_are_used_up_and_say_so() {
    let limits = Limits { daily: Some(16), ..Limits::none() };
    let (running, caller) = start(Settings { limits, ..calm() }).await;
    caller.person("c_1").await;
    running.accounts.consume(TOKEN, 100);
    let refused = caller.post("persons", &json!({ "name": "A" })).await;
    assert_eq!((refused.status, refused.header("x-daily-ratelimit-token-remaining")), (429, "1"));
    assert_eq!(caller.get("/api/v2/persons/1").await.status, 200, "what is cheap enough is served");
    assert_eq!(running.accounts.totals(TOKEN).unwrap().over_daily, 1);
}

#[tokio::test]
async fn faults_come_in_pipedrives_shapes_and_apply_nothing() {
    let (running, caller) = start(calm()).await;
    let status = |status| Fault::Status { status, retry_after_s: None };
    for (fault, expected, text) in [
        (Fault::Expired, 401, "unauthorized access"),
        (Fault::Limited { policy: Policy::Daily }, 429, "Daily"),
        (Fault::Limited { policy: Policy::Burst }, 429, "Rate limit exceeded"),
        (Fault::Limited { policy: Policy::Blocked }, 403, "<html>"),
        (status(402), 402, "not open"),
        (status(403), 403, "feature_capping_deals_limit"),
        (status(410), 410, "deleted"),
        (status(500), 500, "\"success\":false"),
        (status(502), 502, "<html>"),
        (Fault::Silent, 200, "\"data\":null"),
    ] {
        running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(fault)]);
        let seen = caller.post("persons", &json!({ "name": "A" })).await;
        assert_eq!(seen.status, expected, "{text}");
        assert!(seen.text.contains(text), "{text}: {}", seen.text);
    }
    assert_eq!(running.accounts.totals(TOKEN).unwrap().effects, 0);
    let stranger = caller.http.get(&caller.url).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn an_answer_that_is_dropped_was_applied_and_its_repeat_is_a_double() {
    let (running, caller) = start(calm()).await;
    let key = caller.key("personFields").await;
    let rule = FaultRule::always(Fault::Drop).applied().times(1).on(Operation::Create);
    running.accounts.set_faults(Some(TOKEN), vec![rule]);
    let body = json!({ "name": "A", "custom_fields": { key: "c_1" } });
    assert!(caller.send(reqwest::Method::POST, "/api/v2/persons", Some(&body)).await.is_err());
    assert_eq!(caller.post("persons", &body).await.status, 200);
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.unconfirmed, totals.doubles, totals.created), (1, 1, 2));
}

#[tokio::test]
async fn a_script_refuses_a_record_by_its_custom_field_within_a_success() {
    let (running, caller) = start(calm()).await;
    let answer = ScriptedAnswer::Input { status: 409, category: "merging".to_owned(), message: "m".to_owned() };
    running.accounts.add_script(Some(TOKEN), Script { external_id: "c_1".to_owned(), object: None, first: 1, answer });
    let key = caller.key("personFields").await;
    let body = json!({ "name": "A", "custom_fields": { key: "c_1" } });
    let refused = caller.post("persons", &body).await;
    assert_eq!(
        (refused.status, &refused.json()["success"], &refused.json()["errorCode"]),
        (200, &json!(false), &json!(409))
    );
    assert_eq!(caller.post("persons", &body).await.json()["success"], true);
    let bearer = caller.http.get(format!("{}/api/v2/persons/1", caller.url)).bearer_auth(TOKEN);
    assert_eq!(bearer.send().await.unwrap().status(), 200, "an application's access token opens the account too");
}

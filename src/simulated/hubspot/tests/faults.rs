//! Every fault through real HTTP: what the client sees, and whether anything was applied.
//! Not here: the ledger of a healthy account (`ledger`).

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Caller, Running, TOKEN, UPSERT, inputs, start, unlimited};
use crate::simulated::hubspot::{Fault, FaultRule, Operation, Policy, Script, ScriptedAnswer};

fn set(running: &Running, rule: FaultRule) {
    assert!(running.accounts.set_faults(Some(TOKEN), vec![rule]));
}

fn effects(running: &Running) -> u64 {
    running.accounts.totals(TOKEN).unwrap().effects
}

async fn one(caller: &Caller) -> super::Seen {
    caller.upsert(&[("c_1", json!({ "firstname": "Ada" }))]).await
}

#[tokio::test]
async fn error_statuses_come_with_their_bodies_and_apply_nothing() {
    let (running, caller) = start(unlimited()).await;
    for (status, category) in [
        (400, "VALIDATION_ERROR"),
        (401, "INVALID_AUTHENTICATION"),
        (403, "MISSING_SCOPES"),
        (409, "CONFLICT"),
        (423, "LOCKED"),
    ] {
        set(&running, FaultRule::always(Fault::Status { status, retry_after_s: None }));
        let answer = one(&caller).await;
        assert_eq!((answer.status, answer.json()["category"].as_str()), (status, Some(category)));
        assert_eq!(answer.json()["correlationId"].as_str(), answer.headers["x-hubspot-correlation-id"].to_str().ok());
    }
    for status in [500, 502, 503, 524] {
        set(&running, FaultRule::always(Fault::Status { status, retry_after_s: None }));
        assert_eq!(one(&caller).await.status, status);
    }
    set(&running, FaultRule::always(Fault::Status { status: 477, retry_after_s: Some(86_400) }));
    let moved = one(&caller).await;
    assert_eq!((moved.status, moved.headers["retry-after"].to_str().unwrap()), (477, "86400"));
    set(&running, FaultRule::always(Fault::Expired));
    assert_eq!(one(&caller).await.json()["category"], "EXPIRED_AUTHENTICATION");
    assert_eq!(effects(&running), 0);
    running.accounts.clear_faults(Some(TOKEN));
    assert_eq!(one(&caller).await.status, 200);
}

#[tokio::test]
async fn a_429_can_come_although_the_window_has_room() {
    let (running, caller) = start(unlimited()).await;
    for (policy, message) in [(Policy::Burst, "ten_secondly"), (Policy::Daily, "daily"), (Policy::Search, "secondly")] {
        set(&running, FaultRule::always(Fault::Limited { policy }));
        let answer = one(&caller).await;
        assert_eq!(answer.status, 429);
        assert!(answer.message().contains(message));
    }
    assert_eq!((effects(&running), running.accounts.totals(TOKEN).unwrap().over_limit), (0, 0));
}

#[tokio::test]
async fn a_dropped_connection_may_or_may_not_have_applied() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::Drop).times(1));
    let error = caller.try_upsert("c_1").await.unwrap_err();
    assert!(error.status().is_none() && !error.is_timeout() && !error.is_decode(), "{error:?}");
    assert_eq!(effects(&running), 0);
    set(&running, FaultRule::always(Fault::Drop).applied().times(1));
    assert!(caller.try_upsert("c_1").await.is_err());
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.effects, totals.unconfirmed, totals.calls_by_status[&0]), (1, 1, 2));
    assert_eq!(one(&caller).await.json()["results"][0]["new"], false);
    let attempts = running.accounts.record(TOKEN, "contacts", "c_1").unwrap().attempts;
    let seen: Vec<_> = attempts.iter().map(|attempt| (attempt.status, attempt.applied)).collect();
    assert_eq!(seen, [(0, false), (0, true), (200, true)]);
}

#[tokio::test]
async fn a_call_that_hangs_is_counted_when_the_client_gives_up() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::Hang { ms: 60_000 }).applied());
    let body = inputs(&[("c_1", json!({}))], true);
    let request = caller.http.post(format!("{}{UPSERT}", caller.url)).bearer_auth(TOKEN).json(&body);
    let error = request.timeout(Duration::from_millis(100)).send().await.unwrap_err();
    assert!(error.is_timeout());
    let began = Instant::now();
    while running.accounts.totals(TOKEN).unwrap().in_flight > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "the call never left");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let totals = running.accounts.totals(TOKEN).unwrap();
    assert_eq!((totals.effects, totals.calls_by_status[&0]), (1, 1));
}

#[tokio::test]
async fn a_hang_ends_with_a_closed_connection() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::Hang { ms: 50 }));
    let began = Instant::now();
    assert!(!caller.try_upsert("c_1").await.unwrap_err().is_timeout());
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(effects(&running), 0);
}

#[tokio::test]
async fn spoiled_answers_are_what_they_say_and_the_call_was_applied() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::Oversize { bytes: 3_000_000 }));
    let large = one(&caller).await;
    assert!(large.text.len() > 3_000_000);
    assert_eq!(large.json()["status"], "COMPLETE");
    set(&running, FaultRule::always(Fault::ContentType { value: "text/plain".to_owned() }));
    assert_eq!(one(&caller).await.headers["content-type"], "text/plain");
    set(&running, FaultRule::always(Fault::CutBody { bytes: 300 }));
    assert!(caller.try_upsert("c_1").await.is_err());
    assert_eq!(effects(&running), 3);
}

#[tokio::test]
async fn answers_that_are_not_hubspots_apply_nothing() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::Html { status: 502 }));
    let html = one(&caller).await;
    assert!(html.status == 502 && html.text.starts_with("<!DOCTYPE html>"));
    assert!(html.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    set(&running, FaultRule::always(Fault::Garbage));
    assert!(serde_json::from_str::<serde_json::Value>(&one(&caller).await.text).is_err());
    set(&running, FaultRule::always(Fault::Redirect { location: "http://127.0.0.1:1/".to_owned() }));
    let moved = one(&caller).await;
    assert_eq!((moved.status, moved.headers["location"].to_str().unwrap()), (302, "http://127.0.0.1:1/"));
    set(&running, FaultRule::always(Fault::Silent));
    let silent = one(&caller).await;
    assert_eq!((silent.status, &silent.json()["results"], &silent.json()["errors"]), (200, &json!([]), &json!([])));
    assert_eq!(effects(&running), 0);
}

#[tokio::test]
async fn a_slow_body_arrives_whole_in_its_time_and_the_next_is_fast() {
    let (running, caller) = start(unlimited()).await;
    set(&running, FaultRule::always(Fault::SlowBody { piece_bytes: 200, pause_ms: 40 }).times(1));
    let began = Instant::now();
    let slow = one(&caller).await;
    assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
    assert_eq!(slow.json()["results"][0]["new"], true);
    assert_eq!(one(&caller).await.status, 200);
}

#[tokio::test]
async fn a_share_of_calls_is_struck_by_its_seed() {
    let (running, caller) = start(unlimited()).await;
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        set(&running, FaultRule::always(Fault::Status { status: 503, retry_after_s: None }).share(0.5, seed));
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(one(&caller).await.status);
        }
        let struck = statuses.iter().filter(|status| **status == 503).count();
        assert!((8..=32).contains(&struck), "{struck}");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_rule_strikes_only_its_operation_and_only_so_often() {
    let (running, caller) = start(unlimited()).await;
    let down = Fault::Status { status: 503, retry_after_s: None };
    set(&running, FaultRule::always(down).on(Operation::BatchUpsert).times(2));
    assert_eq!(caller.get("/crm/v3/objects/contacts/1").await.status, 404);
    let statuses = [one(&caller).await.status, one(&caller).await.status, one(&caller).await.status];
    assert_eq!(statuses, [503, 503, 200]);
}

#[tokio::test]
async fn faults_for_all_strike_every_account() {
    let (running, caller) = start(unlimited()).await;
    let down = Fault::Status { status: 503, retry_after_s: None };
    running.accounts.set_faults(None, vec![FaultRule::always(down)]);
    let url = format!("{}/crm/v3/objects/contacts/1", caller.url);
    for token in [TOKEN, "opened-now"] {
        assert_eq!(caller.http.get(&url).bearer_auth(token).send().await.unwrap().status(), 503);
    }
    running.accounts.clear_faults(None);
    assert_eq!(one(&caller).await.status, 200);
}

#[tokio::test]
async fn a_script_answers_the_first_attempts_of_one_record() {
    let (running, caller) = start(unlimited()).await;
    let conflict = ScriptedAnswer::Input {
        status: 409,
        category: "CONFLICT".to_owned(),
        message: "another write was faster".to_owned(),
    };
    let script = |answer| Script { external_id: "c_1".to_owned(), object: None, first: 2, answer };
    running.accounts.add_script(Some(TOKEN), script(conflict));
    let both = [("c_1", json!({})), ("c_2", json!({}))];
    let partial = caller.upsert(&both).await;
    assert_eq!((partial.status, &partial.json()["errors"][0]["category"]), (207, &json!("CONFLICT")));
    assert_eq!(caller.post(UPSERT, inputs(&both, false)).await.status, 409, "no trace ids: the whole call");
    assert_eq!(caller.upsert(&both).await.status, 200);

    let down = Fault::Status { status: 503, retry_after_s: None };
    running.accounts.add_script(Some(TOKEN), script(ScriptedAnswer::Call { fault: down, applied: false }));
    assert_eq!(caller.upsert(&[("c_2", json!({}))]).await.status, 200);
    let statuses = [caller.upsert(&both).await.status, caller.upsert(&both).await.status, one(&caller).await.status];
    assert_eq!(statuses, [503, 503, 200]);
    let record = running.accounts.record(TOKEN, "contacts", "c_1").unwrap();
    let attempts: Vec<_> = record.attempts.iter().map(|one| (one.status, one.applied, one.error.as_deref())).collect();
    let conflict = Some("CONFLICT");
    assert_eq!(
        attempts,
        [
            (207, false, conflict),
            (409, false, conflict),
            (200, true, None),
            (503, false, None),
            (503, false, None),
            (200, true, None)
        ]
    );
    assert!(record.attempts.windows(2).all(|pair| pair[0].at_us < pair[1].at_us));
}

//! The ledger: order, repeats, final state, bounds.
//! Not here: faults.

use serde_json::json;

use super::{Recording, Settings, TOKEN, start, unlimited};

async fn apply(settings: Settings, markers: &[&str]) -> (super::Running, super::super::RecordLedger) {
    let (running, caller) = start(settings).await;
    for marker in markers {
        caller.upsert(&[("c_1", json!({ "event_number": marker, "firstname": marker }))]).await;
    }
    let record = running.accounts.record(TOKEN, "contacts", "c_1").unwrap();
    (running, record)
}

#[tokio::test]
async fn markers_are_listed_in_the_order_applied_with_the_final_state() {
    let (_running, record) = apply(unlimited(), &["1", "2", "5", "9"]).await;
    assert_eq!(record.markers(), ["1", "2", "5", "9"]);
    assert_eq!((record.duplicates, record.out_of_order, record.effects), (0, 0, 4));
    assert_eq!(record.properties["firstname"], "9");
}

#[tokio::test]
async fn a_marker_applied_twice_is_a_duplicate_and_a_late_one_is_out_of_order() {
    let (running, record) = apply(unlimited(), &["1", "2", "3", "2", "3", "7", "5"]).await;
    assert_eq!((record.duplicates, record.out_of_order, record.effects), (2, 1, 7));
    let summary = running.accounts.summary();
    assert_eq!((summary.totals.duplicates, summary.totals.out_of_order), (2, 1));
    assert_eq!(summary.conspicuous[0].0, TOKEN);
}

#[tokio::test]
async fn markers_may_be_any_text() {
    let (_running, record) = apply(unlimited(), &["b-1", "a-1", "b-1"]).await;
    assert_eq!((record.duplicates, record.out_of_order), (1, 0));
}

#[tokio::test]
async fn the_same_marker_on_two_records_is_no_duplicate() {
    let (running, caller) = start(unlimited()).await;
    caller.upsert(&[("c_1", json!({ "event_number": "4" })), ("c_2", json!({ "event_number": "4" }))]).await;
    assert_eq!(running.accounts.totals(TOKEN).unwrap().duplicates, 0);
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_what_was_dropped_is_counted() {
    let recording = Recording { records: true, effects: 2, attempts: 1, calls: 3 };
    let (running, record) = apply(Settings { recording, ..unlimited() }, &["1", "2", "3", "4", "1"]).await;
    assert_eq!((record.markers(), record.applied_forgotten), (vec!["4", "1"], 3));
    assert_eq!((record.attempts.len(), record.attempts_forgotten), (1, 4));
    assert_eq!(record.duplicates, 1, "a repeat of what is no longer kept still counts");
    let ledger = running.accounts.ledger(TOKEN).unwrap();
    assert_eq!((ledger.calls.len(), ledger.calls_forgotten), (3, 2));
}

#[tokio::test]
async fn an_account_forgets_its_oldest_record_at_the_bound() {
    let (running, caller) = start(Settings { records_max: Some(2), ..unlimited() }).await;
    for id in ["c_1", "c_2", "c_3"] {
        caller.upsert(&[(id, json!({}))]).await;
    }
    let ledger = running.accounts.ledger(TOKEN).unwrap();
    let kept: Vec<_> = ledger.records.iter().map(|record| record.external_id.as_str()).collect();
    assert_eq!(kept, ["c_2", "c_3"]);
    assert_eq!((ledger.totals.created, ledger.totals.forgotten_records), (3, 1));
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.json()["results"][0]["new"], true);
}

#[tokio::test]
async fn without_recording_the_counters_still_count() {
    let (running, caller) = start(Settings { recording: Recording::off(), ..unlimited() }).await;
    caller.upsert(&[("c_1", json!({}))]).await;
    caller.upsert(&[("c_1", json!({}))]).await;
    let ledger = running.accounts.ledger(TOKEN).unwrap();
    assert!(ledger.records.is_empty() && ledger.calls.is_empty());
    assert_eq!((ledger.totals.created, ledger.totals.updated, ledger.totals.unchanged), (1, 1, 1));
}

#[tokio::test]
async fn concurrent_writers_of_one_record_lose_nothing() {
    let (running, caller) = start(unlimited()).await;
    let writers = (0..8).map(|_| {
        let (http, url) = (caller.http.clone(), caller.url.clone());
        tokio::spawn(async move {
            let caller = super::Caller { http, url };
            for _ in 0..20 {
                caller.try_upsert("c_1").await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let record = running.accounts.record(TOKEN, "contacts", "c_1").unwrap();
    assert_eq!((record.created, record.updated), (1, 159));
}

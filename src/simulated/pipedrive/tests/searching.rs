//! Searches by a field: exact, and late.
//! Not here: their limit (`limits`).

use super::{Settings, calm, start};
use crate::simulated::settings::Latency;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_search_is_exact_and_case_counts() {
    let (_running, caller) = start(calm()).await;
    let id = caller.person("c_1").await;
    assert_eq!(caller.found("c_1").await, [id]);
    assert!(caller.found("C_1").await.is_empty() && caller.found("c_").await.is_empty());
    let key = caller.key("personFields").await;
    for (entity, field, term) in
        [("person", "name", "x"), ("user", &*key, "x"), ("person", &*key, ""), ("deal", &*key, "x")]
    {
        assert_eq!(caller.search(entity, field, term).await.status, 400, "{entity} {field} {term}");
    }
}

#[tokio::test]
async fn a_search_sees_what_was_written_a_while_ago() {
    let (running, caller) = start(Settings { search_lag: Latency::fixed(300.0), ..calm() }).await;
    let id = caller.person("c_1").await;
    assert!(caller.found("c_1").await.is_empty());
    while caller.found("c_1").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.accounts.change(None, |it| it.search_lag = Latency::fixed(60_000.0));
    caller.delete(&format!("/api/v2/persons/{id}")).await;
    assert_eq!(caller.found("c_1").await, [id], "though it is deleted");
    let key = caller.key("personFields").await;
    running.accounts.change(None, |it| it.search_lag = Latency::default());
    let other = caller.person("c_2").await;
    caller.patch(&format!("/api/v2/persons/{other}"), &json!({ "custom_fields": { key: "c_3" } })).await;
    assert_eq!((caller.found("c_2").await, caller.found("c_3").await), (vec![], vec![other]));
}

//! Creating, reading, changing and deleting records, and their fields.
//! Not here: searches, faults.

use reqwest::Method;
use serde_json::json;

use super::{Settings, TOKEN, calm, start};

#[tokio::test]
async fn a_record_is_created_changed_and_read_with_its_custom_fields() {
    let (running, caller) = start(calm()).await;
    let key = caller.key("personFields").await;
    let id = caller.person("c_1").await;
    let path = format!("/api/v2/persons/{id}");
    let changed = caller.patch(&path, &json!({ "name": "Bea", "event_number": 2 })).await.data();
    assert_eq!((&changed["name"], &changed["custom_fields"][&key]), (&json!("Bea"), &json!("c_1")));
    assert_eq!(caller.get(&path).await.data(), changed);
    let record = running.accounts.record(TOKEN, "persons", "c_1").unwrap();
    assert_eq!((record.created, record.updated, record.markers()), (1, 1, vec!["1", "2"]));
}

#[tokio::test]
async fn nothing_is_unique_and_what_is_created_twice_is_counted() {
    let (running, caller) = start(calm()).await;
    let (one, two) = (caller.person("c_1").await, caller.person("c_1").await);
    assert_ne!(one, two);
    assert_eq!(caller.found("c_1").await, [one, two]);
    assert_eq!(running.accounts.totals(TOKEN).unwrap().doubles, 1);
    caller.delete(&format!("/api/v2/persons/{one}")).await;
    caller.delete(&format!("/api/v2/persons/{two}")).await;
    caller.person("c_1").await;
    assert_eq!(running.accounts.totals(TOKEN).unwrap().doubles, 1, "one that follows deleted ones is none");
}

#[tokio::test]
async fn a_deleted_person_stays_for_a_while_and_a_deleted_lead_does_not() {
    let (running, caller) = start(calm()).await;
    let id = caller.person("c_1").await;
    let path = format!("/api/v2/persons/{id}");
    assert_eq!(caller.delete(&path).await.data(), json!({ "id": id }));
    assert_eq!(caller.delete(&path).await.status, 404);
    assert_eq!(caller.get(&path).await.data()["is_deleted"], true);
    assert_eq!(caller.patch(&path, &json!({ "name": "B" })).await.data()["is_deleted"], true);
    assert!(caller.found("c_1").await.is_empty());
    let key = caller.key("dealFields").await;
    let lead = json!({ "title": "T", "person_id": id, &key: "l_1" });
    let made = caller.send(Method::POST, "/api/v1/leads", Some(&lead)).await.unwrap().data();
    assert_eq!((made["id"].as_str().unwrap().len(), &made[&key]), (36, &json!("l_1")));
    let path = format!("/api/v1/leads/{}", made["id"].as_str().unwrap());
    assert!(running.accounts.lose(TOKEN, "leads", "l_1"));
    assert_eq!(caller.patch(&path, &json!({ "title": "U" })).await.status, 404);
    assert!(!running.accounts.lose(TOKEN, "leads", "l_1"));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_is_written() {
    let (running, caller) = start(Settings { poison: Some("poison".to_owned()), ..calm() }).await;
    let key = caller.key("personFields").await;
    let bodies = [
        json!({}),
        json!([]),
        json!({ "name": "" }),
        json!({ "name": "A", "org_id": "7" }),
        json!({ "name": "poison" }),
        json!({ "name": "A", &key: "c_1" }),
        json!({ "name": "A", "custom_fields": [] }),
        json!({ "name": "A", "custom_fields": { &key: 7 } }),
        json!({ "name": "A", "custom_fields": { "0123456789012345678901234567890123456789": "c_1" } }),
    ];
    for body in bodies {
        let seen = caller.post("persons", &body).await;
        assert_eq!((seen.status, seen.json()["success"].as_bool()), (400, Some(false)), "{body}");
    }
    assert_eq!(caller.send(Method::POST, "/api/v1/leads", Some(&json!({ "title": "T" }))).await.unwrap().status, 400);
    assert_eq!(caller.patch("/api/v2/persons/99", &json!({ "name": "A" })).await.status, 404);
    for path in ["/api/v1/persons/1", "/api/v2/leads/1", "/api/v2/nonsense", "/"] {
        assert_eq!(caller.get(path).await.status, 404, "{path}");
    }
    assert_eq!(running.accounts.totals(TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn keys_of_fields_differ_by_account_and_lists_come_in_pages() {
    let (running, caller) = start(calm()).await;
    let key = caller.key("dealFields").await;
    assert_eq!(key.len(), 40);
    assert_ne!(key, caller.key("personFields").await);
    running.accounts.change(Some(TOKEN), |it| it.seed = 2);
    assert_ne!(key, caller.key("dealFields").await);
    let page = caller.get("/api/v2/dealFields?limit=3").await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    let next = page["additional_data"]["next_cursor"].as_str().unwrap();
    let last = caller.get(&format!("/api/v2/dealFields?limit=3&cursor={next}")).await.json();
    assert_eq!(last["data"][0]["field_name"], "external_id");
    assert!(last["additional_data"]["next_cursor"].is_null());
}

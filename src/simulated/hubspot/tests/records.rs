//! Single records, reading, archiving, searching, properties, access.
//! Not here: batches of writes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Settings, TOKEN, seen, start, unlimited};

#[tokio::test]
async fn an_unknown_access_token_is_refused_and_counted() {
    let accounts = super::super::Accounts::new();
    accounts.open_by_prefix("demo-", unlimited());
    let running = super::Server::start_with(super::anywhere(), accounts).await.unwrap();
    let caller = super::caller(&running);
    let path = format!("{}/crm/v3/objects/contacts/1", running.url());
    let none = seen(caller.http.get(&path).send().await.unwrap()).await;
    assert_eq!(none.status, 401);
    assert_eq!(none.json()["category"], "INVALID_AUTHENTICATION");
    assert_eq!(seen(caller.http.get(&path).bearer_auth("other").send().await.unwrap()).await.status, 401);
    assert_eq!(seen(caller.http.get(&path).bearer_auth("demo-1").send().await.unwrap()).await.status, 404);
    assert_eq!((running.accounts.summary().strangers, running.accounts.summary().accounts), (2, 1));
}

#[tokio::test]
async fn accounts_hold_records_of_their_own() {
    let (running, caller) = start(unlimited()).await;
    caller.upsert(&[("c_1", json!({}))]).await;
    let url = format!("{}/crm/v3/objects/contacts/c_1?idProperty=external_id", running.url());
    assert_eq!(seen(caller.http.get(&url).bearer_auth("another").send().await.unwrap()).await.status, 404);
    assert_eq!(seen(caller.http.get(&url).bearer_auth(TOKEN).send().await.unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_record_is_read_by_id_and_by_key_at_once() {
    let (_running, caller) = start(unlimited()).await;
    let made = caller.upsert(&[("a b/ü", json!({ "firstname": "Ada", "email": "a+b@example.com" }))]).await.json();
    let id = made["results"][0]["id"].as_str().unwrap();
    for path in [
        format!("/crm/v3/objects/contacts/{id}?properties=firstname"),
        "/crm/v3/objects/0-1/a%20b%2F%C3%BC?idProperty=external_id&properties=firstname,email".to_owned(),
        "/crm/v3/objects/contacts/a%2Bb%40example.com?idProperty=email&properties=firstname".to_owned(),
    ] {
        let answer = caller.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["id"].as_str(), Some(id));
        assert_eq!(answer.json()["properties"]["firstname"], "Ada");
    }
    let missing = caller.get("/crm/v3/objects/contacts/c_9?idProperty=external_id").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.headers["x-hubspot-notfound"], "true");
    assert_eq!(missing.json()["category"], "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn a_batch_read_reports_what_is_missing() {
    let (_running, caller) = start(unlimited()).await;
    caller.upsert(&[("c_1", json!({ "firstname": "Ada" }))]).await;
    let path = "/crm/v3/objects/contacts/batch/read";
    let read = |ids: &[&str]| {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        json!({ "idProperty": "external_id", "properties": ["firstname"], "inputs": inputs })
    };
    let all = caller.post(path, read(&["c_1"])).await;
    assert_eq!((all.status, &all.json()["results"][0]["properties"]["firstname"]), (200, &json!("Ada")));
    let some = caller.post(path, read(&["c_1", "c_2"])).await;
    assert_eq!(some.status, 207);
    assert_eq!(some.json()["errors"][0]["context"]["ids"], json!(["c_2"]));
}

#[tokio::test]
async fn an_archived_record_is_gone_and_its_key_free() {
    let (running, caller) = start(unlimited()).await;
    let made = caller.upsert(&[("c_1", json!({})), ("c_2", json!({}))]).await.json();
    let ids: Vec<Value> = made["results"].as_array().unwrap().iter().map(|one| json!({ "id": one["id"] })).collect();
    let archived = caller.post("/crm/v3/objects/contacts/batch/archive", json!({ "inputs": ids })).await;
    assert_eq!((archived.status, archived.text.as_str()), (204, ""));
    assert_eq!(caller.get("/crm/v3/objects/contacts/c_1?idProperty=external_id").await.status, 404);
    assert!(running.accounts.record(TOKEN, "contacts", "c_1").unwrap().archived);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.json()["results"][0]["new"], true);
    let record = running.accounts.record(TOKEN, "contacts", "c_1").unwrap();
    assert_eq!((record.created, record.archived, record.effects), (2, false, 3));
}

#[tokio::test]
async fn a_single_record_is_created_updated_and_deleted() {
    let (running, caller) = start(unlimited()).await;
    let made =
        caller.post("/crm/v3/objects/companies", json!({ "properties": { "name": "A", "external_id": "x" } })).await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = "/crm/v3/objects/companies/x?idProperty=external_id";
    let change = json!({ "properties": { "name": "B" } });
    assert_eq!(caller.send(Method::PATCH, path, Some(&change)).await.unwrap().status(), 200);
    assert_eq!(running.accounts.record(TOKEN, "companies", "x").unwrap().properties["name"], "B");
    let path = format!("/crm/v3/objects/companies/{id}");
    assert_eq!(caller.send(Method::DELETE, &path, None).await.unwrap().status(), 204);
    assert_eq!(caller.send(Method::PATCH, &path, Some(&change)).await.unwrap().status(), 404);
}

fn find(property: &str, value: &str) -> Value {
    json!({
        "filterGroups": [{ "filters": [{ "propertyName": property, "operator": "EQ", "value": value }] }],
        "properties": [property], "limit": 2
    })
}

#[tokio::test]
async fn a_search_shows_a_record_only_after_the_lag() {
    let (running, caller) = start(Settings { search_lag_ms: 30_000, ..unlimited() }).await;
    let path = "/crm/v3/objects/contacts/search";
    caller.upsert(&[("c_1", json!({ "firstname": "Ada" }))]).await;
    assert_eq!(caller.post(path, find("firstname", "Ada")).await.json()["total"], 0);
    running.accounts.change(Some(TOKEN), |settings| settings.search_lag_ms = 50);
    let began = Instant::now();
    caller.upsert(&[("c_2", json!({ "firstname": "Ada" }))]).await;
    while caller.post(path, find("external_id", "c_2")).await.json()["total"] == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the search never shows it");
    }
    assert!(began.elapsed() >= Duration::from_millis(50));
    running.accounts.change(Some(TOKEN), |settings| settings.search_lag_ms = 30_000);
    caller.upsert(&[("c_2", json!({ "firstname": "Grace" }))]).await;
    assert_eq!(caller.post(path, find("firstname", "Ada")).await.json()["total"], 1, "still the old value");
    assert_eq!(caller.post(path, find("firstname", "Grace")).await.json()["total"], 0);
}

#[tokio::test]
async fn a_search_pages_and_keeps_to_its_bounds() {
    let (_running, caller) = start(Settings { search_lag_ms: 0, ..unlimited() }).await;
    let path = "/crm/v3/objects/contacts/search";
    let group = json!({ "firstname": "Ada" });
    caller.upsert(&[("c_1", group.clone()), ("c_2", group.clone()), ("c_3", group)]).await;
    let first = caller.post(path, find("firstname", "ada")).await.json();
    assert_eq!((&first["total"], first["results"].as_array().unwrap().len()), (&json!(3), 2));
    let mut next = find("firstname", "ada");
    next["after"] = first["paging"]["next"]["after"].clone();
    let second = caller.post(path, next).await.json();
    assert_eq!(second["results"].as_array().unwrap().len(), 1);
    assert!(second.get("paging").is_none());
    assert_eq!(caller.post(path, json!({ "limit": 201 })).await.status, 400);
    let groups = vec![json!({ "filters": [] }); 6];
    assert_eq!(caller.post(path, json!({ "filterGroups": groups })).await.status, 400);
}

#[tokio::test]
async fn a_unique_property_is_created_once_and_then_serves_as_key() {
    let (_running, caller) = start(Settings { unique_properties: Vec::new(), ..unlimited() }).await;
    let record = [("c_1", json!({}))];
    assert_eq!(caller.upsert(&record).await.status, 400);
    assert_eq!(caller.get("/crm/v3/properties/contacts/external_id").await.status, 404);
    let mut property = json!({
        "name": "external_id", "label": "External ID", "groupName": "contactinformation", "type": "string",
        "fieldType": "text", "hasUniqueValue": true
    });
    assert_eq!(caller.post("/crm/v3/properties/contacts", property.clone()).await.status, 201);
    assert_eq!(caller.post("/crm/v3/properties/contacts", property.clone()).await.status, 409);
    let read = caller.get("/crm/v3/properties/0-1/external_id").await;
    assert_eq!((read.status, &read.json()["hasUniqueValue"]), (200, &json!(true)));
    assert_eq!(caller.upsert(&record).await.status, 200);
    property["label"] = json!("");
    property["name"] = json!("other");
    assert_eq!(caller.post("/crm/v3/properties/contacts", property).await.status, 400);
}

#[tokio::test]
async fn paths_and_bodies_that_hubspot_does_not_know_are_refused() {
    let (_running, caller) = start(unlimited()).await;
    assert_eq!(caller.get("/crm/v3/objects").await.status, 404);
    assert_eq!(caller.post("/crm/v9/objects/contacts/batch/upsert", json!({})).await.status, 404);
    let url = format!("{}{}", caller.url, super::UPSERT);
    let answer = seen(caller.http.post(url).bearer_auth(TOKEN).body("{\"inputs\":[").send().await.unwrap()).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().starts_with("Invalid input JSON"));
}

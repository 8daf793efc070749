//! Batches of writes: upsert, create, update; what is refused whole and what alone.
//! Not here: reading, limits, faults.

use serde_json::json;

use super::{Settings, UPSERT, inputs, start, unlimited};

#[tokio::test]
async fn an_upsert_creates_once_and_then_updates() {
    let (running, caller) = start(unlimited()).await;
    let first = caller.upsert(&[("c_1", json!({ "firstname": "Ada" }))]).await;
    let second = caller.upsert(&[("c_1", json!({ "lastname": "Byron" }))]).await;
    assert_eq!((first.status, second.status), (200, 200));
    let (first, second) = (first.json(), second.json());
    assert_eq!(first["status"], "COMPLETE");
    assert_eq!((&first["results"][0]["new"], &second["results"][0]["new"]), (&json!(true), &json!(false)));
    assert_eq!(first["results"][0]["id"], second["results"][0]["id"]);
    assert_eq!(first["results"][0]["objectWriteTraceId"], "trace-c_1");
    assert_eq!(first["results"][0]["properties"]["external_id"], "c_1");
    let record = running.accounts.record(super::TOKEN, "contacts", "c_1").unwrap();
    assert_eq!((record.created, record.updated), (1, 1));
    assert_eq!(record.properties["firstname"], "Ada");
    assert_eq!(record.properties["lastname"], "Byron");
}

#[tokio::test]
async fn names_type_ids_and_dated_paths_mean_the_same_object() {
    let (running, caller) = start(unlimited()).await;
    for path in [
        "/crm/v3/objects/0-3/batch/upsert",
        "/crm/v3/objects/DEAL/batch/upsert",
        "/crm/objects/2026-03/deals/batch/upsert",
        "/crm/objects/2026-09/0-3/batch/upsert",
    ] {
        assert_eq!(caller.post(path, inputs(&[("d_1", json!({ "dealname": path }))], true)).await.status, 200);
    }
    let custom = caller.post("/crm/v3/objects/p_boats/batch/upsert", inputs(&[("b", json!({}))], false)).await;
    assert_eq!(custom.status, 200);
    assert_eq!(running.accounts.record(super::TOKEN, "deals", "d_1").unwrap().effects, 4);
    assert_eq!(running.accounts.record(super::TOKEN, "p_boats", "b").unwrap().effects, 1);
}

#[tokio::test]
async fn a_key_given_twice_refuses_the_whole_batch() {
    let (running, caller) = start(unlimited()).await;
    let answer = caller.upsert(&[("c_1", json!({})), ("c_2", json!({})), ("c_1", json!({}))]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["category"], "VALIDATION_ERROR");
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().effects, 0);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().refused, 3);
}

#[tokio::test]
async fn a_property_that_is_not_unique_cannot_be_the_key() {
    let (_running, caller) = start(unlimited()).await;
    let by = |property: &str| json!({ "inputs": [{ "id": "x", "idProperty": property, "properties": {} }] });
    let answer = caller.post("/crm/v3/objects/companies/batch/upsert", by("hs_object_id")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.message(), "Unable to perform update/upsert by non-unique 0-2 property hs_object_id");
    assert_eq!(caller.post("/crm/v3/objects/companies/batch/upsert", by("email")).await.status, 400);
    assert_eq!(caller.post("/crm/v3/objects/contacts/batch/upsert", by("email")).await.status, 200);
}

#[tokio::test]
async fn more_than_100_inputs_are_refused() {
    let (running, caller) = start(unlimited()).await;
    let keys: Vec<String> = (0..101).map(|number| format!("c_{number}")).collect();
    let records: Vec<_> = keys.iter().map(|key| (key.as_str(), json!({}))).collect();
    assert_eq!(caller.upsert(&records).await.status, 400);
    assert_eq!(caller.upsert(&records[..100]).await.status, 200);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().created, 100);
}

#[tokio::test]
async fn results_come_in_an_order_of_their_own_that_the_seed_decides() {
    let keys: Vec<String> = (0..50).map(|number| format!("c_{number:02}")).collect();
    let records: Vec<_> = keys.iter().map(|key| (key.as_str(), json!({}))).collect();
    let mut orders = Vec::new();
    for seed in [1, 1, 2] {
        let (_running, caller) = start(Settings { seed, ..unlimited() }).await;
        let body = caller.upsert(&records).await.json();
        let order: Vec<String> = body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["properties"]["external_id"].as_str().unwrap().to_owned())
            .collect();
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, keys);
        orders.push(order);
    }
    assert_ne!(orders[0], keys);
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
}

fn with_known() -> Settings {
    Settings { known_properties: Some(vec!["firstname".to_owned()]), ..unlimited() }
}

#[tokio::test]
async fn with_trace_ids_one_bad_input_leaves_the_others_applied() {
    let (running, caller) = start(with_known()).await;
    let records =
        [("c_1", json!({ "firstname": "Ada" })), ("c_2", json!({ "nope": "x" })), ("c_3", json!({ "firstname": "B" }))];
    let answer = caller.upsert(&records).await;
    assert_eq!(answer.status, 207);
    let body = answer.json();
    assert_eq!(body["results"].as_array().unwrap().len(), 2);
    assert_eq!(body["numErrors"], 1);
    assert_eq!(body["errors"][0]["category"], "VALIDATION_ERROR");
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"][0], "trace-c_2");
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("PROPERTY_DOESNT_EXIST"));
    assert!(running.accounts.record(super::TOKEN, "contacts", "c_2").unwrap().effects == 0);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().created, 2);
}

#[tokio::test]
async fn without_trace_ids_one_bad_input_refuses_all() {
    let (running, caller) = start(with_known()).await;
    let records = [("c_1", json!({ "firstname": "Ada" })), ("c_2", json!({ "nope": "x" }))];
    let answer = caller.post(UPSERT, inputs(&records, false)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
    assert_eq!(answer.json()["errors"][0]["context"]["propertyName"][0], "nope");
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn an_account_may_report_errors_per_input_only_for_creates() {
    let (_running, caller) = start(Settings { partial_errors: false, ..with_known() }).await;
    let records = [("c_1", json!({ "firstname": "Ada" })), ("c_2", json!({ "nope": "x" }))];
    assert_eq!(caller.upsert(&records).await.status, 400);
    assert_eq!(caller.post("/crm/v3/objects/contacts/batch/create", inputs(&records, true)).await.status, 207);
}

#[tokio::test]
async fn a_unique_value_of_another_record_is_refused_with_its_id() {
    let (_running, caller) = start(unlimited()).await;
    let first = caller.upsert(&[("c_1", json!({ "email": "ada@example.com" }))]).await.json();
    let holder = first["results"][0]["id"].as_str().unwrap().to_owned();
    let body = inputs(&[("c_2", json!({ "email": "ADA@example.com" }))], false);
    let answer = caller.post(UPSERT, body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().starts_with("Cannot set PropertyValueCoordinates{portalId="), "{}", answer.message());
    assert!(answer.message().contains("propertyName=email, value=ADA@example.com} on "));
    assert!(answer.message().ends_with(&format!(". {holder} already has that value.")));
    // the same address freed by its holder may be taken
    assert_eq!(caller.upsert(&[("c_1", json!({ "email": "" }))]).await.status, 200);
    assert_eq!(caller.upsert(&[("c_2", json!({ "email": "ada@example.com" }))]).await.status, 200);
}

#[tokio::test]
async fn two_inputs_of_one_batch_cannot_take_the_same_unique_value() {
    let (running, caller) = start(unlimited()).await;
    let email = json!({ "email": "ada@example.com" });
    let answer = caller.upsert(&[("c_1", email.clone()), ("c_2", email)]).await;
    assert_eq!(answer.status, 207);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().created, 1);
}

#[tokio::test]
async fn values_that_are_not_strings_are_refused_whole() {
    let (running, caller) = start(unlimited()).await;
    for value in [json!(5), json!(null), json!(true), json!(["a"]), json!({})] {
        let answer = caller.upsert(&[("c_1", json!({ "firstname": "Ada" })), ("c_2", json!({ "age": value }))]).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["category"], "VALIDATION_ERROR");
    }
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn poison_refuses_a_batch_whole_even_with_trace_ids() {
    let (running, caller) = start(Settings { poison: Some("☠".to_owned()), ..unlimited() }).await;
    let bad = ("c_2", json!({ "firstname": "a ☠ b" }));
    assert_eq!(caller.upsert(&[("c_1", json!({})), bad.clone()]).await.status, 400);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 200);
    assert_eq!(caller.upsert(&[bad]).await.status, 400);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().effects, 1);
}

#[tokio::test]
async fn an_empty_batch_is_silently_nothing() {
    let (_running, caller) = start(unlimited()).await;
    for body in [json!({ "inputs": [] }), json!({ "wrong": 1 })] {
        let answer = caller.post(UPSERT, body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["results"], json!([]));
    }
}

#[tokio::test]
async fn creates_of_a_known_address_conflict_and_updates_need_a_record() {
    let (_running, caller) = start(unlimited()).await;
    let create = |email: &str| json!({ "inputs": [{ "properties": { "email": email } }] });
    let path = "/crm/v3/objects/contacts/batch/create";
    let made = caller.post(path, create("a@example.com")).await;
    assert_eq!(made.status, 201);
    let id = made.json()["results"][0]["id"].as_str().unwrap().to_owned();
    let again = caller.post(path, create("a@example.com")).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.message(), format!("Contact already exists. Existing ID: {id}"));

    let update = |id: &str| json!({ "inputs": [{ "id": id, "properties": { "firstname": "Ada" } }] });
    assert_eq!(caller.post("/crm/v3/objects/contacts/batch/update", update(&id)).await.status, 200);
    assert_eq!(caller.post("/crm/v3/objects/contacts/batch/update", update("77")).await.status, 404);
}

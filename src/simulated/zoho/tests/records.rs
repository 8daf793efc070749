//! Writing, reading and deleting by Zoho's rules, as a client sees them.
//! Not here: limits, faults.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Settings, given, start};

fn named(name: &str) -> Value {
    json!({ "Last_Name": name })
}

#[tokio::test]
async fn an_upsert_inserts_and_then_updates_and_every_row_has_its_own_fate() {
    let (running, caller) = start(Settings::default()).await;
    let mixed = caller
        .upsert(&[("c_1", named("A")), ("c_2", json!({})), ("c_3", json!({ "Last_Name": "C", "Email": "none" }))])
        .await;
    assert_eq!(
        (mixed.status, mixed.codes()),
        (200, ["insert", "MANDATORY_NOT_FOUND", "INVALID_DATA"].map(str::to_owned).to_vec())
    );
    assert_eq!(mixed.json()["data"][1]["details"]["json_path"], "$.data[1].Last_Name");
    let again = caller.upsert(&[("c_1", named("B"))]).await;
    assert_eq!(again.codes(), ["update"]);
    assert_eq!(again.json()["data"][0]["duplicate_field"], "External_ID");
    assert_eq!(again.json()["data"][0]["details"]["id"], mixed.json()["data"][0]["details"]["id"]);
    assert_eq!(caller.get("/crm/v8/Contacts/c_1").await.json()["data"][0]["Last_Name"], "B");
    let none = caller.upsert(&[("c_9", json!({}))]).await;
    assert_eq!((none.status, none.codes()), (400, vec!["MANDATORY_NOT_FOUND".to_owned()]));
    let record = running.accounts.record(super::TOKEN, "Contacts", "c_1").unwrap();
    assert_eq!((record.created, record.updated), (1, 1));
}

#[tokio::test]
async fn without_fields_to_check_records_of_one_mail_address_become_one() {
    let (_running, caller) = start(Settings::default()).await;
    let mail = json!({ "Last_Name": "A", "Email": "a@x.test" });
    assert_eq!(caller.upsert(&[("c_1", mail.clone()), ("c_2", mail.clone())]).await.codes(), ["insert", "insert"]);
    let mut body = given(&[("c_3", mail)]);
    body.as_object_mut().unwrap().remove("duplicate_check_fields");
    let seen = caller.send(Method::POST, "/crm/v8/Contacts/upsert", Some(&body)).await.unwrap();
    assert_eq!(seen.codes(), ["AMBIGUITY_DURING_PROCESSING"], "two have it");
}

#[tokio::test]
async fn a_value_that_another_record_has_is_a_duplicate_or_the_record_itself() {
    let unique_fields = vec!["Tax_ID".to_owned(), "Badge".to_owned()];
    let (_running, caller) = start(Settings { unique_fields, ..Settings::default() }).await;
    let taxed = |tax: &str, badge: &str| json!({ "Last_Name": "A", "Tax_ID": tax, "Badge": badge });
    assert_eq!(caller.upsert(&[("c_1", taxed("1", "x")), ("c_2", taxed("2", "y"))]).await.codes(), ["insert"; 2]);
    let taken = caller.upsert(&[("c_1", taxed("2", "x"))]).await;
    let row = &taken.json()["data"][0];
    assert_eq!((&row["code"], &row["details"]["api_name"]), (&json!("DUPLICATE_DATA"), &json!("Tax_ID")));
    let merged = caller.upsert(&[("c_3", taxed("2", "z"))]).await;
    assert_eq!(
        (merged.codes(), &merged.json()["data"][0]["duplicate_field"]),
        (vec!["update".to_owned()], &json!("Tax_ID"))
    );
    let two = json!({ "data": [{ "Last_Name": "B", "Tax_ID": "1", "Badge": "z" }] });
    let two = caller.send(Method::POST, "/crm/v8/Contacts", Some(&two)).await.unwrap();
    assert_eq!(two.codes(), ["MULTIPLE_OR_MULTI_ERRORS"]);
    assert_eq!(two.json()["data"][0]["details"]["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_delete_names_records_by_the_external_field_and_splits_at_commas() {
    let (running, caller) = start(Settings::default()).await;
    caller.upsert(&[("c_1", named("A")), ("c_2", named("B")), ("c_1,c_2", named("C"))]).await;
    let seen = caller.delete("c_1%2Cc_2,c_9").await;
    assert_eq!(
        (seen.status, seen.codes()),
        (200, ["record deleted", "record deleted", "INVALID_DATA"].map(str::to_owned).to_vec())
    );
    assert_eq!(seen.json()["data"][0]["details"]["External_ID"], "c_1");
    assert_eq!(caller.delete("c_1").await.status, 400);
    assert_eq!(caller.get("/crm/v8/Contacts/c_1").await.status, 204);
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().archived, 2);
    let path = caller.send(Method::DELETE, "/crm/v8/Contacts/c_1%2Cc_2", None).await.unwrap();
    assert_eq!(path.codes(), ["record deleted"]);
}

#[tokio::test]
async fn a_request_that_cannot_be_is_refused_whole() {
    let (running, caller) = start(Settings { poison: Some("poison".to_owned()), ..Settings::default() }).await;
    let full: Vec<(String, Value)> = (0..101).map(|it| (format!("c_{it}"), named("A"))).collect();
    let full: Vec<(&str, Value)> = full.iter().map(|(key, fields)| (key.as_str(), fields.clone())).collect();
    let mut foreign = given(&full[..1]);
    foreign["duplicate_check_fields"] = json!(["Last_Name"]);
    for (path, body, code) in [
        ("/crm/v8/Contacts/upsert", given(&full), "LIMIT_EXCEEDED"),
        ("/crm/v8/Calls/upsert", given(&full[..1]), "INVALID_MODULE"),
        ("/crm/v8/Contacts/upsert", foreign, "INVALID_DATA"),
        ("/crm/v8/Contacts/upsert", given(&[("c", named("poison")), ("d", named("A"))]), "INVALID_DATA"),
        ("/crm/v8/Contacts/upsert", json!([]), "INVALID_DATA"),
        ("/crm/v7/Contacts/upsert", json!({}), "INVALID_URL_PATTERN"),
    ] {
        let seen = caller.send(Method::POST, path, Some(&body)).await.unwrap();
        assert_eq!(seen.json()["code"], code, "{path}");
    }
    assert_eq!(running.accounts.totals(super::TOKEN).unwrap().effects, 0);
}

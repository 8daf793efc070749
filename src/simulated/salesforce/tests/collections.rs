//! Writing and deleting collections.
//! Not here: faults.

use reqwest::Method;
use serde_json::json;

use super::{Settings, TOKEN, UPSERT, collection, start};

#[tokio::test]
async fn an_upsert_creates_and_then_updates_in_the_order_of_its_records() {
    let (running, caller) = start(Settings::default()).await;
    let made = caller.one("c_2").await.json();
    assert_eq!((made[0]["success"].as_bool(), made[0]["created"].as_bool()), (Some(true), Some(true)));
    let both = caller
        .upsert(&[("c_1", json!({ "LastName": "A", "Event_Number__c": 1 })), ("c_2", json!({ "lastname": "B" }))])
        .await
        .json();
    assert_eq!((&both[0]["created"], &both[1]["created"]), (&json!(true), &json!(false)));
    assert_eq!(both[1]["id"], made[0]["id"]);
    assert_eq!(made[0]["id"].as_str().unwrap().len(), 18);
    let record = running.accounts.record(TOKEN, "Contact", "c_2").unwrap();
    assert_eq!((record.created, record.updated, record.properties["LastName"].as_str()), (1, 1, "B"));
    assert_eq!(running.accounts.record(TOKEN, "Contact", "c_1").unwrap().markers(), ["1"]);
}

#[tokio::test]
async fn a_record_that_breaks_a_rule_spares_the_others() {
    let (running, caller) = start(Settings::default()).await;
    let seen = caller
        .upsert(&[
            ("c_1", json!({ "LastName": "A" })),
            ("c_2", json!({ "LastName": "A", "Email": "bad" })),
            ("c_3", json!({ "FirstName": "A" })),
            ("", json!({ "LastName": "A" })),
            ("c_1", json!({ "LastName": "A" })),
            (&"x".repeat(256), json!({ "LastName": "A" })),
            ("c_4", json!({ "LastName": "A", "Id": "003000000000001AAA" })),
        ])
        .await;
    assert_eq!(
        seen.codes(),
        [
            "ok",
            "INVALID_EMAIL_ADDRESS",
            "REQUIRED_FIELD_MISSING",
            "MISSING_ARGUMENT",
            "DUPLICATE_EXTERNAL_ID",
            "STRING_TOO_LONG",
            "INVALID_FIELD_FOR_INSERT_UPDATE"
        ]
    );
    assert!(seen.json()[1].get("id").is_none());
    assert_eq!((running.accounts.totals(TOKEN).unwrap().effects, seen.status), (1, 200));
}

#[tokio::test]
async fn all_or_none_writes_none_if_one_is_bad() {
    let (running, caller) = start(Settings::default()).await;
    let records = [("c_1", json!({ "LastName": "A" })), ("c_2", json!({}))];
    let seen = caller.send(Method::PATCH, UPSERT, Some(&collection(&records, true))).await.unwrap();
    assert_eq!(seen.codes(), ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]);
    assert_eq!(running.accounts.totals(TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn the_external_id_is_unique_and_case_counts_only_where_it_was_made_so() {
    let (running, caller) = start(Settings::default()).await;
    caller.one("abc").await;
    assert_eq!(caller.one("ABC").await.json()[0]["created"], false);
    running.accounts.change(Some(TOKEN), |settings| settings.case_sensitive = true);
    running.accounts.reset(Some(TOKEN));
    caller.one("abc").await;
    assert_eq!(caller.one("ABC").await.json()[0]["created"], true);
}

#[tokio::test]
async fn a_value_that_another_record_has_is_refused_with_its_id() {
    let (_running, caller) = start(Settings { unique_fields: vec!["Tax__c".to_owned()], ..Settings::default() }).await;
    let made = caller.upsert(&[("c_1", json!({ "LastName": "A", "Tax__c": "7" }))]).await.json();
    let seen = caller.upsert(&[("c_2", json!({ "LastName": "A", "tax__c": "7" }))]).await;
    assert_eq!(seen.codes(), ["DUPLICATE_VALUE"]);
    let message = seen.json()[0]["errors"][0]["message"].as_str().unwrap().to_owned();
    let id = made[0]["id"].as_str().unwrap();
    assert_eq!(message, format!("duplicate value found: Tax__c duplicates value on record with id: {id}"));
}

#[tokio::test]
async fn what_refuses_a_collection_whole_writes_nothing() {
    let settings = Settings {
        known_fields: Some(vec!["LastName".to_owned()]),
        poison: Some("poison".to_owned()),
        ..Settings::default()
    };
    let (running, caller) = start(settings).await;
    let good = ("c_1", json!({ "LastName": "A" }));
    for bad in [json!({ "LastName": "A", "Shoe__c": 1 }), json!({ "LastName": "poison" }), json!({ "LastName": [] })] {
        assert_eq!(caller.upsert(&[good.clone(), ("c_2", bad)]).await.status, 400);
    }
    let many: Vec<_> = (0..201).map(|_| good.clone()).collect();
    assert_eq!(caller.upsert(&many).await.codes(), ["EXCEEDED_ID_LIMIT"]);
    let other = UPSERT.replace("External_Id__c", "Other__c");
    let seen = caller.send(Method::PATCH, &other, Some(&collection(&[good], false))).await.unwrap();
    assert_eq!((seen.status, seen.codes()[0].as_str()), (404, "NOT_FOUND"));
    assert_eq!(running.accounts.totals(TOKEN).unwrap().effects, 0);
}

#[tokio::test]
async fn deleted_records_are_gone_and_their_key_is_free() {
    let (running, caller) = start(Settings::default()).await;
    let id = caller.one("c_1").await.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(caller.delete(&format!("{id},003000000000099AAA")).await.codes(), ["ok", "INVALID_CROSS_REFERENCE_KEY"]);
    assert_eq!(caller.delete(&id).await.codes(), ["ENTITY_IS_DELETED"]);
    assert!(running.accounts.record(TOKEN, "Contact", "c_1").unwrap().archived);
    let again = caller.one("c_1").await.json();
    assert_eq!(again[0]["created"], true);
    assert_ne!(again[0]["id"].as_str(), Some(id.as_str()));
}

//! Reading by external ID, and queries.
//! Not here: the grammar of queries (`soql`).

use reqwest::Method;
use serde_json::json;

use super::{Settings, collection, start};

const ROWS: &str = "/services/data/v66.0/sobjects/Contact/External_Id__c";

#[tokio::test]
async fn a_query_finds_the_records_of_its_keys_at_once() {
    let (_running, caller) = start(Settings::default()).await;
    let id = caller.one("c'1").await.json()[0]["id"].clone();
    let seen = caller.query("External_Id__c", "'C%5C'1','c_9'").await;
    let body = seen.json();
    assert_eq!((seen.status, &body["totalSize"], &body["done"]), (200, &json!(1), &json!(true)));
    assert_eq!((&body["records"][0]["Id"], &body["records"][0]["External_Id__c"]), (&id, &json!("c'1")));
    assert_eq!(caller.query("External_Id__c", "'a").await.codes(), ["MALFORMED_QUERY"]);
    assert_eq!(caller.query("Shoe__c", "'a'").await.codes(), ["INVALID_FIELD"]);
    assert_eq!(caller.query("External_Id__c", &format!("'{}'", "a".repeat(17_000))).await.status, 414);
}

#[tokio::test]
async fn a_key_that_several_records_have_is_refused_with_their_paths() {
    let (_running, caller) = start(Settings { unique: false, ..Settings::default() }).await;
    let one = ("c_1", json!({ "LastName": "A" }));
    let twice = collection(&[one.clone(), one], false);
    let made = caller.send(Method::POST, "/services/data/v66.0/composite/sobjects", Some(&twice)).await.unwrap();
    assert_eq!(made.codes(), ["ok", "ok"]);
    let several = caller.get(&format!("{ROWS}/c_1")).await;
    assert_eq!((several.status, several.json().as_array().unwrap().len()), (300, 2));
    assert!(several.json()[0].as_str().unwrap().starts_with("/services/data/"));
    let upserted = caller.one("c_1").await;
    assert_eq!(upserted.codes(), ["DUPLICATE_EXTERNAL_ID"]);
    assert!(upserted.text.contains("more than one record"));
}

#[tokio::test]
async fn a_record_is_read_by_its_key_and_what_is_not_there_is_not_found() {
    let (_running, caller) = start(Settings::default()).await;
    caller.one("c 1").await;
    let seen = caller.get(&format!("{ROWS}/c%201")).await;
    assert_eq!((seen.status, &seen.json()["LastName"]), (200, &json!("Lovelace")));
    for path in [&format!("{ROWS}/c_9"), "/services/data/v66.0/nonsense", "/nonsense"] {
        let seen = caller.get(path).await;
        assert_eq!((seen.status, seen.codes()), (404, vec!["NOT_FOUND".to_owned()]));
    }
}

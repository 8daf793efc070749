//! Real bodies, where a folder of them is named by `SLUICEGATE_FIXTURES`; they are not ours to ship.
//! Not here: what is sent.
#![allow(clippy::print_stderr, reason = "says whether it ran")]

use super::*;
use serde_json::Value;

fn list(name: &str) -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("SLUICEGATE_FIXTURES") else {
        eprintln!("SLUICEGATE_FIXTURES is not set: {name} is not read");
        return None;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join(name)).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    eprintln!("{name}: {} entries", list.len());
    Some(list)
}

#[test]
fn real_error_bodies_have_the_class_their_collectors_gave_them() {
    let mut seen = 0;
    for entry in list("error-bodies.json").unwrap_or_default() {
        if entry["crm"] != "hubspot" {
            continue;
        }
        let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        let shown = upserted(1, status, &entry["body"].to_string());
        let expected = match entry["class_"].as_str().unwrap() {
            "rate_limit_short" => "failed rate_limited",
            "rate_limit_daily" => "account rate_limited",
            "duplicate" => "permanent conflict",
            "non_retryable" => "permanent bad_request",
            "non_retryable_auth" => "permanent forbidden",
            "not_found" => "permanent not_found",
            "auth" => "account unauthorized",
            // A batch create of two inputs without our trace ids: the one result cannot be told from the one error.
            "partial" => "transient bad_request",
            "silent_noop" => "transient malformed_response",
            // The answer of the token endpoint, which no call goes to.
            "auth_dead" => continue,
            other => panic!("a class without an expectation: {other}"),
        };
        assert!(shown[0].starts_with(expected), "{}: {shown:?}, expected {expected}", entry["id"]);
        seen += 1;
    }
    eprintln!("{seen} error bodies classified");
}

#[test]
fn recorded_answers_of_every_kind_are_read() {
    for entry in list("recorded-hubspot.json").unwrap_or_default() {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let body = match &entry["response"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        for count in [1, 3] {
            for operation in [Operation::Upsert, Operation::Archive] {
                let _ = sent(operation, count).answered(&response(status, &body));
            }
        }
        let path = entry["path"].as_str().unwrap();
        let shown = upserted(1, status, &body);
        match status {
            429 => assert_eq!(shown, ["failed rate_limited RATE_LIMITS"], "{path}"),
            404 => assert_eq!(shown, ["permanent not_found OBJECT_NOT_FOUND"], "{path}"),
            400 => assert!(shown[0].starts_with("permanent bad_request INVALID_"), "{path} {shown:?}"),
            201 if entry["response"]["results"].as_array().unwrap().len() == 1 => {
                assert!(shown[0].starts_with("applied "), "{path} {shown:?}");
            }
            201 => assert_eq!(shown, ["transient malformed_response"], "{path}"),
            _ => {}
        }
    }
}

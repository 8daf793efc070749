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
        if entry["crm"] != "salesforce" {
            continue;
        }
        let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        let results = entry["body"].as_array().map_or(1, Vec::len);
        let count = if status == 200 { results } else { 1 };
        let shown = upserted(count, status, &entry["body"].to_string());
        let expected: &[&str] = match entry["class_"].as_str().unwrap() {
            "auth" => &["account unauthorized INVALID_SESSION_ID"],
            "rate_limit_daily" => &["account rate_limited REQUEST_LIMIT_EXCEEDED"],
            "non_retryable" => &["permanent forbidden INSUFFICIENT_ACCESS"],
            "ambiguous" => &["permanent ambiguous_record"],
            "duplicate" => &["permanent conflict DUPLICATE_VALUE"],
            "duplicate_rule" => &["permanent conflict DUPLICATES_DETECTED"],
            "partial" => &["applied 0014S000007NxmlQAC", "permanent bad_request INVALID_EMAIL_ADDRESS"],
            "partial_all_or_none" => &[
                "permanent conflict DUPLICATES_DETECTED",
                "transient other_client_error ALL_OR_NONE_OPERATION_ROLLED_BACK",
            ],
            "retryable_item" => &["transient conflict UNABLE_TO_LOCK_ROW"],
            "not_found" => &["permanent not_found NOT_FOUND"],
            "retryable" => &["failed unavailable SERVER_UNAVAILABLE"],
            // Answers to requests that we do not send: single upserts, and the token endpoint.
            "ok" | "auth_dead" => continue,
            other => panic!("a class without an expectation: {other}"),
        };
        assert_eq!(shown, expected, "{}", entry["id"]);
        seen += 1;
    }
    eprintln!("{seen} error bodies classified");
}

#[test]
fn recorded_answers_of_every_kind_are_read() {
    for entry in list("recorded-salesforce.json").unwrap_or_default() {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let (path, body) = (entry["path"].as_str().unwrap(), entry["response"].to_string());
        for count in [1, 3] {
            for operation in [Operation::Upsert, Operation::Archive] {
                let _ = sent(operation, count).answered(&response(status, &body));
            }
        }
        if status == 404 {
            assert_eq!(upserted(1, status, &body), ["permanent not_found NOT_FOUND"], "{path}");
        } else if path.ends_with("/composite/sobjects") {
            let results = entry["response"].as_array().unwrap();
            for (shown, result) in upserted(results.len(), status, &body).iter().zip(results) {
                let well = if result["success"] == true { "applied " } else { "permanent bad_request " };
                assert!(shown.starts_with(well), "{path} {shown}");
            }
        } else if path.ends_with("/query") {
            let answer = ended(sent(Operation::Archive, 1).answered(&response(status, &body)));
            assert_eq!(shown(&answer), ["applied "], "{path}");
        }
        let usage = super::super::usage::usage(&{
            let mut response = response(status, &body);
            let told = entry["response_headers"]["Sforce-Limit-Info"].as_str().unwrap();
            response.headers.insert("sforce-limit-info", told.parse().unwrap());
            response
        });
        assert_eq!(usage.windows[0].limit, Some(15_000), "{path}");
    }
}

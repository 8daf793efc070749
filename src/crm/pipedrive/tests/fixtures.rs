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

fn body(entry: &Value, member: &str) -> String {
    entry[member].as_str().map_or_else(|| entry[member].to_string(), str::to_owned)
}

#[test]
fn real_error_bodies_have_the_class_their_collectors_gave_them() {
    let of_pipedrive = |it: &Value| it["crm"] == "pipedrive";
    for entry in list("error-bodies.json").unwrap_or_default().into_iter().filter(of_pipedrive) {
        let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        let expected = match entry["class_"].as_str().unwrap() {
            "auth" => "account unauthorized",
            "non_retryable" => "permanent forbidden feature_capping_deals_limit",
            "rate_limit_short" => "failed rate_limited",
            "rate_limit_abuse_block" => "account rate_limited",
            // The answer to a search of version 1.
            "ok" => continue,
            other => panic!("a class without an expectation: {other}"),
        };
        assert_eq!(
            answered(Operation::Upsert, Finding::New, status, &body(&entry, "body")),
            expected,
            "{}",
            entry["id"]
        );
    }
}

#[test]
fn recorded_answers_of_every_kind_are_read() {
    for entry in list("recorded-pipedrive.json").unwrap_or_default() {
        let status = u16::try_from(entry["status"].as_u64().unwrap()).unwrap();
        let (path, text) = (entry["path"].as_str().unwrap(), body(&entry, "response"));
        let method = entry["method"].as_str().unwrap();
        let is_record = path.starts_with("/v1/persons") || path.starts_with("/v1/organizations");
        match method {
            "GET" if path.ends_with("/search") => {
                assert_eq!(answered(Operation::Archive, Finding::Search, status, &text), "applied ", "{path}");
            }
            "POST" if is_record => {
                let shown = answered(Operation::Upsert, Finding::New, status, &text);
                assert!(shown.starts_with("created "), "{path} {shown}");
            }
            "PUT" if is_record => {
                let shown = answered(Operation::Upsert, by_id(), status, &text);
                assert!(shown.starts_with("applied "), "{path} {shown}");
            }
            "DELETE" if is_record => {
                let shown = answered(Operation::Archive, by_id(), status, &text);
                assert!(shown.starts_with("applied "), "{path} {shown}");
            }
            _ => {}
        }
        let mut response = response(status, &text);
        for (name, value) in entry["response_headers"].as_object().unwrap() {
            if let (Ok(name), Ok(value)) =
                (name.parse::<http::header::HeaderName>(), value.as_str().unwrap_or_default().parse())
            {
                response.headers.insert(name, value);
            }
        }
        assert_eq!(Pipedrive.usage(&response).windows[0].limit, Some(20), "{path}");
    }
}

//! Real bodies, where a folder of them is named by `SLUICEGATE_FIXTURES`; they are not ours to ship.
//! Not here: what is sent.
#![allow(clippy::print_stderr, reason = "says whether it ran")]

use super::*;
use serde_json::Value;

#[test]
fn real_error_bodies_have_the_class_their_collectors_gave_them() {
    let Ok(folder) = std::env::var("SLUICEGATE_FIXTURES") else {
        return eprintln!("SLUICEGATE_FIXTURES is not set: nothing is read");
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("error-bodies.json")).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for entry in entries.iter().filter(|it| it["crm"] == "zoho") {
        let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        let count = entry["body"]["data"].as_array().map_or(1, Vec::len);
        // Its collectors left rows out, and the path still counts them.
        let body = entry["body"].to_string().replace("$.data[2]", "$.data[1]");
        let expected: &[&str] = match entry["id"].as_str().unwrap() {
            "zoho_upsert_mixed" => &["applied 724445000000424003", "permanent bad_request MANDATORY_NOT_FOUND"],
            "zoho_insert_ok" => &["created 724445000000424003"],
            "zoho_dup_single" => &["permanent conflict DUPLICATE_DATA"],
            "zoho_dup_multi" => &["permanent ambiguous_record MULTIPLE_OR_MULTI_ERRORS"],
            "zoho_401_token" => &["account unauthorized INVALID_TOKEN"],
            "zoho_401_scope" => &["permanent forbidden OAUTH_SCOPE_MISMATCH"],
            "zoho_401_authfail" => &["account unauthorized AUTHENTICATION_FAILURE"],
            "zoho_403" => &["permanent forbidden NO_PERMISSION"],
            "zoho_400_module" => &["permanent bad_request INVALID_MODULE"],
            "zoho_500" => &["failed server_error INTERNAL_ERROR"],
            // Answers of the token endpoint.
            "zoho_token_throttled" | "zoho_token_invalid" => continue,
            other => panic!("a body without an expectation: {other}"),
        };
        assert_eq!(upserted(count, status, &body), expected, "{}", entry["id"]);
        seen += 1;
    }
    eprintln!("{seen} error bodies classified");
}

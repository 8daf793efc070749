//! The answers to upserts, class by class.
//! Not here: requests, archives.

use super::*;
use crate::model::Reply;
use http::header::HeaderValue;
use proptest::prelude::*;

pub(super) const HTML: &str = "<html><body>Bad gateway</body></html>";

/// Codes of the table: status of a whole request, code; what one input gets, what a call of three gets, what a row is.
const CODES: &[(u16, &str, &str, &str, &str)] = &[
    (401, "INVALID_TOKEN", "account unauthorized", "account unauthorized", "account unauthorized"),
    (401, "AUTHENTICATION_FAILURE", "account unauthorized", "account unauthorized", "account unauthorized"),
    (401, "OAUTH_SCOPE_MISMATCH", "permanent forbidden", "permanent forbidden", "permanent forbidden"),
    (403, "NO_PERMISSION", "permanent forbidden", "permanent forbidden", "permanent forbidden"),
    (403, "AUTHORIZATION_FAILED", "permanent forbidden", "permanent forbidden", "permanent forbidden"),
    (400, "AUTHORIZATION_FAILED", "permanent forbidden", "permanent forbidden", "permanent forbidden"),
    (400, "FEATURE_NOT_SUPPORTED", "permanent forbidden", "permanent forbidden", "permanent forbidden"),
    (400, "INVALID_DATA", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "MANDATORY_NOT_FOUND", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "DEPENDENT_FIELD_MISSING", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "DEPENDENT_MISMATCH", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "EXPECTED_FIELD_MISSING", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "REQUIRED_PARAM_MISSING", "permanent bad_request", "permanent bad_request", "permanent bad_request"),
    (400, "INVALID_MODULE", "permanent bad_request", "permanent bad_request", "permanent bad_request"),
    (400, "INVALID_REQUEST_METHOD", "permanent bad_request", "permanent bad_request", "permanent bad_request"),
    (400, "PATTERN_NOT_MATCHED", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "UNABLE_TO_PARSE_DATA_TYPE", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "LIMIT_EXCEEDED", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (400, "STORAGE_SPACE_EXCEEDED", "permanent bad_request", "refused bad_request", "permanent bad_request"),
    (404, "INVALID_URL_PATTERN", "permanent not_found", "permanent not_found", "permanent not_found"),
    (
        400,
        "AMBIGUITY_DURING_PROCESSING",
        "permanent ambiguous_record",
        "refused ambiguous_record",
        "permanent ambiguous_record",
    ),
    (400, "RECORD_LOCKED", "failed conflict", "failed conflict", "transient conflict"),
    (412, "ALREADY_MODIFIED", "failed conflict", "failed conflict", "transient conflict"),
    (400, "NOT_APPROVED", "permanent conflict", "refused conflict", "permanent conflict"),
    (400, "RECORD_IN_BLUEPRINT", "permanent conflict", "refused conflict", "permanent conflict"),
    (400, "CONVERTED_RECORD", "permanent conflict", "refused conflict", "permanent conflict"),
    (400, "ID_ALREADY_CONVERTED", "permanent conflict", "refused conflict", "permanent conflict"),
    (400, "DEPENDENT_SERVICE_ERROR", "failed server_error", "failed server_error", "transient server_error"),
    (500, "INTERNAL_ERROR", "failed server_error", "failed server_error", "transient server_error"),
    (503, "INTERNAL_ERROR", "failed unavailable", "failed unavailable", "transient server_error"),
    (429, "TOO_MANY_REQUESTS", "failed rate_limited", "failed rate_limited", "transient rate_limited"),
    (429, "RATE_LIMIT_EXCEEDED", "failed rate_limited", "failed rate_limited", "transient rate_limited"),
    (400, "TOO_MANY_REQUESTS", "failed rate_limited", "failed rate_limited", "transient rate_limited"),
    (400, "SOMETHING_NEW", "permanent bad_request", "refused bad_request", "transient other_client_error"),
    (200, "INVALID_TOKEN", "account unauthorized", "account unauthorized", "account unauthorized"),
    (200, "INTERNAL_ERROR", "failed server_error", "failed server_error", "transient server_error"),
];

/// Status, body, what one input gets, what a call of three gets.
const TABLE: &[(u16, &str, &str, &str)] = &[
    (401, "", "account unauthorized", "account unauthorized"),
    (401, HTML, "account unauthorized", "account unauthorized"),
    (403, HTML, "permanent forbidden", "refused forbidden"),
    (400, HTML, "permanent bad_request", "refused bad_request"),
    (404, HTML, "permanent not_found", "refused not_found"),
    (405, "", "permanent other_client_error", "refused other_client_error"),
    (408, "", "failed timeout", "failed timeout"),
    (413, HTML, "permanent other_client_error", "refused other_client_error"),
    (414, "", "permanent other_client_error", "refused other_client_error"),
    (429, HTML, "failed rate_limited", "failed rate_limited"),
    (500, "", "failed server_error", "failed server_error"),
    (502, HTML, "failed server_error", "failed server_error"),
    (503, HTML, "failed unavailable", "failed unavailable"),
    (504, "", "failed server_error", "failed server_error"),
    (302, "", "failed malformed_response", "failed malformed_response"),
    (200, HTML, "failed malformed_response", "failed malformed_response"),
    (200, "", "failed malformed_response", "failed malformed_response"),
    (200, "[]", "failed malformed_response", "failed malformed_response"),
    (200, "{}", "failed malformed_response", "failed malformed_response"),
    (200, r#"{"data":[]}"#, "failed malformed_response", "failed malformed_response"),
    (200, r#"{"data":[{},{}]}"#, "failed malformed_response", "failed malformed_response"),
    (200, r#"{"code":"SOMETHING_NEW","status":"error"}"#, "failed malformed_response", "failed malformed_response"),
    (201, r#"{"data":7}"#, "failed malformed_response", "failed malformed_response"),
    (204, "", "failed malformed_response", "failed malformed_response"),
];

#[test]
fn every_row_of_the_error_table_has_its_class() {
    let uncoded = TABLE.iter().map(|(status, body, one, several)| (*status, (*body).to_owned(), *one, *several, ""));
    let coded = CODES.iter().map(|(status, code, one, several, _)| (*status, error(code, "{}"), *one, *several, *code));
    for (status, body, one, several, code) in uncoded.chain(coded) {
        let said = |it: &str| if code.is_empty() { it.to_owned() } else { format!("{it} {code}") };
        assert_eq!(upserted(1, status, &body), [said(one)], "{status} {body}");
        let whole = several.starts_with("refused") || several.starts_with("failed");
        assert_eq!(upserted(3, status, &body), vec![said(several); if whole { 1 } else { 3 }], "{status} {body}");
    }
}

#[test]
fn the_codes_of_single_rows_have_their_classes_whatever_the_status() {
    for status in [200, 201, 202, 207, 400, 403, 409, 412] {
        for (_, code, _, _, row) in CODES {
            let body = rows(&[done("insert", 1), error(code, "{}")]);
            assert_eq!(upserted(2, status, &body), ["created 724445000001", &format!("{row} {code}")], "{status}");
        }
    }
    let body = rows(&[done("insert", 1)]);
    assert_eq!(upserted(1, 401, &body), ["account unauthorized"]);
    assert_eq!(upserted(1, 500, &body), ["failed server_error"]);
}

#[test]
fn a_used_up_day_is_the_accounts_and_calls_at_once_are_a_moments() {
    let answer = |remaining: Option<&'static str>, message: &str| {
        let body = error("TOO_MANY_REQUESTS", "{}").replace("\"m\"", &format!("\"{message}\""));
        let mut response = response(429, &body);
        if let Some(remaining) = remaining {
            response.headers.insert("x-api-credits-remaining", HeaderValue::from_static(remaining));
        }
        shown(&ended(sent(Operation::Upsert, 2).answered(&response)))
    };
    let (day, short) = (["account rate_limited TOO_MANY_REQUESTS"; 2], ["failed rate_limited TOO_MANY_REQUESTS"]);
    assert_eq!(answer(Some("0"), "m"), day);
    assert_eq!(answer(Some("-3"), "m"), day);
    assert_eq!(answer(Some("17"), "the credits are used up"), short, "the header is believed first");
    assert_eq!(answer(None, "API credits limit of 24 hours exceeded"), day);
    assert_eq!(answer(None, "too many concurrent requests"), short);
}

#[test]
fn a_taken_value_is_a_race_where_the_field_is_ours_or_not_told() {
    let taken = |details: &str| rows(&[error("DUPLICATE_DATA", details)]);
    assert_eq!(upserted(1, 400, &taken(r#"{"api_name":"Ext"}"#)), ["transient conflict DUPLICATE_DATA"]);
    assert_eq!(upserted(1, 202, &taken("{}")), ["transient conflict DUPLICATE_DATA"]);
    let other = taken(r#"{"api_name":"Tax_Id","duplicate_record":{"id":"2008"},"more_records":true}"#);
    assert_eq!(upserted(1, 400, &other), ["permanent conflict DUPLICATE_DATA"]);
}

#[test]
fn several_faults_of_one_row_are_ambiguous_where_they_name_several_records() {
    let part = |code: &str, field: &str, holder: &str| {
        error(code, &format!(r#"{{"api_name":"{field}","duplicate_record":{{"id":"{holder}"}}}}"#))
    };
    let row = |parts: &[String]| {
        rows(&[error("MULTIPLE_OR_MULTI_ERRORS", &format!(r#"{{"errors":[{}]}}"#, parts.join(",")))])
    };
    let table = [
        (
            vec![part("DUPLICATE_DATA", "Email", "1"), part("DUPLICATE_DATA", "Mobile", "2")],
            "permanent ambiguous_record",
        ),
        (vec![part("DUPLICATE_DATA", "Email", "1"), part("DUPLICATE_DATA", "Mobile", "1")], "permanent conflict"),
        (vec![part("DUPLICATE_DATA", "Ext", "1"), part("INVALID_DATA", "Email", "x")], "permanent bad_request"),
        (vec![part("DUPLICATE_DATA", "Ext", "1"), part("RECORD_LOCKED", "", "")], "transient conflict"),
        (vec![part("SOMETHING_NEW", "A", "")], "permanent bad_request"),
        (vec![], "permanent bad_request"),
    ];
    for (parts, expected) in table {
        assert_eq!(upserted(1, 400, &row(&parts)), [format!("{expected} MULTIPLE_OR_MULTI_ERRORS")], "{parts:?}");
    }
}

#[test]
fn a_batch_with_one_bad_input_applies_the_others_in_their_order() {
    let missing = error("MANDATORY_NOT_FOUND", r#"{"api_name":"Last_Name","json_path":"$.data[1].Last_Name"}"#);
    let body = rows(&[done("insert", 1), missing, done("update", 2)]);
    let expected = ["created 724445000001", "permanent bad_request MANDATORY_NOT_FOUND", "applied 724445000002"];
    assert_eq!(upserted(3, 200, &body), expected);
    for count in [1, 2, 4] {
        assert_eq!(upserted(count, 200, &body), ["failed malformed_response"], "rows for {count} records");
    }
    assert_eq!(upserted(2, 400, &body), ["refused bad_request"]);
}

#[test]
fn rows_that_point_at_other_inputs_leave_the_outcome_unknown() {
    let elsewhere = error("INVALID_DATA", r#"{"api_name":"Email","json_path":"$.data[0].Email"}"#);
    assert_eq!(upserted(2, 200, &rows(&[done("insert", 1), elsewhere])), ["failed malformed_response"]);
    let nested = r#"{"errors":[{"code":"INVALID_DATA","details":{"json_path":"$.data[7].Email"}}]}"#;
    let nested = rows(&[error("MULTIPLE_OR_MULTI_ERRORS", nested)]);
    assert_eq!(upserted(1, 400, &nested), ["failed malformed_response"]);
    for path in ["", "$", "$.data[x]", "$.data[0", "Email"] {
        let row = error("INVALID_DATA", &format!(r#"{{"json_path":"{path}"}}"#));
        assert_eq!(upserted(1, 200, &rows(&[row])), ["permanent bad_request INVALID_DATA"], "{path:?}");
    }
}

#[test]
fn a_row_that_says_too_little_is_no_success() {
    let unknown = [
        "{}",
        "null",
        "7",
        r#"{"code":"SUCCESS"}"#,
        r#"{"code":"SUCCESS","status":"success"}"#,
        r#"{"code":"SUCCESS","status":"success","details":{"id":""}}"#,
        r#"{"code":"SUCCESS","status":"success","details":{"id":"../x"}}"#,
        r#"{"status":"success","details":{"id":"1"}}"#,
        r#"{"code":"SUCCESS","status":7,"details":{"id":"1"}}"#,
    ];
    for row in unknown {
        assert_eq!(upserted(1, 200, &rows(&[row.to_owned()])), ["transient malformed_response"], "{row}");
    }
    let both = done("insert", 1).replace("\"success\"", "\"error\"");
    assert_eq!(upserted(1, 200, &rows(&[both])), ["transient other_client_error SUCCESS"]);
    let other = done("insert", 1).replace("\"SUCCESS\"", "\"INVALID_DATA\"");
    assert_eq!(upserted(1, 200, &rows(&[other])), ["permanent bad_request INVALID_DATA"]);
}

#[test]
fn messages_name_the_fault_and_no_value() {
    let message = |row: &str| match ended(sent(Operation::Upsert, 1).answered(&response(400, &rows(&[row.to_owned()]))))
    {
        Answer::Each(replies) => match &replies[0] {
            Reply::Permanent(fault) | Reply::Transient(fault) => fault.message.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let said = |code: &str, details: &str, words: &str| {
        message(&error(code, details).replace("\"m\"", &format!("\"{words}\"")))
    };
    let missing = said("MANDATORY_NOT_FOUND", r#"{"api_name":"Last_Name"}"#, "required field not found");
    assert_eq!(missing, "required field not found: Last_Name");
    let taken = said("DUPLICATE_DATA", r#"{"api_name":"Tax_Id","id":"2008"}"#, "duplicate data");
    assert_eq!(taken, "the value of Tax_Id belongs to 2008 already");
    let taken = said("DUPLICATE_DATA", r#"{"api_name":"Jane Roe","id":"Jane"}"#, "duplicate data");
    assert_eq!(taken, "the value of a unique field belongs to another record already");
    assert_eq!(said("INVALID_DATA", "{}", ""), "Zoho gave no reason");
    assert_eq!(said("INVALID_DATA", r#"{"api_name":"Email"}"#, ""), "Zoho refused the field Email");
    let several = r#"{"errors":[{"code":"INVALID_DATA","message":"invalid data","details":{"api_name":"Email"}},
        {"code":"MANDATORY_NOT_FOUND","message":"required field not found","details":{"api_name":"Last_Name"}}]}"#;
    let several = said("MULTIPLE_OR_MULTI_ERRORS", several, "Multiple errors");
    assert_eq!(several, "invalid data: Email; required field not found: Last_Name");
    assert!(!said("INVALID_DATA", "{}", "jane@x.test is invalid").contains('@'));
}

#[test]
fn a_wish_to_wait_is_passed_on() {
    for (status, body) in [(503, ""), (429, "")] {
        let answer = ended(sent(Operation::Upsert, 2).answered(&response_after(status, 7, body)));
        let Answer::Failed(fault) = answer else { panic!("{answer:?}") };
        assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
    }
}

proptest! {
    #[test]
    fn no_body_breaks_the_reader_and_every_input_gets_one_reply(status in 100u16..600, body in ".*", count in 1usize..4) {
        for operation in [Operation::Upsert, Operation::Archive] {
            if let Next::Ended(Answer::Each(replies)) = sent(operation, count).answered(&response(status, &body)) {
                prop_assert_eq!(replies.len(), count);
            }
        }
    }

    #[test]
    fn no_json_breaks_the_reader(status in 200u16..501, one in json(), two in json()) {
        for body in [format!(r#"{{"data":[{one},{two}]}}"#), one] {
            for operation in [Operation::Upsert, Operation::Archive] {
                if let Next::Ended(Answer::Each(replies)) = sent(operation, 2).answered(&response(status, &body)) {
                    prop_assert_eq!(replies.len(), 2);
                }
            }
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    let names =
        ["code", "details", "message", "status", "action", "id", "errors", "api_name", "json_path", "Ext", "data"];
    let leaves =
        ["null", "1", "\"c0\"", "\"7244\"", "\"SUCCESS\"", "\"success\"", "\"DUPLICATE_DATA\"", "\"$.data[9]\""];
    let leaf = prop::sample::select(leaves.to_vec());
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
        let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|list| format!("[{}]", list.join(","))),
            members.prop_map(|map| {
                let members: Vec<String> = map.into_iter().map(|(name, it)| format!("\"{name}\":{it}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

//! The answers to upserts, class by class.
//! Not here: requests, archives.

use super::*;
use crate::model::Reply;
use proptest::prelude::*;

pub(super) const EXPIRED: &str = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
pub(super) const DAILY: &str = r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
pub(super) const LONG: &str =
    r#"[{"message":"ConcurrentPerOrgLongTxn Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
pub(super) const RUNNING: &str = r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
const SEVERAL: &str = r#"["/services/data/v66.0/sobjects/Contact/003A0000000001AIAQ",
    "/services/data/v66.0/sobjects/Contact/003A0000000002BIAQ"]"#;
pub(super) const HTML: &str = "<html><body>Bad gateway</body></html>";

fn error(code: &str) -> String {
    format!(r#"[{{"message":"m","errorCode":"{code}","fields":[]}}]"#)
}

/// Codes of the table whose class follows from them alone; what one input gets, what a call of three gets.
const CODES: &[(u16, &str, &str, &str)] = &[
    (400, "REQUIRED_FIELD_MISSING", "permanent bad_request", "refused bad_request"),
    (400, "INVALID_FIELD", "permanent bad_request", "refused bad_request"),
    (400, "INVALID_TYPE", "permanent bad_request", "permanent bad_request"),
    (400, "MALFORMED_ID", "permanent bad_request", "refused bad_request"),
    (400, "STRING_TOO_LONG", "permanent bad_request", "refused bad_request"),
    (400, "INVALID_EMAIL_ADDRESS", "permanent bad_request", "refused bad_request"),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "permanent bad_request", "refused bad_request"),
    (400, "CANNOT_UPDATE_CONVERTED_LEAD", "permanent bad_request", "refused bad_request"),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "permanent bad_request", "refused bad_request"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "permanent bad_request", "refused bad_request"),
    (400, "JSON_PARSER_ERROR", "permanent bad_request", "refused bad_request"),
    (400, "DUPLICATES_DETECTED", "permanent conflict", "refused conflict"),
    (400, "ENTITY_IS_LOCKED", "permanent conflict", "refused conflict"),
    (404, "ENTITY_IS_DELETED", "permanent not_found", "permanent not_found"),
    (400, "UNABLE_TO_LOCK_ROW", "failed conflict", "failed conflict"),
    (400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "failed other_client_error", "failed other_client_error"),
    (400, "PROCESSING_HALTED", "failed other_client_error", "failed other_client_error"),
    (401, "INVALID_SESSION_ID", "account unauthorized", "account unauthorized"),
    (403, "INSUFFICIENT_ACCESS", "permanent forbidden", "permanent forbidden"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "permanent forbidden", "permanent forbidden"),
    (403, "API_DISABLED_FOR_ORG", "account forbidden", "account forbidden"),
    (403, "API_CURRENTLY_DISABLED", "account forbidden", "account forbidden"),
    (404, "NOT_FOUND", "permanent not_found", "permanent not_found"),
    (500, "UNKNOWN_EXCEPTION", "failed server_error", "failed server_error"),
    (503, "SERVER_UNAVAILABLE", "failed unavailable", "failed unavailable"),
];

/// Status, body, what one input gets, what a call of three inputs gets (one word stands for all three).
const TABLE: &[(u16, &str, &str, &str)] = &[
    (300, SEVERAL, "permanent ambiguous_record", "refused ambiguous_record"),
    (401, "", "account unauthorized", "account unauthorized"),
    (401, HTML, "account unauthorized", "account unauthorized"),
    (403, DAILY, "account rate_limited REQUEST_LIMIT_EXCEEDED", "account rate_limited REQUEST_LIMIT_EXCEEDED"),
    (403, LONG, "failed rate_limited REQUEST_LIMIT_EXCEEDED", "failed rate_limited REQUEST_LIMIT_EXCEEDED"),
    (403, RUNNING, "failed rate_limited REQUEST_LIMIT_EXCEEDED", "failed rate_limited REQUEST_LIMIT_EXCEEDED"),
    (403, HTML, "permanent forbidden", "refused forbidden"),
    (400, HTML, "permanent bad_request", "refused bad_request"),
    (404, HTML, "permanent not_found", "refused not_found"),
    (405, "", "permanent other_client_error", "refused other_client_error"),
    (408, "", "failed timeout", "failed timeout"),
    (409, "", "permanent conflict", "refused conflict"),
    (412, "", "permanent other_client_error", "refused other_client_error"),
    (414, "", "permanent other_client_error", "refused other_client_error"),
    (415, "", "permanent other_client_error", "refused other_client_error"),
    (429, "", "failed rate_limited", "failed rate_limited"),
    (431, "", "permanent other_client_error", "refused other_client_error"),
    (500, "", "failed server_error", "failed server_error"),
    (502, HTML, "failed server_error", "failed server_error"),
    (503, HTML, "failed unavailable", "failed unavailable"),
    (504, "", "failed server_error", "failed server_error"),
    (302, "", "failed malformed_response", "failed malformed_response"),
    (200, HTML, "failed malformed_response", "failed malformed_response"),
    (200, "", "failed malformed_response", "failed malformed_response"),
    (200, "[]", "failed malformed_response", "failed malformed_response"),
    (200, "{}", "failed malformed_response", "failed malformed_response"),
    (201, "[{}]", "failed malformed_response", "failed malformed_response"),
    (204, "", "failed malformed_response", "failed malformed_response"),
];

#[test]
fn every_row_of_the_error_table_has_its_class() {
    let coded = CODES.iter().map(|(status, code, one, several)| {
        (*status, error(code), format!("{one} {code}"), format!("{several} {code}"))
    });
    let whole = TABLE
        .iter()
        .map(|(status, body, one, several)| (*status, (*body).to_owned(), (*one).to_owned(), (*several).to_owned()));
    for (status, body, one, several) in coded.chain(whole) {
        assert_eq!(upserted(1, status, &body), [&*one], "{status} {body}");
        let whole = several.starts_with("refused") || several.starts_with("failed");
        assert_eq!(upserted(3, status, &body), vec![&*several; if whole { 1 } else { 3 }], "{status} {body}");
    }
}

#[test]
fn the_codes_of_single_records_have_the_same_classes() {
    let more = [
        ("SOMETHING_NEW", "transient other_client_error"),
        ("REQUEST_LIMIT_EXCEEDED", "account rate_limited"),
        ("DUPLICATE_EXTERNAL_ID", "transient conflict"),
        ("UNKNOWN_EXCEPTION", "transient server_error"),
        ("SERVER_UNAVAILABLE", "transient unavailable"),
    ];
    let client_errors = CODES.iter().filter(|row| row.0 < 500).map(|(_, code, one, _)| (*code, *one));
    for (code, expected) in client_errors.chain(more) {
        let body = format!(r#"[{{"success":false,"errors":[{{"statusCode":"{code}","message":"m","fields":[]}}]}}]"#);
        let expected = format!("{} {code}", expected.replace("failed", "transient"));
        assert_eq!(upserted(1, 200, &body), [expected]);
    }
}

#[test]
fn a_conflict_is_a_race_where_the_field_is_ours_or_not_told() {
    let conflict = |field: &str| {
        let message = format!("duplicate value found: {field} duplicates value on record with id: 00Q58000003tW4u");
        format!(
            r#"[{{"success":false,"errors":[{{"statusCode":"DUPLICATE_VALUE","message":"{message}","fields":[]}}]}}]"#
        )
    };
    assert_eq!(upserted(1, 200, &conflict("ext__c")), ["transient conflict DUPLICATE_VALUE"]);
    assert_eq!(upserted(1, 200, &conflict("<unknown>")), ["transient conflict DUPLICATE_VALUE"]);
    assert_eq!(upserted(1, 200, &conflict("Tax_Id__c")), ["permanent conflict DUPLICATE_VALUE"]);
    let twice = conflict("x").replace("duplicate value found: x", "Duplicate external id specified: c0");
    assert_eq!(upserted(1, 200, &twice), ["transient conflict DUPLICATE_VALUE"]);
    let whole = |field: &str| {
        format!(
            r#"[{{"errorCode":"DUPLICATE_VALUE","message":"duplicate value found: {field} duplicates value on record with id: <unknown>"}}]"#
        )
    };
    assert_eq!(upserted(1, 400, &whole("Ext__c")), ["failed conflict DUPLICATE_VALUE"]);
    assert_eq!(upserted(2, 400, &whole("Tax_Id__c")), ["refused conflict DUPLICATE_VALUE"]);
}

#[test]
fn a_key_that_several_records_have_is_ambiguous_and_a_lock_inside_a_trigger_is_a_lock() {
    let several = r#"[{"success":false,"errors":[{"statusCode":"DUPLICATE_EXTERNAL_ID",
        "message":"Ext__c: more than one record found for external id field: [003A, 003B]"}]}]"#;
    assert_eq!(upserted(1, 200, several), ["permanent ambiguous_record DUPLICATE_EXTERNAL_ID"]);
    let lock = r#"[{"success":false,"errors":[{"statusCode":"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "message":"T: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"}]}]"#;
    assert_eq!(upserted(1, 200, lock), ["transient conflict CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]);
}

#[test]
fn a_batch_with_one_bad_input_applies_the_others_in_their_order() {
    let body = r#"[{"id":"003A0000000001AIAQ","success":true,"errors":[],"created":true},
        {"success":false,"errors":[{"statusCode":"INVALID_EMAIL_ADDRESS","message":"Email: invalid email address: bad",
        "fields":["Email"]}]},{"id":"003A0000000002BIAQ","success":true,"errors":[],"created":false}]"#;
    let expected =
        ["created 003A0000000001AIAQ", "permanent bad_request INVALID_EMAIL_ADDRESS", "applied 003A0000000002BIAQ"];
    assert_eq!(upserted(3, 200, body), expected);
    for count in [1, 2, 4] {
        assert_eq!(upserted(count, 200, body), ["failed malformed_response"], "results for {count} records");
    }
}

#[test]
fn a_result_that_says_too_little_is_no_success() {
    let bodies = [
        "[{}]",
        "[null]",
        "[7]",
        r#"[{"success":true}]"#,
        r#"[{"success":true,"id":""}]"#,
        r#"[{"success":true,"id":"../x"}]"#,
        r#"[{"success":"true","id":"003A0000000001AIAQ"}]"#,
        r#"[{"success":false,"errors":[]}]"#,
        r#"[{"id":"003A0000000001AIAQ","errors":[]}]"#,
    ];
    for body in bodies {
        assert_eq!(upserted(1, 200, body), ["transient malformed_response"], "{body}");
    }
    let both = r#"[{"id":"003A0000000001AIAQ","success":true,"errors":[{"statusCode":"STRING_TOO_LONG"}]}]"#;
    assert_eq!(upserted(1, 200, both), ["permanent bad_request STRING_TOO_LONG"]);
    assert_eq!(upserted(1, 200, EXPIRED), ["account unauthorized INVALID_SESSION_ID"], "an error in place of a result");
}

#[test]
fn messages_name_the_fault_and_no_value() {
    let message = |body: &str| match ended(sent(Operation::Upsert, 1).answered(&response(400, body))) {
        Answer::Each(replies) => match &replies[0] {
            Reply::Permanent(fault) => fault.message.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let email = r#"[{"errorCode":"INVALID_EMAIL_ADDRESS","message":"Email: invalid: Jane Roe","fields":["Email"]}]"#;
    assert_eq!(message(email), "fields were not valid: Email");
    let missing = r#"[{"errorCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]",
        "fields":["LastName"]}]"#;
    assert_eq!(message(missing), "Required fields are missing: [LastName]");
    let taken = r#"[{"errorCode":"DUPLICATE_VALUE",
        "message":"duplicate value found: Tax_Id__c duplicates value on record with id: 00Q58000003tW4u"}]"#;
    assert_eq!(message(taken), "the value of Tax_Id__c belongs to 00Q58000003tW4u already");
    let rule = r#"[{"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?","duplicateResut":{
        "matchResults":[{"matchRecords":[{"record":{"Id":"0038M0000016Wv8QAE"}}]}]}}]"#;
    assert_eq!(message(rule), "a duplicate rule says that it is record 0038M0000016Wv8QAE");
    assert_eq!(message(&rule.replace("Resut", "Result")), message(rule));
    assert_eq!(message(""), "Salesforce gave no reason");
    assert!(!message(r#"[{"errorCode":"INVALID_FIELD","message":"jane@x.test is no user"}]"#).contains('@'));
}

#[test]
fn a_wish_to_wait_is_passed_on() {
    for (status, body) in [(503, ""), (429, ""), (403, LONG)] {
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
        let (list, rows) = (format!("[{one},{two}]"), format!(r#"{{"done":true,"records":[{one},{two}]}}"#));
        for (operation, body) in [(Operation::Upsert, &list), (Operation::Archive, &rows), (Operation::Archive, &list)] {
            if let Next::Ended(Answer::Each(replies)) = sent(operation, 2).answered(&response(status, body)) {
                prop_assert_eq!(replies.len(), 2);
            }
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    let names = ["id", "Id", "success", "created", "errors", "statusCode", "errorCode", "message", "fields", "Ext__c"];
    let leaves = ["null", "1", "\"c0\"", "\"003A0000000001AIAQ\"", "true", "\"DUPLICATE_VALUE\"", "\"\\u0000\""];
    let leaf = prop::sample::select(leaves.to_vec());
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, move |inner| {
        let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|list| format!("[{}]", list.join(","))),
            members.prop_map(|map| {
                let members: Vec<String> = map.into_iter().map(|(name, it)| format!("\"{name}\":{it}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

//! The answers, class by class.
//! Not here: requests.

use super::*;
use crate::model::Reply;
use proptest::prelude::*;

pub(super) const BURST: &str = r#"{"status":"error","message":"You have reached your ten_secondly_rolling limit.",
    "errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING","groupName":"g:1"}"#;
pub(super) const SEARCH: &str =
    r#"{"status":"error","message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#;
pub(super) const DAILY: &str = r#"{"status":"error","message":"Over.","errorType":"RATE_LIMIT","policyName":"DAILY"}"#;
pub(super) const DAILY_TOLD: &str = r#"{"status":"error","message":"You have reached your Daily limit."}"#;
const SCOPES: &str = r#"{"status":"error","message":"Not granted.","category":"MISSING_SCOPES",
    "errors":[{"message":"One or more","context":{"requiredGranularScopes":["crm.objects.deals.write"]}}]}"#;
const EXPIRED: &str = r#"{"status":"error","message":"The OAuth token expired 3 second(s) ago",
    "category":"EXPIRED_AUTHENTICATION"}"#;
const NO_PROPERTY: &str = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,
    \"message\":\"Property \\\"shoe\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"shoe\"}]",
    "errors":[{"message":"m","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["shoe"]}}],
    "category":"VALIDATION_ERROR"}"#;
const UNIQUE: &str = r#"{"status":"error","category":"VALIDATION_ERROR","message":"Cannot set
    PropertyValueCoordinates{portalId=1, objectTypeId=X{Y=CONTACT}, propertyName=email, value=jane@example.test}
    on 700000000001. 700000000002 already has that value."}"#;
const EXISTS: &str = r#"{"status":"error","message":"Contact already exists. Existing ID: 700000000003",
    "category":"CONFLICT"}"#;
pub(super) const HTML: &str = "<html><body>Bad gateway</body></html>";

/// Status, body, what one input gets, what a call of three inputs gets (one word stands for all three).
const TABLE: &[(u16, &str, &str, &str)] = &[
    (400, NO_PROPERTY, "permanent bad_request PROPERTY_DOESNT_EXIST", "refused bad_request PROPERTY_DOESNT_EXIST"),
    (400, UNIQUE, "permanent conflict UNIQUE_VALUE_CONFLICT", "refused conflict UNIQUE_VALUE_CONFLICT"),
    (400, HTML, "permanent bad_request", "refused bad_request"),
    (401, EXPIRED, "account unauthorized EXPIRED_AUTHENTICATION", "account unauthorized EXPIRED_AUTHENTICATION"),
    (401, "", "account unauthorized", "account unauthorized"),
    (403, SCOPES, "permanent forbidden MISSING_SCOPES", "permanent forbidden MISSING_SCOPES"),
    (403, HTML, "permanent forbidden", "refused forbidden"),
    (
        404,
        r#"{"category":"OBJECT_NOT_FOUND"}"#,
        "permanent not_found OBJECT_NOT_FOUND",
        "refused not_found OBJECT_NOT_FOUND",
    ),
    (408, "", "failed timeout", "failed timeout"),
    (409, EXISTS, "permanent conflict CONFLICT", "refused conflict CONFLICT"),
    (
        409,
        r#"{"category":"OBJECT_ALREADY_EXISTS","error":"CONTACT_EXISTS","identityProfile":{"vid":5}}"#,
        "permanent conflict UNIQUE_VALUE_CONFLICT",
        "refused conflict UNIQUE_VALUE_CONFLICT",
    ),
    (414, "", "permanent other_client_error", "refused other_client_error"),
    (422, "{}", "permanent unprocessable", "refused unprocessable"),
    (423, "", "failed rate_limited", "failed rate_limited"),
    (425, "", "failed other_client_error", "failed other_client_error"),
    (429, BURST, "failed rate_limited TEN_SECONDLY_ROLLING", "failed rate_limited TEN_SECONDLY_ROLLING"),
    (429, SEARCH, "failed rate_limited RATE_LIMITS", "failed rate_limited RATE_LIMITS"),
    (429, DAILY, "account rate_limited DAILY", "account rate_limited DAILY"),
    (429, DAILY_TOLD, "account rate_limited", "account rate_limited"),
    (429, HTML, "failed rate_limited", "failed rate_limited"),
    (477, "", "account unavailable", "account unavailable"),
    (500, "", "failed server_error", "failed server_error"),
    (502, HTML, "failed server_error", "failed server_error"),
    (503, "", "failed unavailable", "failed unavailable"),
    (504, "", "failed server_error", "failed server_error"),
    (521, HTML, "failed server_error", "failed server_error"),
    (522, HTML, "failed server_error", "failed server_error"),
    (523, HTML, "failed server_error", "failed server_error"),
    (524, HTML, "failed server_error", "failed server_error"),
    (525, HTML, "failed server_error", "failed server_error"),
    (526, HTML, "failed server_error", "failed server_error"),
    (302, "", "failed malformed_response", "failed malformed_response"),
    (200, HTML, "failed malformed_response", "failed malformed_response"),
    (200, "", "failed malformed_response", "failed malformed_response"),
    (200, "[]", "failed malformed_response", "failed malformed_response"),
    (200, "{}", "failed malformed_response", "failed malformed_response"),
    (204, "", "failed malformed_response", "failed malformed_response"),
    (
        200,
        r#"{"status":"COMPLETE","results":[],"errors":[]}"#,
        "transient malformed_response",
        "transient malformed_response",
    ),
    (
        200,
        r#"{"results":[{"id":"1","objectWriteTraceId":"41-0"},{"id":"2"}]}"#,
        "transient malformed_response",
        "transient malformed_response",
    ),
    (200, r#"{"results":[],"errors":{"odd":1}}"#, "transient malformed_response", "transient malformed_response"),
];

#[test]
fn every_row_of_the_error_table_has_its_class() {
    for (status, body, one, several) in TABLE {
        assert_eq!(upserted(1, *status, body), [*one], "{status} {body}");
        let answers = upserted(3, *status, body);
        let whole = several.starts_with("refused") || several.starts_with("failed");
        assert_eq!(answers, vec![*several; if whole { 1 } else { 3 }], "{status} {body}");
    }
}

#[test]
fn messages_name_the_fault_and_no_person() {
    let message = |body: &str| match ended(upsert_of(1).answered(&response(400, body))) {
        Answer::Each(replies) => match &replies[0] {
            Reply::Permanent(fault) => fault.message.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(message(UNIQUE), "the value of email belongs to record 700000000002 already");
    assert_eq!(message(EXISTS), "the value of email belongs to record 700000000003 already");
    assert_eq!(message(r#"{"message":"Email address jane@x.test is invalid"}"#), "Email address [email] is invalid");
    assert_eq!(message(""), "HubSpot gave no reason");
    let validation = r#"{"validationResults":[{"isValid":false,"message":"Jane was not a valid long.",
        "error":"INVALID_LONG","name":"closedate"}],"message":"Property values were not valid"}"#;
    assert_eq!(message(validation), "property values were not valid: closedate (INVALID_LONG)");
}

#[test]
fn a_race_of_two_upserts_of_one_new_record_is_worth_another_try() {
    let body = UNIQUE.replace("propertyName=email", "propertyName=ext_id");
    assert_eq!(upserted(1, 400, &body), ["failed conflict UNIQUE_VALUE_CONFLICT"]);
}

#[test]
fn a_wish_to_wait_is_passed_on_and_a_locked_object_waits_two_seconds() {
    let table = [(477, Some(3600), 3600), (429, Some(7), 7), (423, None, 2), (423, Some(9), 9), (503, Some(1), 1)];
    for (status, asked, seconds) in table {
        let response = match asked {
            Some(asked) => response_after(status, asked, ""),
            None => response(status, ""),
        };
        let wait = match ended(upsert_of(1).answered(&response)) {
            Answer::Failed(fault) => fault.retry_after,
            Answer::Each(replies) => match &replies[0] {
                Reply::Account(fault) => fault.retry_after,
                other => panic!("{other:?}"),
            },
            Answer::Refused(fault) => panic!("{fault:?}"),
            Answer::Unsent => panic!("unsent"),
        };
        assert_eq!(wait, Some(Duration::from_secs(seconds)), "{status}");
    }
}

#[test]
fn a_batch_with_one_bad_input_applies_the_others() {
    let body = r#"{"status":"COMPLETE","numErrors":1,
        "results":[{"id":"72","new":false,"objectWriteTraceId":"42-2"},{"id":70,"new":true,"objectWriteTraceId":"42-0"}],
        "errors":[{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid:
            [{\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}]","context":{"objectWriteTraceId":["42-1"]}}]}"#;
    assert_eq!(upserted(3, 207, body), ["created 70", "permanent bad_request INVALID_EMAIL", "applied 72"]);
    assert_eq!(upserted(3, 201, body), upserted(3, 200, body));
}

#[test]
fn without_trace_ids_the_external_id_joins_whatever_the_order_and_case() {
    let body = r#"{"results":[{"id":"72","properties":{"ext_id":"C2"}},{"id":"70","properties":{"ext_id":"c0"}},
        {"id":"99","properties":{"ext_id":"other"}}],
        "errors":[{"category":"CONFLICT","message":"m","context":{"ids":["c1"]}}]}"#;
    assert_eq!(upserted(3, 207, body), ["applied 70", "permanent conflict CONFLICT", "applied 72"]);
}

#[test]
fn a_record_id_that_equals_an_external_id_joins_nothing() {
    assert_eq!(upserted(2, 200, r#"{"results":[{"id":"c1"},{"id":"c0"}]}"#), ["transient malformed_response"; 2]);
}

#[test]
fn the_only_result_answers_the_only_input() {
    assert_eq!(upserted(1, 200, r#"{"results":[{"id":"7"}]}"#), ["applied 7"]);
    assert_eq!(upserted(1, 200, r#"{"results":[{"id":null}]}"#), ["transient malformed_response"]);
}

#[test]
fn an_input_named_twice_is_answered_once_and_errors_go_first() {
    let body = r#"{"results":[{"id":"7","objectWriteTraceId":"42-0"},{"id":"8","objectWriteTraceId":"42-0"},
        {"id":"9","objectWriteTraceId":"42-1"},{"id":"9","objectWriteTraceId":"42-9"}],
        "errors":[{"category":"VALIDATION_ERROR","context":{"objectWriteTraceId":["42-1","42-77","x"]}}]}"#;
    assert_eq!(upserted(2, 207, body), ["applied 7", "permanent bad_request VALIDATION_ERROR"]);
}

#[test]
fn an_error_that_names_no_input_is_final_only_where_one_input_is_left() {
    let error = r#""errors":[{"category":"VALIDATION_ERROR","message":"m"}]"#;
    let left = format!(r#"{{"results":[{{"id":"7","objectWriteTraceId":"42-0"}}],{error}}}"#);
    assert_eq!(upserted(2, 207, &left), ["applied 7", "permanent bad_request VALIDATION_ERROR"]);
    assert_eq!(upserted(2, 207, &format!("{{{error}}}")), ["transient bad_request VALIDATION_ERROR"; 2]);
}

#[test]
fn item_errors_have_their_classes() {
    let table = [
        ("VALIDATION_ERROR", "permanent bad_request VALIDATION_ERROR"),
        ("OBJECT_NOT_FOUND", "permanent not_found OBJECT_NOT_FOUND"),
        ("CONFLICT", "permanent conflict CONFLICT"),
        ("MISSING_SCOPES", "permanent forbidden MISSING_SCOPES"),
        ("RATE_LIMITS", "transient rate_limited RATE_LIMITS"),
        ("EXPIRED_AUTHENTICATION", "account unauthorized EXPIRED_AUTHENTICATION"),
        ("SOMETHING_NEW", "transient server_error SOMETHING_NEW"),
    ];
    for (category, shown) in table {
        let body = format!(r#"{{"errors":[{{"category":"{category}","context":{{"objectWriteTraceId":["42-0"]}}}}]}}"#);
        assert_eq!(upserted(1, 207, &body), [shown]);
    }
}

#[test]
fn what_an_archive_does_not_find_is_archived_already() {
    let read = |count, status, body: &str| sent(Operation::Archive, count).answered(&response(status, body));
    let unknown = r#"{"results":[],"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":["c0","c1"]}}]}"#;
    assert_eq!(shown(&ended(read(2, 207, unknown))), ["applied ", "applied "]);
    let unnamed = r#"{"results":[],"errors":[{"category":"OBJECT_NOT_FOUND"}]}"#;
    assert_eq!(shown(&ended(read(2, 207, unnamed))), ["applied ", "applied "]);
    let one = r#"{"category":"OBJECT_NOT_FOUND"}"#;
    assert_eq!(shown(&ended(read(1, 404, one))), ["applied "]);
    assert_eq!(shown(&ended(read(2, 404, one))), ["refused not_found OBJECT_NOT_FOUND"]);
    assert_eq!(shown(&ended(read(1, 404, HTML))), ["permanent not_found"]);
    assert_eq!(shown(&ended(read(2, 200, r#"{"results":[]}"#))), ["transient malformed_response"; 2]);
    assert_eq!(shown(&ended(read(2, 429, BURST))), ["failed rate_limited TEN_SECONDLY_ROLLING"]);
}

#[test]
fn an_archive_that_ends_otherwise_than_204_is_read_item_by_item() {
    let found = r#"{"results":[{"id":"90","properties":{"ext_id":"c0"}},{"id":"91","properties":{"ext_id":"c1"}}]}"#;
    let archived = |status, body: &str| {
        let mut exchange = sent(Operation::Archive, 2);
        request(exchange.answered(&response(200, found)));
        shown(&ended(exchange.answered(&response(status, body))))
    };
    let gone = r#"{"errors":[{"category":"OBJECT_NOT_FOUND","context":{"ids":["90"]}}]}"#;
    assert_eq!(archived(207, gone), ["applied ", "transient malformed_response"]);
    assert_eq!(archived(401, ""), ["account unauthorized"; 2]);
    assert_eq!(archived(400, ""), ["refused bad_request"]);
    assert_eq!(archived(503, ""), ["failed unavailable"]);
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
    fn no_json_breaks_the_reader(status in 200u16..208, results in json(), errors in json(), count in 1usize..4) {
        let body = format!(r#"{{"results":[{results},{results}],"errors":[{errors}],"context":{results}}}"#);
        for operation in [Operation::Upsert, Operation::Archive] {
            if let Next::Ended(Answer::Each(replies)) = sent(operation, count).answered(&response(status, &body)) {
                prop_assert_eq!(replies.len(), count);
            }
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    let names = ["id", "new", "objectWriteTraceId", "properties", "ext_id", "context", "ids", "category", "message"];
    let leaf =
        prop::sample::select(vec!["null", "1", "\"c0\"", "\"42-1\"", "true", "\"OBJECT_NOT_FOUND\"", "\"\\u0000\""]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, move |inner| {
        let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|list| format!("[{}]", list.join(","))),
            members.prop_map(|map| {
                let members: Vec<String> = map.into_iter().map(|(name, it)| format!("\"{name}\":{it}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

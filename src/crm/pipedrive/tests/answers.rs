//! The answers, class by class.
//! Not here: requests.

use super::*;
use proptest::prelude::*;

pub(super) const UNAUTHORIZED: &str =
    r#"{"success":false,"error":"unauthorized access","errorCode":401,"error_info":"i"}"#;
pub(super) const LIMITED: &str = r#"{"success":false,"error":"Rate limit exceeded","errorCode":429}"#;
pub(super) const DAILY: &str = r#"{"success":false,"error":"Daily API token budget exceeded","errorCode":429}"#;
pub(super) const CAPPED: &str = r#"{"success":false,"error":"Open deals limit reached.","data":null,
    "code":"feature_capping_deals_limit"}"#;
pub(super) const HTML: &str = "<!DOCTYPE html><html><body>cloudflare</body></html>";
const ERROR: &str = r#"{"success":false,"error":"m","error_info":"i","data":null,"additional_data":null}"#;

/// Status, body, what a creation gets, what a change by id gets, what a deletion by id gets.
const TABLE: &[(u16, &str, &str, &str, &str)] = &[
    (400, ERROR, "permanent bad_request", "permanent bad_request", "permanent bad_request"),
    (401, UNAUTHORIZED, "account unauthorized", "account unauthorized", "account unauthorized"),
    (401, HTML, "account unauthorized", "account unauthorized", "account unauthorized"),
    (402, ERROR, "account other_client_error", "account other_client_error", "account other_client_error"),
    (
        403,
        CAPPED,
        "permanent forbidden feature_capping_deals_limit",
        "permanent forbidden feature_capping_deals_limit",
        "permanent forbidden feature_capping_deals_limit",
    ),
    (403, HTML, "account rate_limited", "account rate_limited", "account rate_limited"),
    (403, "", "account rate_limited", "account rate_limited", "account rate_limited"),
    (404, ERROR, "permanent not_found", "gone not_found", "applied "),
    (405, ERROR, "permanent other_client_error", "permanent other_client_error", "permanent other_client_error"),
    (408, "", "failed timeout", "failed timeout", "failed timeout"),
    (409, ERROR, "permanent conflict", "permanent conflict", "permanent conflict"),
    (410, ERROR, "permanent other_client_error", "gone not_found", "applied "),
    (415, ERROR, "permanent other_client_error", "permanent other_client_error", "permanent other_client_error"),
    (422, ERROR, "permanent unprocessable", "permanent unprocessable", "permanent unprocessable"),
    (425, "", "failed other_client_error", "failed other_client_error", "failed other_client_error"),
    (429, LIMITED, "failed rate_limited", "failed rate_limited", "failed rate_limited"),
    (429, HTML, "failed rate_limited", "failed rate_limited", "failed rate_limited"),
    (429, DAILY, "account rate_limited", "account rate_limited", "account rate_limited"),
    (500, ERROR, "failed server_error", "failed server_error", "failed server_error"),
    (501, ERROR, "permanent server_error", "permanent server_error", "permanent server_error"),
    (502, HTML, "failed server_error", "failed server_error", "failed server_error"),
    (503, "", "failed unavailable", "failed unavailable", "failed unavailable"),
    (302, "", "failed malformed_response", "failed malformed_response", "failed malformed_response"),
    (200, HTML, "failed malformed_response", "failed malformed_response", "failed malformed_response"),
    (200, "", "failed malformed_response", "failed malformed_response", "failed malformed_response"),
    (200, "{}", "failed malformed_response", "failed malformed_response", "failed malformed_response"),
    (204, "", "failed malformed_response", "failed malformed_response", "failed malformed_response"),
    (
        200,
        r#"{"success":true,"data":null}"#,
        "failed malformed_response",
        "failed malformed_response",
        "failed malformed_response",
    ),
    (
        200,
        r#"{"success":true,"data":{"id":"../x"}}"#,
        "failed malformed_response",
        "failed malformed_response",
        "failed malformed_response",
    ),
    (200, ERROR, "transient other_client_error", "transient other_client_error", "transient other_client_error"),
    (200, UNAUTHORIZED, "account unauthorized", "account unauthorized", "account unauthorized"),
    (200, r#"{"success":false,"code":404}"#, "permanent not_found", "gone not_found", "applied "),
    (200, r#"{"success":true,"data":{"id":77}}"#, "created 77", "applied 77", "applied 77"),
    (201, r#"{"success":true,"data":{"id":77}}"#, "created 77", "applied 77", "applied 77"),
    (200, r#"{"success":true,"data":{"id":78}}"#, "created 78", "applied 78", "applied 78"),
    (200, r#"{"success":true,"data":{"id":77,"is_deleted":true}}"#, "created 77", "gone not_found", "applied 77"),
];

#[test]
fn every_row_of_the_error_table_has_its_class() {
    for (status, body, created, changed, deleted) in TABLE {
        assert_eq!(answered(Operation::Upsert, Finding::New, *status, body), *created, "create {status} {body}");
        assert_eq!(answered(Operation::Upsert, by_id(), *status, body), *changed, "change {status} {body}");
        assert_eq!(answered(Operation::Archive, by_id(), *status, body), *deleted, "delete {status} {body}");
    }
}

#[test]
fn searches_and_look_ups_that_are_refused_end_the_call_in_the_same_classes() {
    let list = |status, body: &str| {
        let call = call("deal", Operation::Upsert, &[("c1", Finding::New, "{}")]);
        let mut exchange = Pipedrive.exchange(call, access("external_id"));
        request(exchange.begin());
        shown(&ended(exchange.answered(&response(status, body))))
    };
    let search = |status, body: &str| answered(Operation::Upsert, Finding::Search, status, body);
    let read = |status, body: &str| {
        let mut exchange = begun(Operation::Upsert, Finding::Search);
        request(exchange.answered(&response(200, r#"{"data":[{"id":7}]}"#)));
        shown(&ended(exchange.answered(&response(status, body))))
    };
    let missing = [404, 410];
    for (status, body, created, _, _) in TABLE.iter().filter(|row| !(200..300).contains(&row.0)) {
        assert_eq!(list(*status, body), *created, "list {status}");
        assert_eq!(search(*status, body), *created, "search {status}");
        if !missing.contains(status) {
            assert_eq!(read(*status, body), *created, "read {status}");
        }
    }
    assert_eq!(list(200, "{}"), "failed malformed_response");
    assert_eq!(search(200, r#"{"success":true,"data":[{}]}"#), "failed malformed_response");
}

#[test]
fn a_fields_list_that_has_not_the_one_field_holds_the_account_and_says_what_to_do() {
    let field = |kind: &str| format!(r#"{{"field_name":"external_id","field_code":"{KEY}","field_type":"{kind}"}}"#);
    let table = [
        (String::new(), "no custom field is named external_id in dealFields; make one"),
        (field("monetary"), "the custom field external_id in dealFields holds no text"),
        (format!("{0},{0}", field("varchar")), "several custom fields are named external_id in dealFields"),
    ];
    for (fields, told) in table {
        let call = call("lead", Operation::Upsert, &[("c1", Finding::New, "{}")]);
        let mut exchange = Pipedrive.exchange(call, access("external_id"));
        request(exchange.begin());
        let body = format!(r#"{{"success":true,"data":[{fields}]}}"#);
        let Answer::Each(replies) = ended(exchange.answered(&response(200, &body))) else { panic!("not each") };
        let Reply::Account(fault) = &replies[0] else { panic!("{replies:?}") };
        assert!(fault.message.starts_with(told), "{}", fault.message);
    }
}

#[test]
fn waits_are_those_of_the_answer() {
    let wait = |response: &Response| match ended(begun(Operation::Upsert, Finding::New).answered(response)) {
        Answer::Failed(fault) => fault.retry_after,
        Answer::Each(replies) => match &replies[0] {
            Reply::Account(fault) => fault.retry_after,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let seconds = |it| Some(Duration::from_secs(it));
    assert_eq!(wait(&with_header(response(429, LIMITED), "x-ratelimit-reset", "2")), seconds(2));
    assert_eq!(wait(&with_header(response(429, LIMITED), "x-ratelimit-reset", "1700000000")), seconds(60), "no epoch");
    let told = Response { retry_after: seconds(7), ..response(429, LIMITED) };
    assert_eq!(wait(&with_header(told, "x-ratelimit-reset", "2")), seconds(7));
    assert_eq!(wait(&response(403, HTML)), seconds(120));
    assert_eq!(wait(&Response { retry_after: seconds(600), ..response(403, HTML) }), seconds(600));
    assert_eq!(wait(&Response { retry_after: seconds(7), ..response(503, "") }), seconds(7));
}

#[test]
fn messages_name_the_fault_and_no_value() {
    let message = |body: &str| match ended(begun(Operation::Upsert, Finding::New).answered(&response(400, body))) {
        Answer::Each(replies) => match &replies[0] {
            Reply::Permanent(fault) => fault.message.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(message(r#"{"error":"Parameter is required"}"#), "Parameter is required");
    assert_eq!(message(r#"{"error":{"message":"Parameter is required"}}"#), "Parameter is required");
    assert_eq!(message("{}"), "Pipedrive gave no reason");
    assert!(!message(r#"{"error":"received \"jane@x.test\""}"#).contains("jane"));
}

proptest! {
    #[test]
    fn no_body_breaks_the_reader_and_the_input_gets_one_reply(status in 100u16..600, body in ".*") {
        for operation in [Operation::Upsert, Operation::Archive] {
            for finding in [Finding::New, by_id(), Finding::Search] {
                let mut exchange = about(operation, finding);
                if let Next::Send(_) = exchange.begin()
                    && let Next::Ended(Answer::Each(replies)) = exchange.answered(&response(status, &body))
                {
                    prop_assert_eq!(replies.len(), 1);
                }
            }
        }
    }

    #[test]
    fn no_json_breaks_the_reader(status in 200u16..430, data in json()) {
        let body = format!(r#"{{"success":true,"data":{data}}}"#);
        for finding in [Finding::New, by_id(), Finding::Search] {
            let mut exchange = begun(Operation::Upsert, finding);
            for _ in 0..4 {
                if let Next::Ended(_) = exchange.answered(&response(status, &body)) { break }
            }
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    let names = ["id", "item", "items", "is_deleted", "custom_fields", "field_name", "field_code", KEY];
    let leaves = ["null", "1", "-1", "1e30", "\"c1\"", "true", "\"\\u0000\"", "18446744073709551616"];
    let leaf = prop::sample::select(leaves.to_vec());
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, move |inner| {
        let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            members.prop_map(|map| {
                let members: Vec<String> = map.into_iter().map(|(name, it)| format!("\"{name}\":{it}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

//! Archives: a query, then a delete of what it found.
//! Not here: upserts.

use super::answers::{DAILY, EXPIRED, HTML};
use super::*;
use http::Method;

const A: &str = "003A0000000001AIAQ";
const B: &str = "003A0000000002BIAQ";

fn rows(rows: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(id, value)| {
            format!(r#"{{"attributes":{{"type":"Contact","url":"/x"}},"Id":"{id}","Ext__c":"{value}"}}"#)
        })
        .collect();
    format!(r#"{{"totalSize":{},"done":true,"records":[{}]}}"#, rows.len(), rows.join(","))
}

fn queried(count: usize, status: u16, body: &str) -> Vec<String> {
    shown(&ended(sent(Operation::Archive, count).answered(&response(status, body))))
}

/// Both of two contacts are found, and the delete is answered so.
fn deleted(status: u16, body: &str) -> Vec<String> {
    let mut exchange = sent(Operation::Archive, 2);
    request(exchange.answered(&response(200, &rows(&[(B, "c1"), (A, "c0")]))));
    shown(&ended(exchange.answered(&response(status, body))))
}

#[test]
fn an_archive_queries_record_ids_and_deletes_those() {
    let inputs = [("a'b", "{}"), ("gone", "{}"), ("c", "{}"), ("", "{}")];
    let mut exchange = exchange(call("Invoice__c", Operation::Archive, &inputs));
    let query = request(exchange.begin());
    assert_eq!(query.method, Method::GET);
    assert_eq!(
        query.url,
        "https://acme.my.crm.test/services/data/v66.0/query?q=SELECT%20Id%2CExt__c%20FROM%20Invoice__c%20WHERE%20Ext__c\
         %20IN%20%28%27a%5C%27b%27%2C%27gone%27%2C%27c%27%29"
    );
    assert!(query.body.is_empty());
    let delete = request(exchange.answered(&response(200, &rows(&[(B, "c"), (A, "a'b")]))));
    assert_eq!(delete.method, Method::DELETE);
    assert_eq!(
        delete.url,
        format!("https://acme.my.crm.test/services/data/v66.0/composite/sobjects?ids={A},{B}&allOrNone=false")
    );
    let body = format!(r#"[{{"id":"{A}","success":true,"errors":[]}},{{"id":"{B}","success":true,"errors":[]}}]"#);
    let answer = ended(exchange.answered(&response(200, &body)));
    assert_eq!(shown(&answer), [&format!("applied {A}"), "applied ", &format!("applied {B}"), "permanent bad_request"]);
}

#[test]
fn what_an_archive_does_not_find_is_archived_already() {
    assert_eq!(queried(2, 200, &rows(&[])), ["applied ", "applied "]);
    assert_eq!(queried(1, 200, &rows(&[(A, "another")])), ["applied "]);
    let gone = r#"[{"success":false,"errors":[{"statusCode":"ENTITY_IS_DELETED","message":"entity is deleted"}]},
        {"success":false,"errors":[{"statusCode":"NOT_FOUND","message":"m"}]}]"#;
    assert_eq!(deleted(200, gone), ["applied ", "applied "]);
}

#[test]
fn case_counts_only_where_both_are_there() {
    let mut exchange = exchange(call("contact", Operation::Archive, &[("abc", "{}"), ("ABC", "{}")]));
    request(exchange.begin());
    let delete = request(exchange.answered(&response(200, &rows(&[(A, "Abc")]))));
    assert!(delete.url.ends_with(&format!("?ids={A}&allOrNone=false")), "{}", delete.url);
    let answer = ended(exchange.answered(&response(200, &format!(r#"[{{"id":"{A}","success":true,"errors":[]}}]"#))));
    assert_eq!(shown(&answer), [format!("applied {A}"), format!("applied {A}")]);
    let mut exchange = sent(Operation::Archive, 1);
    let delete = request(exchange.answered(&response(200, &rows(&[(A, "C0"), (B, "c0")]))));
    assert!(delete.url.contains(&format!("?ids={B}&")), "{}", delete.url);
}

#[test]
fn of_several_records_with_one_external_id_none_is_deleted() {
    assert_eq!(queried(1, 200, &rows(&[(A, "c0"), (B, "c0")])), ["permanent ambiguous_record"]);
    assert_eq!(queried(1, 200, &rows(&[(A, "C0"), (B, "C0")])), ["permanent ambiguous_record"]);
}

#[test]
fn an_answer_that_is_no_whole_query_deletes_nothing() {
    let part = rows(&[(A, "c0")]).replace("true", "false");
    let bodies = [&*part, "", "{}", HTML, r#"{"done":true,"records":[{"Id":"../x","Ext__c":"c0"}]}"#];
    for body in bodies {
        assert_eq!(queried(1, 200, body), ["failed malformed_response"], "{body}");
    }
    assert_eq!(queried(2, 401, EXPIRED), ["account unauthorized INVALID_SESSION_ID"; 2]);
    assert_eq!(queried(2, 403, DAILY), ["account rate_limited REQUEST_LIMIT_EXCEEDED"; 2]);
    assert_eq!(queried(2, 502, HTML), ["failed server_error"]);
    let object = r#"[{"errorCode":"INVALID_TYPE","message":"sObject type 'Contact' is not supported."}]"#;
    assert_eq!(queried(2, 400, object), ["permanent bad_request INVALID_TYPE"; 2]);
}

#[test]
fn a_delete_is_answered_record_by_record_or_not_at_all() {
    let mixed = format!(
        r#"[{{"success":false,"errors":[{{"statusCode":"INSUFFICIENT_ACCESS_OR_READONLY","message":"m"}}]}},
        {{"id":"{B}","success":true,"errors":[]}}]"#
    );
    let denied = "permanent forbidden INSUFFICIENT_ACCESS_OR_READONLY".to_owned();
    assert_eq!(deleted(200, &mixed), [denied, format!("applied {B}")]);
    assert_eq!(deleted(200, "[]"), ["failed malformed_response"]);
    assert_eq!(deleted(503, HTML), ["failed unavailable"]);
    assert_eq!(deleted(400, ""), ["refused bad_request"]);
}

#[test]
fn external_ids_that_do_not_fit_one_query_are_asked_for_in_smaller_calls() {
    let ids: Vec<String> = (0..200).map(|it| format!("{it:0>200}")).collect();
    let inputs: Vec<(&str, &str)> = ids.iter().map(|it| (&**it, "{}")).collect();
    let answer = ended(exchange(call("contact", Operation::Archive, &inputs)).begin());
    assert_eq!(shown(&answer), ["refused bad_request"]);
    request(exchange(call("contact", Operation::Archive, &inputs[..20])).begin());
    let longest = "é".repeat(255);
    request(exchange(call("contact", Operation::Archive, &[(&longest, "{}")])).begin());
    let longer = "é".repeat(256);
    let answer = ended(exchange(call("contact", Operation::Archive, &[(&longer, "{}")])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
}

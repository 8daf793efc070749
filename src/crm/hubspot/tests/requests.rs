//! The requests, byte for byte.
//! Not here: answers.

use super::*;
use crate::model::Reply;

#[test]
fn an_upsert_is_one_batch_by_the_external_id_property() {
    let inputs = [("c 1", r#"{"email":"a@b.test","age":7,"vip":true,"note":null}"#), ("c\"2", "{}")];
    let sent = request(exchange(call("contact", Operation::Upsert, &inputs)).begin());
    assert_eq!(sent.url, "https://crm.test/crm/v3/objects/contacts/batch/upsert");
    assert_eq!(sent.authorization.value.to_str().unwrap(), "Bearer pat-na1-secret");
    assert!(!format!("{sent:?}").contains("pat-na1"));
    assert_eq!(
        String::from_utf8(sent.body).unwrap(),
        concat!(
            r#"{"inputs":[{"id":"c 1","idProperty":"ext_id","objectWriteTraceId":"42-0","properties":"#,
            r#"{"ext_id":"c 1","age":"7","email":"a@b.test","note":"","vip":"true"}},"#,
            r#"{"id":"c\"2","idProperty":"ext_id","objectWriteTraceId":"42-1","properties":{"ext_id":"c\"2"}}]}"#,
        )
    );
}

#[test]
fn an_input_that_cannot_be_told_is_refused_alone_and_the_others_are_sent() {
    let inputs = [("a", r#"{"tags":["x"]}"#), ("b", r#"{"name":"n"}"#), ("", "{}")];
    let mut exchange = exchange(call("company", Operation::Upsert, &inputs));
    let sent = request(exchange.begin());
    let body = String::from_utf8(sent.body).unwrap();
    assert!(body.contains("42-1") && !body.contains("42-0") && !body.contains("42-2"), "{body}");
    let answer = ended(exchange.answered(&response(200, r#"{"results":[{"id":"9","objectWriteTraceId":"42-1"}]}"#)));
    assert_eq!(shown(&answer), ["permanent bad_request", "applied 9", "permanent bad_request"]);
}

#[test]
fn a_refusal_of_the_only_input_sent_is_its_own() {
    let mut exchange = exchange(call("deal", Operation::Upsert, &[("a", r#"{"x":{}}"#), ("b", "{}")]));
    request(exchange.begin());
    let answer = ended(exchange.answered(&response(400, r#"{"category":"VALIDATION_ERROR"}"#)));
    assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request VALIDATION_ERROR"]);
}

#[test]
fn nothing_is_sent_when_no_input_can_be() {
    let answer = ended(exchange(call("contact", Operation::Upsert, &[("a", r#"{"x":[]}"#)])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
    for object in ["..", "a/b", ""] {
        for operation in [Operation::Upsert, Operation::Archive] {
            let answer = ended(exchange(call(object, operation, &[("a", "{}"), ("b", "{}")])).begin());
            assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request"], "{object:?}");
        }
    }
}

#[test]
fn a_token_that_fits_no_header_holds_the_account_and_is_not_shown() {
    let access = Access { access_token: SecretString::from("pat\nsecret"), ..(*access()).clone() };
    let mut exchange =
        super::super::HubSpot.exchange(call("contact", Operation::Upsert, &[("a", "{}")]), Arc::new(access));
    let Answer::Each(replies) = ended(exchange.begin()) else { panic!("not each") };
    let Reply::Account(fault) = &replies[0] else { panic!("{replies:?}") };
    assert_eq!(fault.reason.name(), "unauthorized");
    assert!(!fault.message.contains("secret"));
}

#[test]
fn an_archive_reads_record_ids_and_archives_those() {
    let mut exchange = exchange(call("2-77", Operation::Archive, &[("a", "{}"), ("b", "{}"), ("c", "{}")]));
    let read = request(exchange.begin());
    assert_eq!(read.url, "https://crm.test/crm/v3/objects/2-77/batch/read");
    let body = r#"{"idProperty":"ext_id","properties":["ext_id"],"inputs":[{"id":"a"},{"id":"b"},{"id":"c"}]}"#;
    assert_eq!(String::from_utf8(read.body).unwrap(), body);

    let found = concat!(
        r#"{"status":"COMPLETE","results":[{"id":"903","properties":{"ext_id":"c"}},"#,
        r#"{"id":"901","properties":{"ext_id":"a"}}],"numErrors":1,"#,
        r#""errors":[{"status":"error","category":"OBJECT_NOT_FOUND","message":"gone","context":{"ids":["b"]}}]}"#,
    );
    let archive = request(exchange.answered(&response(207, found)));
    assert_eq!(archive.url, "https://crm.test/crm/v3/objects/2-77/batch/archive");
    assert_eq!(String::from_utf8(archive.body).unwrap(), r#"{"inputs":[{"id":"903"},{"id":"901"}]}"#);
    let answer = ended(exchange.answered(&response(204, "")));
    assert_eq!(shown(&answer), ["applied 901", "applied ", "applied 903"]);
}

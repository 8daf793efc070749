//! The requests of upserts, byte for byte.
//! Not here: answers.

use super::*;
use crate::model::Reply;
use http::Method;

#[test]
fn an_upsert_is_one_collection_by_the_external_id_field() {
    let inputs = [("c 1", r#"{"Email":"a@b.test","Age__c":7,"Vip__c":true,"Note__c":null}"#), ("c\"2", "{}")];
    let sent = request(exchange(call("contact", Operation::Upsert, &inputs)).begin());
    assert_eq!(sent.method, Method::PATCH);
    assert_eq!(sent.url, "https://acme.my.crm.test/services/data/v66.0/composite/sobjects/Contact/Ext__c");
    assert_eq!(sent.authorization.value.to_str().unwrap(), "Bearer 00D-secret");
    assert!(!format!("{sent:?}").contains("00D-secret"));
    assert_eq!(
        String::from_utf8(sent.body).unwrap(),
        concat!(
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Contact"},"Ext__c":"c 1","Age__c":7,"#,
            r#""Email":"a@b.test","Note__c":null,"Vip__c":true},"#,
            r#"{"attributes":{"type":"Contact"},"Ext__c":"c\"2"}]}"#,
        )
    );
}

#[test]
fn an_input_that_cannot_be_told_is_refused_alone_and_results_are_those_of_the_others() {
    let inputs = [("a", r#"{"tags":["x"]}"#), ("b", r#"{"Name":"n"}"#), ("", "{}"), ("d", "{}")];
    let mut exchange = exchange(call("company", Operation::Upsert, &inputs));
    let sent = request(exchange.begin());
    let body = String::from_utf8(sent.body).unwrap();
    assert_eq!(body.matches("attributes").count(), 2, "{body}");
    let results = r#"[{"id":"001A0000000001AIAQ","success":true,"errors":[],"created":true},
        {"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING"}]}]"#;
    let answer = ended(exchange.answered(&response(200, results)));
    assert_eq!(
        shown(&answer),
        [
            "permanent bad_request",
            "created 001A0000000001AIAQ",
            "permanent bad_request",
            "permanent bad_request REQUIRED_FIELD_MISSING"
        ]
    );
}

#[test]
fn a_refusal_of_the_only_input_sent_is_its_own() {
    let mut exchange = exchange(call("deal", Operation::Upsert, &[("a", r#"{"x":[]}"#), ("b", "{}")]));
    request(exchange.begin());
    let answer = ended(exchange.answered(&response(400, r#"[{"errorCode":"INVALID_FIELD","message":"m"}]"#)));
    assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request INVALID_FIELD"]);
}

#[test]
fn nothing_is_sent_when_no_input_can_be() {
    let answer = ended(exchange(call("contact", Operation::Upsert, &[("a", r#"{"x":[]}"#)])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
    let answer = ended(exchange(call("contact", Operation::Archive, &[("", "{}")])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
    for object in ["..", "a/b", "", "Contact'"] {
        for operation in [Operation::Upsert, Operation::Archive] {
            let answer = ended(exchange(call(object, operation, &[("a", "{}"), ("b", "{}")])).begin());
            assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request"], "{object:?}");
        }
    }
}

#[test]
fn a_token_that_fits_no_header_holds_the_account_and_is_not_shown() {
    for operation in [Operation::Upsert, Operation::Archive] {
        let access = Access { access_token: SecretString::from("00D\nsecret"), ..(*access()).clone() };
        let call = call("contact", operation, &[("a", "{}")]);
        let mut exchange = super::super::Salesforce.exchange(call, Arc::new(access));
        let Answer::Each(replies) = ended(exchange.begin()) else { panic!("not each") };
        let Reply::Account(fault) = &replies[0] else { panic!("{replies:?}") };
        assert_eq!(fault.reason.name(), "unauthorized");
        assert!(!fault.message.contains("secret"));
    }
}

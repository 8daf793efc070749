//! The requests of upserts, byte for byte.
//! Not here: answers.

use super::*;
use crate::model::Reply;
use http::Method;

#[test]
fn an_upsert_names_the_field_that_tells_records_apart() {
    let inputs = [("c 1", r#"{"Email":"a@b.test","Age":7,"Opt_Out":true,"Note":null}"#), ("c\"2", "{}")];
    let sent = request(exchange(call("contact", Operation::Upsert, &inputs)).begin());
    assert_eq!((sent.method, sent.special), (Method::POST, None));
    assert_eq!(sent.url, "https://www.crm.test/crm/v8/Contacts/upsert");
    assert_eq!(sent.authorization.value.to_str().unwrap(), "Zoho-oauthtoken 1000.secret");
    assert!(sent.authorization.value.is_sensitive());
    assert_eq!(
        String::from_utf8(sent.body).unwrap(),
        concat!(
            r#"{"data":[{"Ext":"c 1","Age":7,"Email":"a@b.test","Note":null,"Opt_Out":true},{"Ext":"c\"2"}],"#,
            r#""duplicate_check_fields":["Ext"]}"#,
        )
    );
}

#[test]
fn an_input_that_cannot_be_told_is_refused_alone_and_rows_are_those_of_the_others() {
    let inputs = [("a", r#"{"id":"7"}"#), ("b", r#"{"Account_Name":"n"}"#), ("", "{}"), ("d", "[]"), ("e", "{}")];
    let mut exchange = exchange(call("company", Operation::Upsert, &inputs));
    let sent = String::from_utf8(request(exchange.begin()).body).unwrap();
    assert_eq!(sent.matches("\"Ext\":").count(), 2, "{sent}");
    let missing = error("MANDATORY_NOT_FOUND", r#"{"json_path":"$.data[1].Account_Name"}"#);
    let answer = ended(exchange.answered(&response(200, &rows(&[done("insert", 1), missing]))));
    let bad = "permanent bad_request";
    assert_eq!(shown(&answer), [bad, "created 724445000001", bad, bad, "permanent bad_request MANDATORY_NOT_FOUND"]);
}

#[test]
fn a_refusal_of_the_only_input_sent_is_its_own() {
    let mut exchange = exchange(call("deal", Operation::Upsert, &[("a", r#"{"id":1}"#), ("b", "{}")]));
    request(exchange.begin());
    let answer = ended(exchange.answered(&response(400, &error("INVALID_DATA", "{}"))));
    assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request INVALID_DATA"]);
}

#[test]
fn nothing_is_sent_when_no_input_can_be() {
    let answer = ended(exchange(call("contact", Operation::Upsert, &[("a", r#"{"id":1}"#)])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
    for object in ["..", "a/b", "", "Contacts?", "call", "Calls", "Events"] {
        for operation in [Operation::Upsert, Operation::Archive] {
            let answer = ended(exchange(call(object, operation, &[("a", "{}"), ("b", "{}")])).begin());
            assert_eq!(shown(&answer), ["permanent bad_request", "permanent bad_request"], "{object:?}");
        }
    }
}

#[test]
fn a_token_that_fits_no_header_holds_the_account_and_is_not_shown() {
    for operation in [Operation::Upsert, Operation::Archive] {
        let access = Access { access_token: SecretString::from("1000\nsecret"), ..(*access()).clone() };
        let call = call("contact", operation, &[("a", "{}")]);
        let mut exchange = super::super::Zoho.exchange(call, Arc::new(access));
        let Answer::Each(replies) = ended(exchange.begin()) else { panic!("not each") };
        let Reply::Account(fault) = &replies[0] else { panic!("{replies:?}") };
        assert_eq!(fault.reason.name(), "unauthorized");
        assert!(!fault.message.contains("secret"));
    }
}

#[test]
fn credits_are_counted_by_tens_of_records() {
    let tariff = crate::crm::connector(Crm::Zoho).facts().tariff.value;
    let credits = |operation, inputs| tariff.cost(operation, &Finding::ByKey, inputs).credits;
    let upserts: Vec<u32> = [1, 10, 11, 100].map(|it| credits(Operation::Upsert, it)).to_vec();
    assert_eq!(upserts, [1, 1, 2, 10]);
    assert_eq!((credits(Operation::Archive, 1), credits(Operation::Archive, 100)), (1, 1));
}

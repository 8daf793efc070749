//! The requests, byte for byte, and which follows which.
//! Not here: what refusals mean (`answers`).

use super::*;
use http::Method;

fn text(request: &Request) -> String {
    let path = request.url.strip_prefix("https://acme.crm.test/").unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    format!("{} {path} {body}", request.method).trim_end().to_owned()
}

fn one(object: &str, operation: Operation, finding: Finding, properties: &str) -> String {
    let call = call(object, operation, &[("c 1", finding, properties)]);
    text(&request(Pipedrive.exchange(call, access(KEY)).begin()))
}

#[test]
fn records_are_written_one_by_one_with_our_external_id_in_its_field() {
    let ours = format!(r#""{KEY}":"c 1""#);
    let upsert = |object, finding, properties| one(object, Operation::Upsert, finding, properties);
    let table = [
        (
            upsert("contact", Finding::New, r#"{"name":"Ada"}"#),
            format!(r#"POST api/v2/persons {{"custom_fields":{{{ours}}},"name":"Ada"}}"#),
        ),
        (
            upsert("company", by_id(), r#"{"name":"Acme"}"#),
            format!(r#"PATCH api/v2/organizations/77 {{"custom_fields":{{{ours}}},"name":"Acme"}}"#),
        ),
        (
            upsert("deal", by_id(), r#"{"stage_id":7}"#),
            format!(r#"PATCH api/v2/deals/77 {{"custom_fields":{{{ours}}},"stage_id":7}}"#),
        ),
        (
            upsert("lead", Finding::New, r#"{"title":"T","person_id":1}"#),
            format!(r#"POST api/v1/leads {{{ours},"person_id":1,"title":"T"}}"#),
        ),
        (
            upsert("call", Finding::New, r#"{"subject":"S"}"#),
            r#"POST api/v2/activities {"subject":"S","type":"call"}"#.to_owned(),
        ),
        (one("deals", Operation::Archive, by_id(), "{}"), "DELETE api/v2/deals/77".to_owned()),
        (one("call", Operation::Archive, by_id(), "{}"), "DELETE api/v2/activities/77".to_owned()),
    ];
    for (sent, expected) in table {
        assert_eq!(sent, expected);
    }
}

#[test]
fn a_search_is_read_before_it_is_believed() {
    let search = format!("GET api/v2/itemSearch/field?term=c%201&entity_type=person&field={KEY}&match=exact&limit=3");
    for finding in [Finding::Search, Finding::ByKey] {
        assert_eq!(one("contact", Operation::Upsert, finding, "{}"), search);
    }
    let found = r#"{"success":true,"data":[{"item":{"id":7}},{"item":{"id":8}}]}"#;
    let ours = format!(r#"{{"success":true,"data":{{"id":7,"custom_fields":{{"{KEY}":"c1"}}}}}}"#);
    let another = ours.replace("c1", "C1");
    for (operation, sent) in [(Operation::Upsert, "PATCH"), (Operation::Archive, "DELETE")] {
        let mut exchange = begun(operation, Finding::Search);
        let read = text(&request(exchange.answered(&response(200, found))));
        assert_eq!(read, format!("GET api/v2/persons/7?custom_fields={KEY}"));
        let read = text(&request(exchange.answered(&response(200, &another))));
        assert_eq!(read, format!("GET api/v2/persons/8?custom_fields={KEY}"));
        let write = text(&request(exchange.answered(&response(200, &ours))));
        assert!(write.starts_with(&format!("{sent} api/v2/persons/8")), "{write}");
        let answer = ended(exchange.answered(&response(200, r#"{"success":true,"data":{"id":8}}"#)));
        assert_eq!(shown(&answer), "applied 8");
        let spent = exchange.spent().unwrap();
        let write = if operation == Operation::Upsert { 5 } else { 3 };
        assert_eq!((spent.calls, spent.searches, spent.credits), (3, 1, 22 + write));
    }
}

#[test]
fn what_is_not_found_is_created_or_archived_already() {
    let nothing = r#"{"success":true,"data":[],"additional_data":{"next_cursor":null}}"#;
    let found = r#"{"data":[{"id":7}]}"#;
    let another = format!(r#"{{"data":{{"id":7,"custom_fields":{{"{KEY}":null}}}}}}"#);
    let deleted = r#"{"data":{"id":7,"is_deleted":true}}"#;
    for late in [None, Some((200, &*another)), Some((200, deleted)), Some((404, "{}")), Some((410, "{}"))] {
        for operation in [Operation::Upsert, Operation::Archive] {
            let mut exchange = begun(operation, Finding::Search);
            let mut next = exchange.answered(&response(200, if late.is_some() { found } else { nothing }));
            if let Some((status, body)) = late {
                request(next);
                next = exchange.answered(&response(status, body));
            }
            match operation {
                Operation::Upsert => assert_eq!(request(next).method, Method::POST),
                Operation::Archive => assert_eq!(shown(&ended(next)), "applied "),
            }
        }
    }
}

#[test]
fn of_several_none_is_chosen() {
    let three = r#"{"data":[{"id":7},{"id":8},{"id":9}]}"#;
    assert_eq!(answered(Operation::Upsert, Finding::Search, 200, three), "permanent ambiguous_record");
    let mut exchange = begun(Operation::Archive, Finding::Search);
    request(exchange.answered(&response(200, r#"{"data":[{"id":7},{"id":8}]}"#)));
    request(exchange.answered(&response(200, r#"{"data":{"id":7}}"#)));
    let answer = ended(exchange.answered(&response(200, r#"{"data":{"id":8}}"#)));
    assert_eq!(shown(&answer), "permanent ambiguous_record");
}

#[test]
fn a_fields_key_is_looked_up_once_for_all_calls_with_one_access() {
    let access = access("external_id");
    let exchange = |object: &str| {
        Pipedrive
            .exchange(call(object, Operation::Upsert, &[("c1", Finding::New, r#"{"name":"A"}"#)]), Arc::clone(&access))
    };
    let mut first = exchange("contact");
    assert_eq!(text(&request(first.begin())), "GET api/v2/personFields?limit=500");
    let page =
        r#"{"success":true,"data":[{"field_name":"x","field_code":"x"}],"additional_data":{"next_cursor":"a b"}}"#;
    assert_eq!(text(&request(first.answered(&response(200, page)))), "GET api/v2/personFields?limit=500&cursor=a%20b");
    let last = format!(r#"{{"success":true,"data":[{{"field_name":"external_id","field_code":"{KEY}"}}]}}"#);
    assert_eq!(ended(first.answered(&response(200, &last))), Answer::Unsent, "it is made again, for its price");
    assert_eq!(first.spent().unwrap().credits, 20);
    for _ in 0..2 {
        let sent = text(&request(exchange("contact").begin()));
        assert_eq!(sent, format!(r#"POST api/v2/persons {{"custom_fields":{{"{KEY}":"c1"}},"name":"A"}}"#));
    }
    assert!(text(&request(exchange("deal").begin())).starts_with("GET api/v2/dealFields"));
    let archive = call("contact", Operation::Archive, &[("c1", by_id(), "{}")]);
    assert_eq!(text(&request(Pipedrive.exchange(archive, super::access("other")).begin())), "DELETE api/v2/persons/77");
}

#[test]
fn a_key_that_is_complained_of_is_looked_up_again() {
    let access = access("external_id");
    let exchange =
        |finding| Pipedrive.exchange(call("contact", Operation::Upsert, &[("c1", finding, "{}")]), Arc::clone(&access));
    let learn = || {
        let mut first = exchange(Finding::New);
        request(first.begin());
        let list = format!(r#"{{"data":[{{"field_name":"external_id","field_code":"{KEY}"}}]}}"#);
        assert_eq!(ended(first.answered(&response(200, &list))), Answer::Unsent);
    };
    let named = format!(r#"{{"success":false,"error":"custom_fields: {KEY} is not a field"}}"#);
    for (finding, body) in [(Finding::New, &*named), (Finding::Search, r#"{"success":false,"error":"bad"}"#)] {
        learn();
        let mut second = exchange(finding);
        request(second.begin());
        assert_eq!(shown(&ended(second.answered(&response(400, body)))), "transient bad_request");
    }
    learn();
    let mut third = exchange(Finding::New);
    request(third.begin());
    assert_eq!(
        shown(&ended(third.answered(&response(400, r#"{"error":"name is required"}"#)))),
        "permanent bad_request"
    );
    assert!(text(&request(exchange(Finding::New).begin())).starts_with("POST"), "not forgotten");
}

#[test]
fn an_api_token_has_a_header_of_its_own_and_no_secret_is_in_a_url() {
    let mut exchange = about(Operation::Upsert, Finding::Search);
    let sent = request(exchange.begin());
    assert_eq!(
        (sent.authorization.header.as_str(), sent.authorization.value.to_str().unwrap()),
        ("authorization", "Bearer v1u:secret")
    );
    let token = "0123456789abcdef0123456789abcdef01234567";
    let access = Access { access_token: SecretString::from(token), ..(*access(KEY)).clone() };
    let call = call("contact", Operation::Upsert, &[("c1", Finding::Search, "{}")]);
    let sent = request(Pipedrive.exchange(call, Arc::new(access)).begin());
    assert_eq!(
        (sent.authorization.header.as_str(), sent.authorization.value.to_str().unwrap()),
        ("x-api-token", token)
    );
    assert!(!sent.url.contains(token) && !format!("{sent:?}").contains(token));
}

#[test]
fn nothing_is_sent_of_what_pipedrive_could_not_hold() {
    let long = "x".repeat(256);
    let table = [
        ("contact", "", "{}"),
        ("contact", &*long, "{}"),
        ("contact", "c1", r#"{"id":7}"#),
        ("contact", "c1", "[]"),
        ("notes", "c1", "{}"),
        ("../users", "c1", "{}"),
    ];
    for (object, id, properties) in table {
        let call = call(object, Operation::Upsert, &[(id, Finding::New, properties)]);
        assert_eq!(
            shown(&ended(Pipedrive.exchange(call, access(KEY)).begin())),
            "permanent bad_request",
            "{object} {id}"
        );
    }
    let wrong = about(Operation::Archive, Finding::ById(Arc::from("../1"))).begin();
    assert_eq!(shown(&ended(wrong)), "permanent bad_request");
    for object in ["contact", "call"] {
        let call = call(object, Operation::Archive, &[("c1", Finding::New, "{}")]);
        assert_eq!(shown(&ended(Pipedrive.exchange(call, access("x")).begin())), "applied ", "it was never created");
    }
    let two = call("contact", Operation::Upsert, &[("a", Finding::New, "{}"), ("b", Finding::New, "{}")]);
    assert_eq!(shown(&ended(Pipedrive.exchange(two, access(KEY)).begin())), "refused bad_request");
    let none = call("contact", Operation::Upsert, &[]);
    assert_eq!(ended(Pipedrive.exchange(none, access(KEY)).begin()), Answer::Each(Vec::new()));
}

#[test]
fn no_call_comes_to_more_than_its_price() {
    let tariff = Pipedrive.facts().tariff.value;
    let written = crate::model::Cost { calls: 1, searches: 0, credits: 10 };
    for operation in [Operation::Upsert, Operation::Archive] {
        for finding in [Finding::New, by_id(), Finding::ByKey] {
            assert_eq!(tariff.cost(operation, &finding, 1), written);
        }
        // 20 for the search, 2 for each of two leads, 10 for the write.
        let searched = tariff.cost(operation, &Finding::Search, 1);
        assert_eq!((searched.calls, searched.searches, searched.credits), (3, 1, 34));
    }
}

//! Archives: one delete by external IDs.
//! Not here: upserts.

use super::answers::HTML;
use super::*;
use http::Method;

fn gone(external_id: &str, id: u32) -> String {
    format!(
        r#"{{"code":"SUCCESS","details":{{"Ext":"{external_id}","id":"7244450000{id}"}},"message":"record deleted",
        "status":"success"}}"#
    )
}

#[test]
fn an_archive_deletes_by_the_external_field() {
    let inputs = [("c 1", "{}"), ("a/b?&=#", "{}"), ("", "{}"), ("é", "{}")];
    let mut exchange = exchange(call("contact", Operation::Archive, &inputs));
    let sent = request(exchange.begin());
    assert_eq!((sent.method, sent.body.len()), (Method::DELETE, 0));
    assert_eq!(sent.url, "https://www.crm.test/crm/v8/Contacts?ids=c%201,a%2Fb%3F%26%3D%23,%C3%A9");
    assert_eq!(sent.authorization.value.to_str().unwrap(), "Zoho-oauthtoken 1000.secret");
    let (name, value) = sent.special.unwrap();
    assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-external", "Contacts.Ext"));
    let body = rows(&[gone("c 1", 11), error("INVALID_DATA", "{}"), gone("É", 12)]);
    let answer = ended(exchange.answered(&response(200, &body)));
    assert_eq!(shown(&answer), ["applied 724445000011", "applied ", "permanent bad_request", "applied 724445000012"]);
}

#[test]
fn what_an_archive_does_not_find_is_archived_already() {
    let absent = error("INVALID_DATA", "{}");
    assert_eq!(archived(2, 400, &rows(&[absent.clone(), absent.clone()])), ["applied ", "applied "]);
    let bare = absent.replace("\"m\"", "\"the id given seems to be invalid\"");
    assert_eq!(archived(1, 400, &bare), ["applied "]);
    assert_eq!(archived(2, 400, &bare), ["refused bad_request INVALID_DATA"], "which of them is not said");
}

#[test]
fn a_field_that_is_not_external_is_no_success() {
    assert_eq!(archived(1, 400, &error("INVALID_DATA", "{}")), ["permanent bad_request INVALID_DATA"]);
    assert_eq!(
        upserted(1, 400, &error("INVALID_DATA", "{}").replace("\"m\"", "\"the id given seems to be invalid\"")),
        ["permanent bad_request INVALID_DATA"]
    );
}

#[test]
fn an_id_with_a_comma_deletes_nothing_else() {
    let mut exchange = exchange(call("lead", Operation::Archive, &[("a,b", "{}"), ("c", "{}")]));
    assert!(request(exchange.begin()).url.ends_with("/Leads?ids=c"));
    let answer = ended(exchange.answered(&response(200, &rows(&[gone("c", 11)]))));
    assert_eq!(shown(&answer), ["permanent bad_request", "applied 724445000011"]);
}

#[test]
fn a_row_of_another_record_leaves_the_outcome_unknown() {
    let swapped = rows(&[gone("c1", 11), gone("c0", 12)]);
    assert_eq!(archived(2, 200, &swapped), ["failed malformed_response"]);
    assert_eq!(archived(2, 200, &rows(&[gone("c0", 11)])), ["failed malformed_response"]);
    assert_eq!(archived(1, 204, ""), ["failed malformed_response"]);
}

#[test]
fn a_delete_is_answered_row_by_row_or_not_at_all() {
    let denied = error("NO_PERMISSION", "{}");
    let mixed = rows(&[denied.clone(), gone("c1", 11)]);
    assert_eq!(archived(2, 200, &mixed), ["permanent forbidden NO_PERMISSION", "applied 724445000011"]);
    assert_eq!(archived(2, 403, &denied), ["permanent forbidden NO_PERMISSION"; 2]);
    assert_eq!(archived(2, 401, &error("INVALID_TOKEN", "{}")), ["account unauthorized INVALID_TOKEN"; 2]);
    assert_eq!(archived(2, 401, &error("OAUTH_SCOPE_MISMATCH", "{}")), ["permanent forbidden OAUTH_SCOPE_MISMATCH"; 2]);
    assert_eq!(archived(2, 429, &error("TOO_MANY_REQUESTS", "{}")), ["failed rate_limited TOO_MANY_REQUESTS"]);
    assert_eq!(archived(2, 502, HTML), ["failed server_error"]);
    assert_eq!(archived(2, 200, HTML), ["failed malformed_response"]);
}

#[test]
fn external_ids_that_do_not_fit_one_request_are_told_in_smaller_calls() {
    let ids: Vec<String> = (0..100).map(|it| format!("{it:0>200}")).collect();
    let inputs: Vec<(&str, &str)> = ids.iter().map(|it| (&**it, "{}")).collect();
    let answer = ended(exchange(call("contact", Operation::Archive, &inputs)).begin());
    assert_eq!(shown(&answer), ["refused bad_request"]);
    request(exchange(call("contact", Operation::Archive, &inputs[..10])).begin());
    let longest = "é".repeat(255);
    request(exchange(call("contact", Operation::Archive, &[(&longest, "{}")])).begin());
    let longer = "é".repeat(256);
    let answer = ended(exchange(call("contact", Operation::Archive, &[(&longer, "{}")])).begin());
    assert_eq!(shown(&answer), ["permanent bad_request"]);
}

//! What no other CRM has: a field whose key is looked up, searches that lag, an abuse block, two kinds of credentials.
//! Not here: what all connectors promise (`main`).

use crate::stage::{self, shown};
use sluicegate::model::{Answer, Finding, Operation, Reply};
use sluicegate::simulated::hubspot::{Fault, Policy};
use sluicegate::simulated::pipedrive::Latency;
use std::time::Duration;

#[test]
fn a_field_that_is_missing_or_there_twice_holds_the_account_until_it_is_made() {
    let stage = stage::pipedrive();
    stage.forgets_what_it_learned();
    let contact = &stage.contacts(1)[0];
    let twice = vec!["external_id".to_owned(), "external_id".to_owned()];
    for (fields, told) in [(vec!["other".to_owned()], "no custom field is named"), (twice, "several custom fields")] {
        stage.running.accounts.change(None, |it| it.custom_fields.clone_from(&fields));
        let answer = stage.find(Operation::Upsert, contact, Finding::New).answer;
        assert_eq!(shown(&answer), ["account not_found"]);
        let Answer::Each(replies) = answer else { panic!("not each") };
        let Reply::Account(fault) = &replies[0] else { panic!("{replies:?}") };
        assert!(fault.message.starts_with(told) && fault.message.contains("external_id_property"), "{fault:?}");
    }
    stage.running.accounts.change(None, |it| it.custom_fields = vec!["external_id".to_owned()]);
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, Finding::New).answer), ["created"]);
    assert_eq!(stage.record("c0").unwrap().created, 1);
}

#[test]
fn a_field_that_was_made_anew_is_looked_up_again() {
    let stage = stage::pipedrive();
    stage.upsert(&stage.contacts(1));
    stage.running.accounts.change(None, |it| it.custom_fields = vec!["new".to_owned(), "external_id".to_owned()]);
    let contact = &stage.contacts(2)[1];
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, Finding::New).answer), ["transient bad_request"]);
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, Finding::New).answer), ["created"]);
}

#[test]
fn a_search_that_comes_too_early_misses_what_was_written() {
    let stage = stage::pipedrive();
    stage.running.accounts.change(None, |it| it.search_lag = Latency::fixed(60_000.0));
    let contact = &stage.contacts(1)[0];
    stage.find(Operation::Upsert, contact, Finding::New);
    assert_eq!(shown(&stage.find(Operation::Upsert, contact, Finding::Search).answer), ["created"]);
    assert_eq!(stage.totals().doubles, 1, "so the core waits before it searches");
}

#[test]
fn a_page_of_cloudflare_is_a_limit_of_minutes_and_no_fault_of_an_input() {
    let stage = stage::pipedrive();
    stage.strike(Fault::Limited { policy: Policy::Blocked });
    let ended = stage.upsert(&stage.contacts(2));
    assert_eq!(shown(&ended.answer), ["account rate_limited"; 2]);
    assert!(Some(Duration::from_secs(60)) < ended.usage.limited.unwrap().wait);
}

#[test]
fn what_a_call_spends_is_told_to_the_token() {
    let stage = stage::pipedrive();
    let contact = &stage.contacts(1)[0];
    let spent = |ended: sluicegate::model::CallEnded| {
        let spent = ended.usage.spent.unwrap();
        (spent.calls, spent.searches, spent.credits)
    };
    assert_eq!(spent(stage.find(Operation::Upsert, contact, Finding::New)), (1, 0, 5));
    assert_eq!(spent(stage.find(Operation::Upsert, contact, Finding::Search)), (2, 1, 26));
    assert_eq!(spent(stage.find(Operation::Archive, contact, Finding::Search)), (2, 1, 24));
    assert_eq!(spent(stage.find(Operation::Archive, contact, Finding::New)), (0, 0, 0));
    let used = stage.totals();
    assert_eq!(used.calls, 7);
}

#[test]
fn an_api_token_opens_the_account_too() {
    let stage = stage::pipedrive();
    stage.uses_token("0123456789abcdef0123456789abcdef01234567");
    assert_eq!(shown(&stage.upsert(&stage.contacts(1)).answer), ["created"]);
}

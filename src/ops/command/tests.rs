//! What a person may wish, and which shards hear of it.
//! Not here: what follows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::*;
use crate::model::Message;
use crate::ops::tests::{Mood, PaperLog, SHARDS};

const NOW: Millis = Millis(1_769_860_800_000);

fn wish(scope: &str, reason: &str, until: Option<&str>) -> Wish {
    let until = until.map(str::to_owned);
    Wish { scope: scope.to_owned(), reason: reason.to_owned(), actor: "anna".to_owned(), until }
}

#[test]
fn a_wish_that_could_be_misunderstood_is_refused() {
    let refused = |act, wish: Wish| command(act, &wish, NOW).unwrap_err();
    assert_eq!(refused(Act::Pause, wish("acme", "why", None)), WishFault::Scope("acme".to_owned()));
    assert_eq!(refused(Act::Pause, wish("all", "  ", None)), WishFault::NoReason);
    assert_eq!(refused(Act::Pause, wish("all", "why", Some("soon"))), WishFault::Until("soon".to_owned()));
    assert_eq!(refused(Act::Pause, wish("all", "why", Some("2020-01-01T00:00:00Z"))), WishFault::Over);
    assert_eq!(refused(Act::Pause, wish("all", "why", Some("0s"))), WishFault::Over);
    assert_eq!(refused(Act::Resume, wish("all", "", Some("2h"))), WishFault::ResumeUntil);
}

#[test]
fn an_end_is_a_span_from_now_or_a_time() {
    for (text, end) in [("2h", NOW.0 + 7_200_000), ("2026-01-31T13:00:00+00:00", NOW.0 + 3_600_000)] {
        let command = command(Act::Pause, &wish("all", "why", Some(text)), NOW).unwrap();
        assert!(matches!(command, Command::Pause(Scope::All, pause) if pause.until == Some(Millis(end))), "{text}");
    }
}

#[test]
fn all_and_a_crm_are_told_to_each_shard_and_the_rest_to_the_tenants_home() {
    let told = |scope: &str| {
        let command = command(Act::Resume, &wish(scope, "", None), NOW).unwrap();
        messages(&command, SHARDS).into_iter().map(|it| it.shard.0).collect::<Vec<_>>()
    };
    assert_eq!(told("all"), [0, 1, 2, 3]);
    assert_eq!(told("crm/hubspot"), [0, 1, 2, 3]);
    let home = wire::partitioner::home(&TenantId::from("acme"), SHARDS).0;
    assert_eq!(told("tenant/acme"), [home]);
    assert_eq!(told("connection/acme/hubspot"), [home]);
}

#[test]
fn the_message_is_what_a_shard_reads() {
    let command = command(Act::Pause, &wish("tenant/acme", "why", Some("2h")), NOW).unwrap();
    let NewCommand { value, headers, .. } = messages(&command, SHARDS).remove(0);
    let message = Message { key: None, value: Some(value), headers, timestamp: Millis(1) };
    assert_eq!(wire::command::decode(&message), Ok(command));
}

#[tokio::test]
async fn who_was_told_is_said_and_a_log_that_fails_is_too() {
    let log = PaperLog::new(Mood::Good);
    let command = command(Act::Pause, &wish("all", "why", None), NOW).unwrap();
    let given = give(&log, &command, SHARDS).await.unwrap();
    assert_eq!((given.shards, given.action.as_str(), given.scope.as_str()), (vec![0, 1, 2, 3], "pause", "all"));
    assert_eq!(log.commands().len(), 4);
    log.set(Mood::Fails(AppendFault::Saturated));
    assert_eq!(give(&log, &command, SHARDS).await, Err(AppendFault::Saturated));
}

#[test]
fn what_is_typed_is_a_scope_or_says_what_is_missing() {
    assert_eq!(scope("all", None), Ok(Scope::All));
    assert_eq!(scope("crm", Some("hubspot")), Ok(Scope::Crm(Crm::HubSpot)));
    assert_eq!(scope("tenant", Some("a/b")), Ok(Scope::Tenant(TenantId::from("a/b"))));
    let id = ConnectionId { tenant: TenantId::from("acme"), name: "hubspot".into() };
    assert_eq!(scope("connection", Some("acme/hubspot")), Ok(Scope::Connection(id)));
    for (kind, name) in [("all", Some("acme")), ("crm", Some("x")), ("tenant", None), ("connection", Some("acme"))] {
        assert!(scope(kind, name).is_err(), "{kind} {name:?}");
    }
}

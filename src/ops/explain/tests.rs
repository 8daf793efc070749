//! The sentences that an operator reads.
//! Not here: whether they are true; the loop knows that.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::*;
use crate::model::{Attempt, Connection, Keys, Offset, Shard, Tariff, TenantId};
use std::sync::Arc;

/// 2026-01-31T12:00:00Z.
const NOON: Millis = Millis(1_769_860_800_000);

fn id() -> ConnectionId {
    ConnectionId { tenant: TenantId::from("acme"), name: "hubspot".into() }
}

fn hold(cause: HoldCause, reason: Option<Reason>, status: Option<u16>) -> Hold {
    let (since, next) = (Millis(NOON.0 - 1_740_000), Millis(NOON.0 + 300_000));
    Hold { cause, since, next, failures: 2, reason, status }
}

fn line() -> StandingLine {
    let connection = Connection {
        id: id(),
        crm: Crm::HubSpot,
        batch_max: 100,
        calls_max: None,
        windows: Arc::from([]),
        tariff: Tariff::ONE_CALL,
        keys: Keys::UNIQUE,
    };
    StandingLine {
        id: id(),
        connection: Some(Arc::new(connection)),
        hold: None,
        pauses: Vec::new(),
        waiting: BTreeMap::new(),
        ready: 0,
        calls: 0,
    }
}

fn explained(line: StandingLine) -> Explained {
    Explained {
        now: NOON,
        home: Some(Shard(3)),
        phase: Some("running"),
        connections: vec![line],
        latecomers: 0,
        attempts_max: 6,
    }
}

fn texts(line: StandingLine) -> Vec<String> {
    explain("acme", &explained(line)).waiting.into_iter().map(|it| it.text).collect()
}

fn waiting(count: u64, minutes: u64) -> Waiters {
    let oldest = Some(Millis(NOON.0 - minutes * 60_000));
    Waiters { count, oldest, first: Some(Offset(7)), ..Waiters::default() }
}

#[test]
fn a_hold_says_because_what_since_when_how_many_and_what_next() {
    let mut line = line();
    line.hold = Some(hold(HoldCause::Credentials, Some(Reason::Unauthorized), Some(401)));
    line.waiting.insert(Because::Held, waiting(1_200, 29));
    line.waiting.insert(Because::Order, waiting(4, 3));
    let texts = texts(line);
    assert_eq!(
        texts[0],
        "held since 11:31:00 UTC because hubspot answered 401; resumes when the token works; 1,204 deliveries wait, \
         oldest 29 min; nothing is lost; next automatic action: asks for a token again and tries it at 12:05:00 UTC"
    );
    assert_eq!(texts.len(), 2, "what is held is not said twice: {texts:?}");
}

#[test]
fn each_cause_has_its_words() {
    let said = |cause, reason, status| of_hold(&hold(cause, reason, status), Some(Crm::HubSpot), None, NOON);
    let outage = said(HoldCause::Outage, Some(Reason::Timeout), None);
    assert!(outage.contains("too many calls failed in a row, at last hubspot did not answer in time"), "{outage}");
    assert!(outage.ends_with("sends one delivery to see at 12:05:00 UTC"), "{outage}");
    let quota = said(HoldCause::Quota, Some(Reason::RateLimited), Some(429));
    assert!(quota.contains("its quota is used up: hubspot answered 429"), "{quota}");
    let gone = said(HoldCause::Unconfigured, None, None);
    assert!(gone.contains("not in the configuration any more") && gone.ends_with("action: none"), "{gone}");
}

#[test]
fn a_pause_names_who_and_why_and_its_end() {
    let mut pause = Pause {
        since: Millis(NOON.0 - 86_400_000),
        until: None,
        reason: "wrong mapping".to_owned(),
        actor: "anna".to_owned(),
    };
    let scope = Scope::Connection(id());
    let mut line = line();
    line.waiting.insert(Because::Held, waiting(1, 1));
    line.pauses = vec![(scope.clone(), pause.clone())];
    assert_eq!(
        texts(line),
        [
            "paused (connection acme/hubspot) since 2026-01-30 12:00:00 UTC by anna: wrong mapping; resumes when somebody \
          says so: sluicegate resume connection acme/hubspot; 1 delivery waits, oldest 60 s; nothing is lost; next \
          automatic action: none"
        ]
    );
    pause.until = Some(Millis(NOON.0 + 7_200_000));
    let text = of_pause((&scope, &pause), None, NOON);
    assert!(text.ends_with("nothing is lost; next automatic action: calls again at 14:00:00 UTC"), "{text}");
}

#[test]
fn a_retry_names_its_attempt_and_its_moment() {
    let mut line = line();
    let due = Some(Millis(NOON.0 + 9_000));
    line.waiting.insert(Because::Retry, Waiters { attempt: Attempt(2), next: due, ..waiting(3, 1) });
    line.waiting.insert(Because::RateLimit, waiting(2_000_000, 1));
    let texts = texts(line);
    assert_eq!(
        texts[0],
        "3 deliveries wait since 11:59:00 UTC because a try failed (retry); next automatic action: attempt 3 of 6 at \
         12:00:09 UTC"
    );
    assert!(texts[1].starts_with("2,000,000 deliveries wait"), "{texts:?}");
}

#[test]
fn a_tenant_of_another_instance_is_said_to_be_missing() {
    let mut elsewhere = explained(line());
    elsewhere.phase = None;
    let explanation = explain("acme", &elsewhere);
    assert_eq!(explanation.missing_shards, [3]);
    assert!(explanation.missing.contains("another instance"));
    let here = explain("acme", &explained(line()));
    assert!(here.missing_shards.is_empty() && here.missing.is_empty() && here.waiting.is_empty());
}

#[test]
fn jobs_of_an_unknown_tenant_are_seen() {
    let mut late = explained(line());
    late.latecomers = 2;
    let waiting = explain("acme", &late).waiting;
    assert_eq!((waiting[0].because.as_str(), waiting[0].count), ("unknown_tenant", 2));
}

//! Holds by tables: when one begins, how long it lasts, what ends it; pauses by their scopes.
//! Not here: what becomes of deliveries; the simulator shows that.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test panics on purpose")]

use super::{Change, Holds, Sign, Standing};
use crate::model::{
    CallId, Connection, ConnectionId, Crm, Fault, Hold, HoldCause, Keys, Millis, Pause, Reason, Scope, Tariff, TenantId,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn connection(tenant: &str, name: &str) -> Connection {
    let id = ConnectionId { tenant: TenantId::from(tenant), name: name.into() };
    Connection {
        id,
        crm: Crm::HubSpot,
        batch_max: 100,
        calls_max: None,
        windows: Arc::from([]),
        tariff: Tariff::ONE_CALL,
        keys: Keys::UNIQUE,
    }
}

fn fault(reason: Reason, retry_after: Option<u64>) -> Fault {
    let retry_after = retry_after.map(Duration::from_secs);
    Fault { reason, status: None, code: None, message: String::new(), retry_after }
}

fn failed() -> Sign {
    Sign::Failed(fault(Reason::Timeout, None))
}

fn holds(after: Option<u32>) -> Holds {
    Holds::new((after, None), BTreeMap::new(), BTreeMap::new())
}

fn end(holds: &mut Holds, call: u64, at: u64, sign: Sign) -> Option<Change> {
    holds.call_ended(&connection("acme", "a").id, CallId(call), (Millis(at), sign))
}

fn standing(holds: &Holds, at: u64) -> Standing {
    holds.standing(&connection("acme", "a"), Millis(at))
}

/// The hold after one answer to a connection that was open.
fn held(sign: Sign) -> Hold {
    let mut holds = holds(Some(1));
    match end(&mut holds, 1, 1_000, sign) {
        Some(Change::Held(_, hold)) => hold,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_outage_is_so_many_failures_in_a_row_and_no_fewer() {
    let mut holds = holds(Some(10));
    for round in 0..3 {
        for call in 0..9 {
            assert_eq!(end(&mut holds, round * 10 + call, 1_000, failed()), None);
        }
        assert_eq!(end(&mut holds, round * 10 + 9, 1_000, Sign::Well), None);
    }
    for call in 0..9 {
        assert_eq!(end(&mut holds, call, 1_000, failed()), None);
        assert_eq!(end(&mut holds, call, 1_000, Sign::Limited), None, "neither counts nor starts the count anew");
        assert_eq!(end(&mut holds, call, 1_000, Sign::Unsent), None);
    }
    assert!(matches!(end(&mut holds, 9, 1_000, failed()), Some(Change::Held(_, hold)) if hold.next == Millis(6_000)));
}

#[test]
fn with_zero_no_outage_ever_holds() {
    let mut holds = holds(None);
    assert!((0..1_000).all(|call| end(&mut holds, call, 1_000, failed()).is_none()));
    assert_eq!(standing(&holds, 1_000), Standing::Open);
}

#[test]
fn probes_of_an_outage_wait_from_five_seconds_to_five_minutes() {
    let mut holds = holds(Some(1));
    end(&mut holds, 0, 0, failed());
    let (mut at, mut waits) = (0, Vec::new());
    for probe in 1..22 {
        let next = holds.wake(Millis(at)).unwrap().0;
        waits.push((next - at) / 1000);
        assert!(at == 0 || next * 3 <= at * 4 + 3 * 5_000, "an outage of {at} ms is probed again only at {next}");
        assert_eq!((standing(&holds, next - 1), standing(&holds, next)), (Standing::Shut, Standing::Probe));
        holds.probe_started(&connection("acme", "a").id, CallId(probe));
        assert_eq!(standing(&holds, next), Standing::Shut, "one probe at a time");
        assert!(matches!(end(&mut holds, probe, next, failed()), Some(Change::StillHeld(_, _))));
        at = next;
    }
    let longer = [5, 6, 7, 9, 12, 15, 19, 23, 29, 37, 46, 58, 72, 90, 113, 142, 177, 222, 277];
    assert_eq!(waits, [&longer[..], &[300, 300]].concat());
    let next = holds.wake(Millis(at)).unwrap().0;
    holds.probe_started(&connection("acme", "a").id, CallId(99));
    assert!(matches!(end(&mut holds, 99, next, Sign::Well), Some(Change::Freed(_, HoldCause::Outage))));
    assert_eq!(standing(&holds, next), Standing::Open);
}

#[test]
fn credentials_are_asked_for_again_after_1_2_5_and_15_minutes() {
    let refused = || Sign::Account(fault(Reason::Unauthorized, None));
    let mut holds = holds(None);
    end(&mut holds, 0, 0, refused());
    let (mut at, mut waits) = (0, Vec::new());
    for probe in 1..6 {
        let next = holds.wake(Millis(at)).unwrap().0;
        waits.push((next - at) / 60_000);
        holds.probe_started(&connection("acme", "a").id, CallId(probe));
        end(&mut holds, probe, next, refused());
        at = next;
    }
    assert_eq!(waits, [1, 2, 5, 15, 15]);
    holds.try_access(&connection("acme", "a").id, Millis(at + 1));
    assert_eq!(standing(&holds, at + 1), Standing::Probe, "any change is tried at once");
}

#[test]
fn another_address_is_tried_at_once_and_gives_no_quota_back() {
    let table = [
        (Reason::Unavailable, Some(3_600), Standing::Probe),
        (Reason::Unauthorized, None, Standing::Probe),
        (Reason::RateLimited, Some(3_600), Standing::Shut),
    ];
    for (reason, retry_after, expected) in table {
        let mut holds = holds(None);
        end(&mut holds, 1, 1_000, Sign::Account(fault(reason, retry_after)));
        assert_eq!(standing(&holds, 1_001), Standing::Shut, "{reason}");
        holds.try_access(&connection("acme", "a").id, Millis(1_001));
        assert_eq!(standing(&holds, 1_001), expected, "{reason}");
    }
}

#[test]
fn a_refused_account_is_held_for_what_it_says() {
    let table = [
        (Reason::Unauthorized, None, HoldCause::Credentials, 60),
        (Reason::Forbidden, None, HoldCause::Credentials, 60),
        (Reason::RateLimited, Some(7_200), HoldCause::Quota, 7_200),
        (Reason::RateLimited, None, HoldCause::Quota, 900),
        (Reason::Unavailable, Some(3_600), HoldCause::Outage, 3_600),
        (Reason::Unavailable, None, HoldCause::Outage, 5),
        (Reason::RateLimited, Some(u64::MAX / 2), HoldCause::Quota, 90_000),
    ];
    for (reason, retry_after, cause, seconds) in table {
        let hold = held(Sign::Account(fault(reason, retry_after)));
        let expected = (cause, Millis(1_000), Millis(1_000 + seconds * 1_000));
        assert_eq!((hold.cause, hold.since, hold.next), expected, "{reason} {retry_after:?}");
    }
}

#[test]
fn a_quota_ends_at_its_reset_without_a_probe() {
    let mut holds = holds(None);
    end(&mut holds, 1, 0, Sign::Account(fault(Reason::RateLimited, Some(60))));
    assert_eq!((standing(&holds, 59_999), standing(&holds, 60_000)), (Standing::Shut, Standing::Open));
    assert!(holds.ended(Millis(59_999)).is_empty());
    assert_eq!(holds.ended(Millis(60_000)), [Change::Freed(connection("acme", "a").id, HoldCause::Quota)]);
}

#[test]
fn answers_to_calls_from_before_the_hold_change_nothing() {
    let mut holds = holds(Some(1));
    end(&mut holds, 1, 0, failed());
    for sign in [Sign::Well, failed(), Sign::Account(fault(Reason::Unauthorized, None)), Sign::Limited] {
        assert_eq!(end(&mut holds, 2, 100, sign), None);
    }
    assert_eq!(holds.wake(Millis(0)), Some(Millis(5_000)));
}

#[test]
fn a_probe_tells_what_it_met() {
    let cases = [
        (Sign::Limited, None),
        (Sign::Unsent, Some(HoldCause::Outage)),
        (Sign::Account(fault(Reason::Unauthorized, None)), Some(HoldCause::Credentials)),
        (failed(), Some(HoldCause::Outage)),
    ];
    for (sign, left) in cases {
        let mut holds = holds(Some(1));
        end(&mut holds, 1, 0, failed());
        holds.probe_started(&connection("acme", "a").id, CallId(2));
        end(&mut holds, 2, 5_000, sign.clone());
        let cause = holds.holds().get(&connection("acme", "a").id).map(|it| it.cause);
        assert_eq!(cause, left, "{sign:?}");
    }
}

#[test]
fn a_restart_keeps_the_hold_and_forgets_the_count() {
    let mut before = holds(Some(2));
    end(&mut before, 1, 0, failed());
    let mut after = Holds::new((Some(2), None), before.holds().clone(), before.pauses().clone());
    assert_eq!(end(&mut after, 2, 0, failed()), None);
    end(&mut after, 3, 0, failed());
    let again = Holds::new((Some(2), None), after.holds().clone(), after.pauses().clone());
    assert_eq!((standing(&again, 4_999), standing(&again, 5_000)), (Standing::Shut, Standing::Probe));
}

#[test]
fn after_a_restart_credentials_are_tried_at_once() {
    let mut before = holds(None);
    end(&mut before, 1, 0, Sign::Account(fault(Reason::Unauthorized, None)));
    let after = Holds::new((None, None), before.holds().clone(), BTreeMap::new());
    assert_eq!(standing(&after, 1), Standing::Probe);
}

#[test]
fn a_connection_that_vanished_is_held_until_it_is_back() {
    let id = connection("acme", "a").id;
    let mut holds = holds(None);
    assert!(matches!(holds.configured(&id, false, Millis(5)), Some(Change::Held(_, _))));
    assert_eq!(holds.configured(&id, false, Millis(6)), None);
    assert_eq!((standing(&holds, 1 << 40), holds.wake(Millis(0))), (Standing::Shut, None));
    assert_eq!(holds.configured(&id, true, Millis(7)), Some(Change::Freed(id, HoldCause::Unconfigured)));
    assert_eq!(standing(&holds, 8), Standing::Open);
}

fn pause(since: u64, until: Option<u64>) -> Pause {
    Pause { since: Millis(since), until: until.map(Millis), reason: "r".to_owned(), actor: "a".to_owned() }
}

#[test]
fn a_pause_shuts_its_scope_and_nothing_else() {
    let other = connection("other", "a");
    let scopes = [
        (Scope::All, true, true),
        (Scope::Crm(Crm::HubSpot), true, true),
        (Scope::Tenant(TenantId::from("acme")), true, false),
        (Scope::Connection(connection("acme", "a").id), true, false),
        (Scope::Connection(connection("acme", "b").id), false, false),
    ];
    for (scope, own, others) in scopes {
        let mut holds = holds(None);
        assert!(holds.pause(Millis(0), &scope, &pause(0, None)).is_some());
        assert_eq!(holds.pause(Millis(0), &scope, &pause(0, None)), None, "twice is once");
        let shut = |it: bool| if it { Standing::Shut } else { Standing::Open };
        assert_eq!(standing(&holds, 1), shut(own), "{scope}");
        assert_eq!(holds.standing(&other, Millis(1)), shut(others), "{scope}");
        assert_eq!(holds.resume(Millis(2), &scope), Some(Change::Resumed(scope.clone())));
        assert_eq!(standing(&holds, 3), Standing::Open);
    }
}

#[test]
fn pauses_lie_over_one_another_and_over_a_hold() {
    let mut holds = holds(Some(1));
    end(&mut holds, 1, 0, failed());
    holds.pause(Millis(0), &Scope::All, &pause(0, None));
    holds.pause(Millis(0), &Scope::Tenant(TenantId::from("acme")), &pause(0, Some(20_000)));
    holds.resume(Millis(1), &Scope::All);
    assert_eq!(standing(&holds, 10_000), Standing::Shut, "the tenant's pause goes on, and a paused one is not probed");
    assert_eq!(holds.ended(Millis(20_000)).len(), 1);
    assert_eq!(standing(&holds, 20_000), Standing::Probe);
}

#[test]
fn a_pause_ends_by_itself_and_one_that_is_over_says_nothing() {
    let mut holds = holds(None);
    assert_eq!(holds.pause(Millis(10), &Scope::All, &pause(0, Some(10))), None);
    holds.pause(Millis(10), &Scope::All, &pause(0, Some(50)));
    assert_eq!(holds.wake(Millis(10)), Some(Millis(50)));
    assert_eq!((standing(&holds, 49), standing(&holds, 50)), (Standing::Shut, Standing::Open));
}

#[test]
fn to_resume_is_to_try_at_once() {
    let mut holds = holds(None);
    end(&mut holds, 1, 0, Sign::Account(fault(Reason::Unauthorized, None)));
    holds.resume(Millis(10), &Scope::Tenant(TenantId::from("other")));
    assert_eq!(standing(&holds, 10), Standing::Shut);
    holds.resume(Millis(10), &Scope::Tenant(TenantId::from("acme")));
    assert_eq!(standing(&holds, 10), Standing::Probe);
}

//! The bytes that lie in people's changelogs since 0.1, and what else may lie there.
//! Not here: keys of the local store.
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use super::{StateFault, decode, encode, encode_key};
use crate::model::{
    AppliedMark, Attempt, CommitMark, CommitNumber, ConnectionId, ConnectionMark, DeadMark, DedupeHash, Hold,
    HoldCause, Incarnation, Intent, Millis, Object, Offset, Operations, Pause, Position, Reason, RefMark, Rewinds,
    Scope, Segment, SegmentBits, Spent, StateKey, StateValue, TenantHash, TenantId, Tier, Topic, Unit, WindowMark,
    WindowName,
};
use crate::wire::strategies;
use proptest::prelude::*;
use std::time::Duration;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn dead(seq: u64, connection: Option<(&str, &str)>) -> StateKey {
    let id = connection.map(|(tenant, name)| ConnectionId { tenant: TenantId::from(tenant), name: name.into() });
    StateKey::Dead(Offset(seq), id)
}

fn bits(range: std::ops::Range<u64>) -> StateValue {
    let mut bits = SegmentBits::default();
    range.for_each(|it| bits.set(Offset(it)));
    StateValue::Settled(Box::new(bits))
}

fn account() -> StateKey {
    StateKey::Connection(ConnectionId { tenant: TenantId::from("ac/me"), name: "hubspot".into() })
}

fn windows() -> ConnectionMark {
    let name = |per, operations| WindowName { per: Duration::from_secs(per), unit: Unit::Calls, operations };
    let spent = vec![Spent { at: Millis(300), units: 2 }, Spent { at: Millis(900), units: 200 }];
    let first = WindowMark {
        name: name(10, Operations::AllButSearches),
        out: 3,
        spent,
        blocked_until: Millis(0),
        told: Some(99),
    };
    let day = WindowMark {
        name: name(86_400, Operations::All),
        out: 3,
        spent: Vec::new(),
        blocked_until: Millis(5000),
        told: None,
    };
    ConnectionMark { written: Millis(1000), unshown_max: 8, windows: vec![first, day] }
}

/// Every kind of key with a value of its own kind.
fn samples() -> Vec<(StateKey, StateValue)> {
    let settled = || StateKey::Settled(Topic::Jobs, Segment(12));
    let position = Position { low: Offset(5), low_max: Offset(300), read: Offset(70_000), rewinds: Rewinds(1) };
    let mark =
        DeadMark { reason: Reason::Conflict, code: Some("DUP".to_owned()), at: Millis(1000), rewinds: Rewinds(2) };
    let invalid = DeadMark { reason: Reason::InvalidJob, code: None, at: Millis(1000), rewinds: Rewinds(0) };
    let commit = CommitMark { number: CommitNumber(7), incarnation: Incarnation(u64::MAX) };
    let applied = AppliedMark { at: Millis(1_769_860_800_000), seq: Offset(77) };
    let mut noise = SegmentBits::default();
    (0..4096).step_by(2).for_each(|it| noise.set(Offset(it)));
    vec![
        (StateKey::Commit, StateValue::Commit(commit)),
        (StateKey::Position(Topic::Delay(Tier::S5)), StateValue::Position(position)),
        (settled(), bits(0..0)),
        (settled(), bits(0..4096)),
        (settled(), bits(3..200)),
        (settled(), StateValue::Settled(Box::new(noise))),
        (dead(9, Some(("ac/me", "hubspot"))), StateValue::Dead(mark)),
        (dead(9, None), StateValue::Dead(invalid)),
        (StateKey::Applied(TenantHash(1), DedupeHash(0xff)), StateValue::Applied(applied)),
        (account(), StateValue::Connection(windows())),
    ]
}

#[test]
fn the_bytes_are_those_of_0_1() {
    let written: String = samples()
        .iter()
        .map(|(key, value)| {
            let (key, value) = encode(key, value);
            format!("{} {}\n", hex(&key), hex(&value))
        })
        .collect();
    assert_eq!(written, include_str!("../../../tests/data/v0.1/state.hex"));
}

#[test]
fn keys_are_readable() {
    let texts: Vec<String> =
        samples().iter().take(8).map(|(key, _)| String::from_utf8(encode_key(key).to_vec()).unwrap()).collect();
    assert_eq!(
        texts.join(" "),
        "commit position/delay.5s settled/jobs/12 settled/jobs/12 settled/jobs/12 settled/jobs/12 dead/9/ac%2Fme/hubspot dead/9/"
    );
    assert_eq!(encode_key(&StateKey::Applied(TenantHash(0), DedupeHash(0))).len(), 32);
}

#[test]
fn holds_and_pauses_have_readable_keys_and_fixed_bytes() {
    let id = ConnectionId { tenant: TenantId::from("acme"), name: "hubspot".into() };
    let hold = Hold {
        cause: HoldCause::Credentials,
        since: Millis(1000),
        next: Millis(61_000),
        failures: 1,
        reason: Some(Reason::Unauthorized),
        status: Some(401),
    };
    let (key, value) = encode(&StateKey::Hold(id.clone()), &StateValue::Hold(hold));
    assert_eq!(&key[..], b"hold/acme/hubspot");
    assert_eq!(hex(&value), "010b63726564656e7469616c73e807c8dc0301010c756e617574686f72697a65649203");
    let pause = Pause { since: Millis(1000), until: None, reason: "why".to_owned(), actor: "who".to_owned() };
    let (key, value) = encode(&StateKey::Pause(Scope::Connection(id)), &StateValue::Pause(pause));
    assert_eq!(&key[..], b"pause/connection/acme/hubspot");
    assert_eq!(hex(&value), "01e80700037768790377686f");
}

#[test]
fn references_have_readable_keys_and_fixed_bytes() {
    let id = ConnectionId { tenant: TenantId::from("acme"), name: "pipedrive".into() };
    let key = StateKey::Ref(id, Object("call".into()), "c/1".into());
    let (text, value) = encode(&key, &StateValue::Ref(RefMark::Known("77".into())));
    assert_eq!(&text[..], b"ref/acme/pipedrive/call/c%2F1");
    assert_eq!(hex(&value), "0100023737");
    let intent = Intent { of: Some((Offset(300), Attempt(2))), landed_by: Millis(1000) };
    let (_, value) = encode(&key, &StateValue::Ref(RefMark::Intended(intent)));
    assert_eq!(hex(&value), "0101e80701ac0202");
}

#[test]
fn a_newer_format_is_named_with_its_key() {
    for (key, _) in samples() {
        let fault = decode(key.topic(), &encode_key(&key), Some(&[2, 1, 1])).unwrap_err();
        assert!(matches!(&fault, StateFault::UnknownFormat { format: 2, .. }), "{fault}");
    }
    let fault = decode(Topic::State, b"commit", Some(&[9])).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the value of `commit` has format 9, which is not known here; start the newer version that wrote it"
    );
}

#[test]
fn keys_of_others_are_refused() {
    let keys = [
        "",
        "commit/",
        "Commit",
        "position/",
        "position/jobs/",
        "position/nowhere",
        "settled/jobs",
        "settled/jobs/-1",
        "settled/jobs/007",
        "settled/jobs/+1",
        "dead/1",
        "dead//",
        "dead/1/acme",
        "dead/1/a/b/c",
        "dead/1/%41/b",
        "connection/a",
        "connection/a/b/c",
        "hold/a",
        "hold/a/b/c",
        "pause/",
        "pause/everything",
        "pause/crm/nobody",
        "ref/a/b/c",
        "ref/a/b/c/d/e",
        "ref/a/b/c/%41",
    ];
    for key in keys {
        let fault = decode(Topic::State, key.as_bytes(), None).unwrap_err();
        assert_eq!(fault, StateFault::UnknownKey { topic: "state", key: key.to_owned() });
    }
    for topic in Topic::ALL.into_iter().filter(|it| *it != Topic::State) {
        assert!(decode(topic, b"commit", None).is_err());
    }
    assert!(decode(Topic::Applied, &[0; 31], None).is_err());
    assert!(decode(Topic::Applied, &[0; 33], None).is_err());
}

#[test]
fn a_value_cut_short_lengthened_or_of_another_kind_is_damaged() {
    for (key, value) in samples() {
        let (name, value) = encode(&key, &value);
        for end in 0..value.len() {
            assert!(decode(key.topic(), &name, Some(&value[..end])).is_err(), "{key:?} cut at {end}");
        }
        let longer = [&value[..], &[0]].concat();
        assert!(matches!(decode(key.topic(), &name, Some(&longer)), Err(StateFault::Damaged { .. })), "{key:?}");
    }
    let (_, value) = encode(
        &StateKey::Commit,
        &StateValue::Commit(CommitMark { number: CommitNumber(1), incarnation: Incarnation(1) }),
    );
    assert!(decode(Topic::State, b"position/jobs", Some(&value)).is_err());
}

proptest! {
    #[test]
    fn every_key_and_value_reads_back((key, value) in strategies::state()) {
        let (name, bytes) = encode(&key, &value);
        let is_of_any_size = matches!(value, StateValue::Dead(_) | StateValue::Connection(_) | StateValue::Pause(_));
        prop_assert!(bytes.len() <= 514 || is_of_any_size);
        prop_assert_eq!(decode(key.topic(), &name, Some(&bytes)), Ok((key.clone(), Some(value))));
        prop_assert_eq!(decode(key.topic(), &name, None), Ok((key, None)));
    }

    #[test]
    fn a_key_has_one_text(
        topic in strategies::topic(),
        key in "(commit|position|settled|dead|hold|pause|all|crm|tenant|/|jobs|delay.5s|[0-9]|%|2F|a){0,8}",
    ) {
        if let Ok((read, _)) = decode(topic, key.as_bytes(), None) {
            prop_assert_eq!(encode_key(&read), key.as_bytes());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        topic in strategies::topic(),
        key: Vec<u8>,
        (known, _) in strategies::state(),
        mut value: Vec<u8>,
    ) {
        let _read = decode(topic, &key, Some(&value));
        let _read = decode(known.topic(), &encode_key(&known), Some(&value));
        value.insert(0, 1);
        if let Ok((_, Some(read))) = decode(known.topic(), &encode_key(&known), Some(&value))
            && !matches!(read, StateValue::Settled(_))
        {
            prop_assert_eq!(encode(&known, &read).1, value);
        }
    }
}

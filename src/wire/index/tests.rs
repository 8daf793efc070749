//! Keys keep the order of their parts, scans of one connection meet no other, entries come back whole.
//! Not here: values of the changelog part (`state`).
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use super::{
    changelog_key, decode_changelog_key, decode_entry, decode_entry_key, decode_message_key, decode_queue_key,
    decode_read_key, decode_record_key, decode_state_key, decode_timer_key, encode_entry, entry_key, message_key,
    message_prefix, queue_key, queue_prefix, queue_space, read_key, record_key, record_prefix, settled_prefix,
    state_key, timer_from, timer_key, timer_prefix,
};
use crate::model::{
    Attempt, Because, ConnectionId, Entry, EntryKey, Header, Message, Millis, Offset, Place, RecordHash, Segment,
    StateKey, TenantId, Tier, Topic,
};
use crate::wire::state::StateFault;
use crate::wire::strategies;
use proptest::prelude::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn sample() -> Entry {
    let connection = ConnectionId { tenant: TenantId::from("acme"), name: "hs".into() };
    Entry {
        key: EntryKey { seq: Offset(258), connection },
        place: Place { tier: Tier::S10, offset: Offset(300) },
        record: RecordHash(7),
        attempt: Attempt(2),
        because: Because::Retry,
        due: Millis(1000),
        since: Millis(900),
        message: Message {
            key: Some("acme".into()),
            value: None,
            headers: vec![
                Header { name: "h".to_owned(), value: Some("v".into()) },
                Header { name: "n".to_owned(), value: None },
            ],
            timestamp: Millis(5),
        },
    }
}

#[test]
fn keys_have_the_layout_of_0_1() {
    let entry = sample();
    let id = "61636d65000068730000";
    assert_eq!(hex(&message_key(entry.place)), "1002000000000000012c");
    assert_eq!(hex(&entry_key(&entry.key)), format!("110000000000000102{id}"));
    assert_eq!(hex(&record_key(entry.record, entry.key.seq)), "12000000000000000000000000000000070000000000000102");
    assert_eq!(hex(&timer_key(entry.due, &entry.key)), format!("1300000000000003e80000000000000102{id}"));
    assert_eq!(hex(&queue_key(&entry.key.connection, entry.key.seq)), format!("14{id}0000000000000102"));
    assert_eq!(hex(&read_key(Topic::Delay(Tier::S80))), "2005");
    assert_eq!(hex(&changelog_key(Topic::Applied)), "2108");
    assert_eq!(hex(&state_key(&StateKey::Commit)), "01");
    assert_eq!(hex(&state_key(&StateKey::Position(Topic::Jobs))), "0200");
    assert_eq!(hex(&state_key(&StateKey::Settled(Topic::Jobs, Segment(1)))), "03000000000000000001");
    assert_eq!(hex(&state_key(&StateKey::Dead(Offset(1), None))), "04000000000000000100");
    assert_eq!(hex(&state_key(&StateKey::Connection(entry.key.connection.clone()))), format!("06{id}"));
    assert_eq!(
        hex(&state_key(&StateKey::Dead(Offset(1), Some(entry.key.connection)))),
        format!("04000000000000000101{id}")
    );
}

#[test]
fn an_entry_has_the_layout_of_0_1() {
    let written = concat!(
        "0102ac02",
        "00000000000000000000000000000007",
        "0200e8078407",
        "05010461636d6500",
        "0201680101760",
        "16e00"
    );
    assert_eq!(hex(&encode_entry(&sample())), written);
}

#[test]
fn a_damaged_entry_is_refused_and_a_newer_one_is_named() {
    let entry = sample();
    let value = encode_entry(&entry);
    for end in 0..value.len() {
        assert!(decode_entry(&entry.key, &value[..end]).is_err(), "cut at {end}");
    }
    let fault = decode_entry(&entry.key, &[&value[..], &[0]].concat()).unwrap_err();
    assert!(matches!(fault, StateFault::Damaged { .. }));
    assert!(matches!(decode_entry(&entry.key, &[2]), Err(StateFault::UnknownFormat { format: 2, .. })));
    assert!(matches!(decode_entry(&entry.key, &[]), Err(StateFault::Damaged { .. })));
}

#[test]
fn a_count_of_headers_beyond_the_end_makes_no_room_for_them() {
    let entry = Entry { message: Message { headers: Vec::new(), ..sample().message }, ..sample() };
    let mut value = encode_entry(&entry);
    value.pop();
    value.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    assert!(matches!(decode_entry(&entry.key, &value), Err(StateFault::Damaged { .. })));
}

#[test]
fn a_scan_of_one_connection_meets_no_other() {
    let id = |tenant: &str, name: &str| ConnectionId { tenant: TenantId::from(tenant), name: name.into() };
    let ids = [id("a", "b"), id("a", "b\0"), id("a", ""), id("", "a"), id("ab", ""), id("a\0", "b"), id("a", "bb")];
    for one in &ids {
        for other in &ids {
            assert_eq!(queue_key(other, Offset(0)).starts_with(&queue_prefix(one)), one == other, "{one:?} {other:?}");
        }
    }
}

#[test]
fn a_scan_ends_before_the_next_space_and_the_next_topic() {
    assert!(timer_key(Millis(u64::MAX), &sample().key).starts_with(&timer_prefix()));
    assert!(queue_key(&sample().key.connection, Offset(0)).starts_with(&queue_space()));
    assert!(
        !state_key(&StateKey::Settled(Topic::Delay(Tier::S5), Segment(0))).starts_with(&settled_prefix(Topic::Jobs))
    );
    assert!(!message_key(sample().place).starts_with(&message_prefix(Tier::S5)));
    assert!(decode_entry_key(&timer_prefix()).is_err());
}

proptest! {
    #[test]
    fn keys_read_back(
        place in strategies::place(),
        key in strategies::entry_key(),
        record: u128,
        due in strategies::number(),
        topic in strategies::topic(),
    ) {
        prop_assert_eq!(decode_message_key(&message_key(place)), Ok(place));
        prop_assert_eq!(decode_entry_key(&entry_key(&key)), Ok(key.clone()));
        prop_assert_eq!(decode_record_key(&record_key(RecordHash(record), key.seq)), Ok((RecordHash(record), key.seq)));
        prop_assert_eq!(decode_timer_key(&timer_key(Millis(due), &key)), Ok((Millis(due), key.clone())));
        prop_assert_eq!(decode_queue_key(&queue_key(&key.connection, key.seq)), Ok((key.connection, key.seq)));
        prop_assert_eq!(decode_read_key(&read_key(topic)), Ok(topic));
        prop_assert_eq!(decode_changelog_key(&changelog_key(topic)), Ok(topic));
    }

    #[test]
    fn state_keys_read_back_in_their_order((a, _) in strategies::state(), (b, _) in strategies::state()) {
        prop_assert_eq!(decode_state_key(&state_key(&a)), Ok(a.clone()));
        prop_assert_eq!(state_key(&a).cmp(&state_key(&b)), a.cmp(&b));
    }

    #[test]
    fn the_order_of_keys_is_that_of_their_parts(
        a in strategies::entry_key(),
        b in strategies::entry_key(),
        x in strategies::number(),
        y in strategies::number(),
        p in strategies::place(),
        q in strategies::place(),
    ) {
        prop_assert_eq!(entry_key(&a).cmp(&entry_key(&b)), a.cmp(&b));
        prop_assert_eq!(message_key(p).cmp(&message_key(q)), p.cmp(&q));
        prop_assert_eq!(timer_key(Millis(x), &a).cmp(&timer_key(Millis(y), &b)), (x, &a).cmp(&(y, &b)));
        let parts = |it: &EntryKey| (it.connection.clone(), it.seq);
        prop_assert_eq!(queue_key(&a.connection, a.seq).cmp(&queue_key(&b.connection, b.seq)), parts(&a).cmp(&parts(&b)));
        let (r, s) = (RecordHash(u128::from(x) << 64), RecordHash(u128::from(y) << 64));
        prop_assert_eq!(record_key(r, a.seq).cmp(&record_key(s, b.seq)), (r, a.seq).cmp(&(s, b.seq)));
        prop_assert!(record_key(r, a.seq).starts_with(&record_prefix(r)));
        prop_assert_eq!(timer_from(Millis(y)) <= timer_key(Millis(x), &a), y <= x);
    }

    #[test]
    fn entries_read_back(entry in strategies::entry()) {
        prop_assert_eq!(decode_entry(&entry.key, &encode_entry(&entry)), Ok(entry));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>, space: u8, key in strategies::entry_key()) {
        let _read = decode_entry(&key, &bytes);
        bytes.insert(0, space % 0x24);
        let _read = (decode_state_key(&bytes), decode_message_key(&bytes), decode_entry_key(&bytes), decode_record_key(&bytes));
        let _read = (decode_timer_key(&bytes), decode_queue_key(&bytes), decode_read_key(&bytes), decode_changelog_key(&bytes));
        bytes.insert(0, 1);
        let _read = decode_entry(&key, &bytes);
    }

    #[test]
    fn a_damaged_entry_is_read_or_refused(entry in strategies::entry(), at: usize, byte: u8) {
        let mut value = encode_entry(&entry);
        let length = value.len();
        if let Some(it) = value.get_mut(at % length) {
            *it = byte;
        }
        let _read = decode_entry(&entry.key, &value);
    }
}

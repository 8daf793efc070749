//! Table tests of what is found in the index and can go no further.
//! Not here: how it is found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use crate::machine::{Aged, Dice, IndexWrite, Input, Machine, Note, Out, Policy, Restored, Seen, Settings};
use crate::machine::{WaitingContent, WaitingRead};
use crate::model::{
    Attempt, Because, ConnectionId, Entry, EntryKey, Incarnation, Message, Millis, Offset, Place, Reason, RecordHash,
    Shard, Tier, Topic,
};
use std::sync::Arc;
use std::time::Duration;

const RECORD: RecordHash = RecordHash(7);

fn machine() -> Machine {
    let retry = Policy { base: Duration::from_secs(5), factor: 2.0, jitter: (1.0, 1.0), retries: 5 };
    let settings = Settings {
        shard: Shard(0),
        incarnation: Incarnation(1),
        idempotency_ttl: Duration::from_secs(60),
        retry,
        hold_after: None,
        call_deadline: Duration::from_secs(10),
        connection_calls_max: 8,
        window_max: 256,
        line_bytes_max: 1 << 20,
        bug: None,
    };
    Machine::new(settings, &Restored::default(), Dice(1), &mut Vec::new())
}

fn entry(seq: u64, offset: u64, attempt: u32) -> Entry {
    let connection = ConnectionId { tenant: "acme".into(), name: Arc::from("hubspot") };
    Entry {
        key: EntryKey { seq: Offset(seq), connection },
        place: Place { tier: Tier::S5, offset: Offset(offset) },
        record: RECORD,
        attempt: Attempt(attempt),
        because: Because::Order,
        due: Millis(0),
        since: Millis(0),
        message: Message { key: None, value: Some("no job".into()), headers: Vec::new(), timestamp: Millis(0) },
    }
}

fn file(machine: &mut Machine, entry: Entry, seen: &Seen) -> Out {
    let position = Offset(entry.place.offset.0 + 1);
    let messages = vec![WaitingRead { offset: entry.place.offset, content: WaitingContent::Entry(Box::new(entry)) }];
    let mut out = Out::default();
    machine.step(Millis(9), seen, Input::Waiting { tier: Tier::S5, messages, position }, &mut out);
    out
}

fn aged(entry: Entry) -> Aged {
    let waits = crate::machine::Waits::of(&entry, Millis(0));
    Aged { key: entry.key, record: entry.record, waits, message: entry.message, paused_at: None }
}

#[test]
fn what_cannot_be_read_is_buried_as_it_is_and_the_next_of_its_record_may_go() {
    let mut machine = machine();
    file(&mut machine, entry(1, 10, 0), &Seen::default());
    file(&mut machine, entry(2, 11, 0), &Seen::default());
    let input = Input::Unreadable(vec![(aged(entry(1, 10, 0)), "it is no JSON".to_owned())]);
    let wants = machine.wants(&input);
    assert_eq!(wants.records[0].record, RECORD);
    let waiting = vec![(Offset(1), Millis(0)), (Offset(2), Millis(0))];
    let seen = Seen { records: [(RECORD, waiting)].into(), ..Seen::default() };
    let mut out = Out::default();
    machine.step(Millis(9), &seen, input, &mut out);
    assert!(out.notes.contains(&Note::Strange { topic: Topic::Delay(Tier::S5), offset: Offset(10) }));
    let queued = |it: &IndexWrite| matches!(it, IndexWrite::Queue(key, _) if key.seq == Offset(2));
    assert!(out.index.iter().any(queued), "{:?}", out.index);
    assert_eq!(machine.gauges().waiting.values().sum::<u64>(), 1);
    let part = machine.seal(Millis(0), crate::model::CommitNumber(1));
    assert_eq!((part.dead.len(), part.removed.len(), part.ended.len()), (1, 1, 0));
    let letter = &part.dead[0];
    assert_eq!((letter.topic, letter.offset, letter.reason), (Topic::Delay(Tier::S5), Offset(10), Reason::InvalidJob));
    assert_eq!(letter.original.value.as_deref(), Some(b"no job".as_slice()));
}

#[test]
fn of_two_messages_of_one_delivery_the_one_with_more_attempts_stays() {
    for (first, second, stays) in [(0, 1, 11), (1, 1, 10), (2, 1, 10)] {
        let mut machine = machine();
        let old = entry(1, 10, first);
        file(&mut machine, old.clone(), &Seen::default());
        let facts = crate::machine::EntryFacts { attempt: old.attempt, waits: aged(old.clone()).waits };
        let seen = Seen { entries: [(old.key, facts)].into(), ..Seen::default() };
        let out = file(&mut machine, entry(1, 11, second), &seen);
        let filed = out.index.iter().any(|it| matches!(it, IndexWrite::File { replaces: Some(_), .. }));
        assert_eq!(filed, stays == 11, "{first} {second}");
        assert_eq!(machine.gauges().waiting.values().sum::<u64>(), 1);
    }
}

#[test]
fn what_is_renewed_goes_out_as_it_is_and_counts_as_on_its_way() {
    let mut machine = machine();
    file(&mut machine, entry(1, 10, 3), &Seen::default());
    let mut out = Out::default();
    machine.step(Millis(9), &Seen::default(), Input::Renew(vec![aged(entry(1, 10, 3))]), &mut out);
    let gauges = machine.gauges();
    assert_eq!((gauges.on_way, gauges.waiting_bytes), (1, 0));
    let again = Input::Renew(vec![aged(entry(1, 10, 3))]);
    machine.step(Millis(9), &Seen::default(), again, &mut out);
    let part = machine.seal(Millis(0), crate::model::CommitNumber(1));
    assert_eq!(part.renewed.len(), 1, "once");
    assert_eq!(part.renewed[0].message, entry(1, 10, 3).message);
}

#[test]
fn a_mark_that_makes_a_message_too_large_goes_and_nothing_else_of_it_does() {
    let mut machine = machine();
    file(&mut machine, entry(1, 10, 3), &Seen::default());
    let mut out = Out::default();
    let marked = Aged { paused_at: Some(Millis(9)), ..aged(entry(1, 10, 3)) };
    machine.step(Millis(9), &Seen::default(), Input::Renew(vec![marked]), &mut out);
    machine.seal(Millis(9), crate::model::CommitNumber(1));
    let suspect = crate::machine::Suspect::Renewed(0);
    assert!(machine.can_yield(suspect));
    machine.step(Millis(9), &Seen::default(), Input::Refused(suspect, "too large".to_owned()), &mut out);
    let part = machine.seal(Millis(9), crate::model::CommitNumber(2));
    assert_eq!((part.renewed[0].paused_at, &part.renewed[0].message), (None, &entry(1, 10, 3).message));
    assert!(!machine.can_yield(suspect), "what lay there before is refused for another reason");
}

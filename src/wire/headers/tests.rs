//! Waiting messages and dead letters there and back, and what others write into our topics.
//! Not here: histories (`history`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{
    ATTEMPT, CONNECTION, DLT_MESSAGE, DLT_TOPIC, DUE_AT, DeadFacts, FORCE, HISTORY, ORIGIN, REASON, RECORD, REPLAY_ID,
    SOURCE, WaitingFacts, dead_facts, dead_headers, original, original_of_dead, paused_at, replay_id, waiting_facts,
    waiting_headers, with_pause, with_replay_id,
};
use crate::model::{
    Attempt, Because, ConnectionId, Header, History, Message, Millis, Offset, Origin, Reason, RecordHash, Shard,
    TenantId,
};
use crate::wire::strategies;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: Some(Bytes::copy_from_slice(value.as_bytes())) }
}

fn job(headers: Vec<Header>) -> Message {
    Message { key: Some("acme".into()), value: Some("{}".into()), headers, timestamp: Millis(5) }
}

fn waiting() -> WaitingFacts {
    WaitingFacts {
        connection: ConnectionId { tenant: TenantId::from("ac/me"), name: "hubspot".into() },
        record: RecordHash(0xabc),
        attempt: Attempt(2),
        because: Because::Retry,
        due: Millis(1_769_860_805_000),
        since: Millis(1_769_860_800_000),
        paused_at: None,
        origin: Origin { topic: "sluicegate.jobs".into(), shard: Shard(3), seq: Offset(77) },
        origin_timestamp: Millis(5),
        history: History::default(),
    }
}

fn dead() -> DeadFacts {
    let it = waiting();
    DeadFacts {
        connection: Some(it.connection),
        record: Some(it.record),
        attempt: Attempt(6),
        since: Some(it.since),
        origin: it.origin,
        origin_timestamp: it.origin_timestamp,
        reason: Reason::ServerError,
        exhausted: true,
        what: "500 oh no".to_owned(),
        history: it.history,
    }
}

/// The message as it lies in a delay topic, released at another time than that of the job.
fn released(original: &Message, facts: &WaitingFacts) -> Message {
    Message { headers: waiting_headers(original, facts), timestamp: Millis(999), ..original.clone() }
}

fn buried(original: &Message, facts: &DeadFacts) -> Message {
    Message { headers: dead_headers(original, facts), timestamp: Millis(999), ..original.clone() }
}

fn shown(headers: &[Header]) -> Vec<String> {
    headers.iter().map(|it| format!("{}={}", it.name, String::from_utf8_lossy(it.value.as_deref().unwrap()))).collect()
}

#[test]
fn a_waiting_message_has_the_headers_of_the_contract_after_its_own() {
    assert_eq!(
        shown(&waiting_headers(&job(vec![header("trace", "1")]), &waiting())),
        [
            "trace=1",
            "sluicegate-connection=ac%2Fme/hubspot",
            "sluicegate-record=00000000000000000000000000000abc",
            "sluicegate-attempt=2",
            "sluicegate-because=retry",
            "sluicegate-due-at=1769860805000",
            "sluicegate-waiting-since=1769860800000",
            "sluicegate-origin=sluicegate.jobs/3/77",
            "sluicegate-origin-timestamp=5",
        ]
    );
}

#[test]
fn a_release_under_a_pause_is_marked_with_its_time_and_a_later_one_takes_its_place() {
    let waits = released(&job(vec![header("trace", "1")]), &waiting());
    assert_eq!(paused_at(&waits), None);
    let once = with_pause(waits.clone(), Millis(7));
    let twice = with_pause(once, Millis(9));
    assert_eq!(paused_at(&twice), Some(Millis(9)));
    assert_eq!(twice.headers.len(), waits.headers.len() + 1);
    let facts = waiting_facts(&twice).unwrap();
    assert_eq!(facts, WaitingFacts { paused_at: Some(Millis(9)), ..waiting() });
    assert_eq!(original(&twice, &facts), job(vec![header("trace", "1")]));
    assert_eq!(paused_at(&released(&job(Vec::new()), &facts)), Some(Millis(9)), "a retry after it keeps it");
}

#[test]
fn a_dead_letter_has_the_headers_of_the_contract_after_its_own() {
    assert_eq!(
        shown(&dead_headers(&job(Vec::new()), &dead())),
        [
            "sluicegate-connection=ac%2Fme/hubspot",
            "sluicegate-record=00000000000000000000000000000abc",
            "sluicegate-attempt=6",
            "sluicegate-waiting-since=1769860800000",
            "sluicegate-origin=sluicegate.jobs/3/77",
            "sluicegate-origin-timestamp=5",
            "sluicegate-reason=server_error",
            "sluicegate-exhausted=true",
            "kafka_dlt-original-topic=sluicegate.jobs",
            "kafka_dlt-exception-message=500 oh no",
        ]
    );
}

#[test]
fn leftovers_of_ours_on_a_job_mean_nothing_and_go_while_what_is_the_jobs_own_stays() {
    let own =
        vec![header(SOURCE, "forms/0/1"), header(REPLAY_ID, "r1"), header(FORCE, "true"), header("sluicegate-x", "?")];
    let leftovers = vec![header(HISTORY, "[]"), header(REASON, "conflict"), header(CONNECTION, "other/crm")];
    let job = job([leftovers, own.clone()].concat());
    let message = released(&job, &waiting());
    assert_eq!(waiting_facts(&message).unwrap(), waiting());
    assert_eq!(original(&message, &waiting()).headers, own);
}

#[test]
fn a_second_release_replaces_the_words_of_the_first() {
    let later = WaitingFacts { attempt: Attempt(3), due: Millis(9), ..waiting() };
    let message = released(&released(&job(Vec::new()), &waiting()), &later);
    assert_eq!(message.headers.iter().filter(|it| it.name == ATTEMPT).count(), 1);
    assert_eq!(waiting_facts(&message).unwrap(), later);
}

#[test]
fn dead_letter_headers_of_another_tool_survive_ours() {
    let theirs =
        vec![header(DLT_TOPIC, "orders"), header("k", "1"), header(DLT_MESSAGE, "boom"), header(DLT_TOPIC, "x")];
    let letter = buried(&job(theirs.clone()), &dead());
    assert_eq!(dead_facts(&letter).unwrap(), dead());
    assert_eq!(original_of_dead(&letter, &dead()), job(theirs));
}

#[test]
fn a_message_that_never_was_a_delivery_makes_a_dead_letter_too() {
    let facts =
        DeadFacts { connection: None, record: None, since: None, attempt: Attempt(0), exhausted: false, ..dead() };
    let broken = Message { key: None, value: None, headers: Vec::new(), timestamp: Millis(5) };
    let letter = buried(&broken, &facts);
    assert_eq!(dead_facts(&letter).unwrap(), facts);
    assert_eq!(original_of_dead(&letter, &facts), broken);
}

#[test]
fn a_replay_marks_the_original_once() {
    let twice = with_replay_id(with_replay_id(job(vec![header("k", "1")]), "r1"), "r2");
    assert_eq!(shown(&twice.headers), ["k=1", "sluicegate-replay-id=r2"]);
    assert_eq!(replay_id(&twice), Some("r2"));
    assert_eq!(replay_id(&job(Vec::new())), None);
}

#[test]
fn what_others_write_into_a_delay_topic_is_refused_by_the_name_of_the_header() {
    let spoil = |name: &str, value: Option<&str>| {
        let mut message = released(&job(Vec::new()), &waiting());
        message.headers.retain(|it| it.name != name);
        message.headers.extend(value.map(|it| header(name, it)));
        waiting_facts(&message).unwrap_err().what
    };
    assert_eq!(spoil(CONNECTION, None), "header `sluicegate-connection` is missing");
    let cases = [
        (CONNECTION, "acme"),
        (RECORD, "ABC"),
        (RECORD, "+0000000000000000000000000000abc"),
        (ATTEMPT, "-1"),
        (ATTEMPT, "4294967296"),
        (DUE_AT, "+5"),
        (DUE_AT, ""),
        (DUE_AT, "99999999999999999999"),
        (ORIGIN, "jobs/1"),
        (ORIGIN, "/1/2"),
        (ORIGIN, "a/b/1/2"),
        (ORIGIN, "jobs/1/x"),
        ("sluicegate-because", "boredom"),
    ];
    for (name, value) in cases {
        assert_eq!(spoil(name, Some(value)), format!("header `{name}` cannot be understood"), "{value}");
    }
}

#[test]
fn a_long_exception_message_is_cut_at_a_character() {
    let letter = buried(&job(Vec::new()), &DeadFacts { what: "é".repeat(1000) + "x", ..dead() });
    assert_eq!(dead_facts(&letter).unwrap().what, "é".repeat(512));
}

fn origin() -> impl Strategy<Value = Origin> {
    ("[a-z._-]{1,20}", any::<u32>(), strategies::number()).prop_map(|(topic, shard, seq)| Origin {
        topic: topic.into(),
        shard: Shard(shard),
        seq: Offset(seq),
    })
}

fn history() -> impl Strategy<Value = History> {
    prop::collection::vec(strategies::tried(), 0..4).prop_map(History)
}

fn waiting_any() -> impl Strategy<Value = WaitingFacts> {
    let paused_at = prop::option::of(any::<u64>().prop_map(Millis));
    (strategies::entry(), origin(), history(), paused_at).prop_map(|(entry, origin, history, paused_at)| WaitingFacts {
        connection: entry.key.connection,
        record: entry.record,
        attempt: entry.attempt,
        because: entry.because,
        due: entry.due,
        since: entry.since,
        paused_at,
        origin,
        origin_timestamp: entry.message.timestamp,
        history,
    })
}

fn dead_any() -> impl Strategy<Value = DeadFacts> {
    let reason = (select(Reason::ALL.to_vec()), any::<bool>(), ".{0,40}");
    (waiting_any(), reason, any::<[bool; 3]>()).prop_map(|(it, (reason, exhausted, what), has)| DeadFacts {
        connection: has[0].then_some(it.connection),
        record: has[1].then_some(it.record),
        attempt: it.attempt,
        since: has[2].then_some(it.since),
        origin: it.origin,
        origin_timestamp: it.origin_timestamp,
        reason,
        exhausted,
        what,
        history: it.history,
    })
}

proptest! {
    #[test]
    fn waiting_reads_back_and_gives_the_original_back(message in strategies::message(), facts in waiting_any()) {
        let facts = WaitingFacts { origin_timestamp: message.timestamp, ..facts };
        let waits = released(&message, &facts);
        prop_assert_eq!(&waiting_facts(&waits).unwrap(), &facts);
        let mut job = message;
        job.headers.retain(|it| it.name != HISTORY);
        prop_assert_eq!(original(&waits, &facts), job);
    }

    #[test]
    fn death_reads_back_and_gives_the_original_back(message in strategies::message(), facts in dead_any()) {
        let facts = DeadFacts { origin_timestamp: message.timestamp, ..facts };
        let letter = buried(&message, &facts);
        prop_assert_eq!(&dead_facts(&letter).unwrap(), &facts);
        let mut job = message;
        job.headers.retain(|it| it.name != HISTORY);
        prop_assert_eq!(original_of_dead(&letter, &facts), job);
    }

    #[test]
    fn any_headers_are_read_or_refused(
        names in prop::collection::vec((select(super::OURS.to_vec()), any::<Vec<u8>>()), 0..14),
    ) {
        let headers = names.into_iter().map(|(name, value)| Header { name: name.to_owned(), value: Some(value.into()) });
        let message = job(headers.collect());
        let _read = (waiting_facts(&message), dead_facts(&message), replay_id(&message));
    }
}

//! Histories within and beyond their bound, and what others may have written.
//! Not here: who fills them.
#![allow(clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{HISTORY_BYTES_MAX, UNREADABLE, count, decode, encode, ends};
use crate::model::{Attempt, History, Millis, Tried};
use crate::wire::strategies;
use proptest::prelude::*;
use std::time::Duration;

fn tried(attempt: u32) -> Tried {
    Tried {
        attempt: Attempt(attempt),
        at: Millis(1_769_860_800_000),
        result: "rate_limited".to_owned(),
        status: Some(429),
        code: Some("TEN_SECONDLY_ROLLING".to_owned()),
        message: "slow down".to_owned(),
        took: Duration::from_millis(12),
        delay: Some(Duration::from_millis(5321)),
        counted: true,
        dropped_before: 0,
    }
}

fn long(attempts: u32) -> History {
    History((1..=attempts).map(|it| Tried { message: "m".repeat(300), ..tried(it) }).collect())
}

#[test]
fn an_entry_is_written_as_the_contract_says() {
    let uncounted = Tried { counted: false, delay: None, status: None, code: None, ..tried(1) };
    assert_eq!(
        encode(&History(vec![tried(1), uncounted])),
        concat!(
            r#"[{"attempt":1,"at":"2026-01-31T12:00:00.000Z","result":"rate_limited","status":429,"#,
            r#""code":"TEN_SECONDLY_ROLLING","message":"slow down","duration_ms":12,"delay_ms":5321},"#,
            r#"{"attempt":1,"at":"2026-01-31T12:00:00.000Z","result":"rate_limited","message":"slow down","#,
            r#""duration_ms":12,"counted":false}]"#
        )
    );
    assert_eq!(encode(&History::default()), "[]");
}

#[test]
fn beyond_the_bound_first_and_last_stay_and_the_gap_is_told() {
    let history = long(100);
    let text = encode(&history);
    assert!(text.len() <= HISTORY_BYTES_MAX);
    let read = decode(text.as_bytes()).0;
    assert_eq!(read[0], history.0[0]);
    assert_eq!(read.last(), history.0.last());
    assert_eq!(read[1].dropped_before, 100 - u32::try_from(read.len()).unwrap_or(0));
    assert!(read[2..].iter().all(|it| it.dropped_before == 0));
    assert!(HISTORY_BYTES_MAX - 500 < text.len(), "no more is dropped than must be");
}

#[test]
fn a_gap_grows_and_stays_one_gap() {
    let mut history = decode(encode(&long(100)).as_bytes());
    history.0.extend(long(130).0.split_off(100));
    let read = decode(encode(&history).as_bytes()).0;
    let missing: u32 = read.iter().map(|it| it.dropped_before).sum();
    assert_eq!(missing + u32::try_from(read.len()).unwrap_or(0), 130);
    assert_eq!(read.iter().filter(|it| it.dropped_before != 0).count(), 1);
}

#[test]
fn a_single_monstrous_entry_is_shortened() {
    let monster = Tried { message: "\u{1}".repeat(100_000), code: Some("é".repeat(5000)), ..tried(1) };
    let text = encode(&History(vec![monster.clone(), monster.clone(), monster]));
    assert!(text.len() <= HISTORY_BYTES_MAX);
    let read = decode(text.as_bytes()).0;
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].attempt, read[1].dropped_before), (Attempt(1), 1));
    assert!(read.iter().all(|it| !it.message.is_empty()));
}

#[test]
fn a_history_can_be_cut_to_its_ends_and_to_a_count() {
    let history = long(9);
    let read = ends(&history).0;
    assert_eq!((read.len(), read[1].attempt, read[1].dropped_before), (2, Attempt(9), 7));
    let read = count(&ends(&history)).0;
    assert_eq!((read.len(), read[0].attempt, read[0].dropped_before), (1, Attempt(9), 8));
    assert_eq!(ends(&long(1)), long(1));
    assert_eq!(count(&History::default()), History::default());
}

#[test]
fn what_is_no_history_is_told_as_an_entry() {
    for text in ["", "null", "{}", "[", "\u{feff}[]"] {
        let read = decode(text.as_bytes()).0;
        assert_eq!((read.len(), &*read[0].result, read[0].counted), (1, UNREADABLE, false), "{text}");
    }
    let read = decode(br#"[{"attempt":1,"at":"2026-01-31T12:00:00Z","result":"new_reason","more":[1]},7]"#).0;
    assert_eq!((read.len(), &*read[0].result, &*read[1].result), (2, "new_reason", UNREADABLE));
    assert_eq!(decode(&[b'['; 1_000_000]).0[0].result, UNREADABLE);
    assert_eq!(decode(&[b'['; 10_000]).0[0].result, UNREADABLE);
}

proptest! {
    #[test]
    fn a_history_that_fits_reads_back(entries in prop::collection::vec(strategies::tried(), 0..6)) {
        let history = History(entries);
        prop_assert_eq!(decode(encode(&history).as_bytes()), history);
    }

    #[test]
    fn every_history_is_bounded_and_keeps_first_last_and_count(
        entries in prop::collection::vec((strategies::tried(), 0_usize..200), 1..40),
    ) {
        let grow = |(it, by): (Tried, usize)| Tried { message: it.message.repeat(by), ..it };
        let history = History(entries.into_iter().map(grow).collect());
        let text = encode(&history);
        prop_assert!(text.len() <= HISTORY_BYTES_MAX);
        let read = decode(text.as_bytes()).0;
        let total = |it: &[Tried]| it.iter().map(|it| it.dropped_before.saturating_add(1)).fold(0_u32, u32::saturating_add);
        prop_assert_eq!(total(&read), total(&history.0));
        prop_assert_eq!(read[0].at, history.0[0].at);
        prop_assert_eq!(read.last().map(|it| it.at), history.0.last().map(|it| it.at));
    }

    #[test]
    fn any_bytes_are_read(text: Vec<u8>) {
        let _read = decode(&text);
    }
}

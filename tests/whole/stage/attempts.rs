//! How often a record was called, when, and what a dead letter says of it.
//! Not here: what ought to have been answered.

use super::{Job, Read, Stage, text, token};
use serde_json::{Value, json};
use sluicegate::simulated::hubspot::{Attempt, Script, ScriptedAnswer};
use std::ops::Range;
use std::time::Duration;

/// How much later than due a call may come on a busy machine, its way and its answer's included.
const LATE: f64 = 1.0;

/// The next `first` attempts of a record are answered so.
pub(crate) fn script(record: &str, first: u64, answer: ScriptedAnswer) -> Script {
    Script { external_id: record.to_owned(), object: None, first, answer }
}

pub(crate) fn attempts(stage: &Stage, job: &Job) -> Vec<Attempt> {
    stage.hubspot.record(&token(&job.tenant), &job.record).expect("the record was named in a call").attempts
}

pub(crate) fn statuses(attempts: &[Attempt]) -> Vec<u16> {
    attempts.iter().map(|it| it.status).collect()
}

/// Between two calls lie `base` seconds doubled each time, a fifth more or less, and not a moment less than that.
#[track_caller]
pub(crate) fn check_gaps(attempts: &[Attempt], base: f64) {
    let mut delay = base;
    for pair in attempts.windows(2) {
        let gap = Duration::from_micros(pair[1].at_us - pair[0].at_us).as_secs_f64();
        let allowed: Range<f64> = delay * 0.8..delay * 1.2 + LATE;
        assert!(allowed.contains(&gap), "{gap} s, not in {allowed:?}: {attempts:?}");
        delay *= 2.0;
    }
}

/// One entry per call, with the delay that was chosen after it, the last without.
#[track_caller]
pub(crate) fn check_history(letter: &Read, attempts: &[Attempt], base: f64) {
    let history = history(letter);
    assert_eq!(history.len(), attempts.len(), "{history:?}");
    for (at, (entry, call)) in history.iter().zip(attempts).enumerate() {
        assert_eq!(entry["attempt"], json!(at + 1), "{entry}");
        assert_eq!((text(entry, "result"), &entry["status"]), ("unavailable", &json!(503)), "{entry}");
        let moment: jiff::Timestamp = text(entry, "at").parse().unwrap();
        let apart = moment.as_millisecond().abs_diff(i64::try_from(call.at_us / 1_000).unwrap());
        assert!(apart < 2_000, "{entry} is {apart} ms from its call");
        let delay = entry["delay_ms"].as_f64().map(|it| it / 1_000.0);
        let expected = base * f64::from(1 << at);
        match delay {
            Some(delay) => assert!((expected * 0.8 - 0.001..=expected * 1.2).contains(&delay), "{entry}"),
            None => assert_eq!(at + 1, attempts.len(), "{entry}"),
        }
    }
}

pub(crate) fn history(letter: &Read) -> Vec<Value> {
    serde_json::from_str(&letter.header("sluicegate-history").unwrap()).unwrap()
}

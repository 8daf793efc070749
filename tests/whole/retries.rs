//! What is called again, when, and what is not.
//! Not here: what a retry does to the order of a record (`crashes` has both).

use crate::stage::{Job, Read, Stage, judge, tally, text, token};
use serde_json::{Value, json};
use sluicegate::simulated::hubspot::{Attempt, Fault, Script, ScriptedAnswer};
use std::ops::Range;
use std::time::Duration;

const UNAVAILABLE: ScriptedAnswer =
    ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };
/// How much later than due a call may come on a busy machine, its way and its answer's included.
const LATE: f64 = 1.0;

#[test]
fn what_failed_is_called_again_after_the_true_delays_and_never_early() {
    let mut stage = Stage::new("delays", 1);
    stage.retry_base = "5s";
    // All fail at once here, which is an outage; the delays of each are to be seen.
    stage.hold_after = 0;
    let jobs: Vec<Job> = (0..20).map(|it| job(&stage, &format!("twice-{it}"))).collect();
    for job in &jobs {
        stage.hubspot.script(&script(&job.record, 2, UNAVAILABLE));
    }
    let process = stage.run("one", None);
    stage.send(&jobs);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(jobs.len(), Duration::from_secs(60));
    for job in &jobs {
        let attempts = attempts(&stage, job);
        assert_eq!(statuses(&attempts), [503, 503, 200]);
        check_gaps(&attempts, 5.0);
    }
    assert_eq!(judge(&stage, &jobs, &outcomes.read, &[]).repeated, 0);
    process.stop();
}

#[test]
fn a_job_that_fails_alone_is_called_six_times_and_ends_as_one_dead_letter_with_its_whole_history() {
    let stage = Stage::new("exhausted", 1);
    let (lone, other) = (job(&stage, "lone"), job(&stage, "other"));
    stage.hubspot.script(&script("lone", 100, UNAVAILABLE));
    let process = stage.run("one", None);
    stage.send(&[lone.clone(), other]);
    let mut letters = stage.dead_letters();
    letters.await_exactly(1, Duration::from_secs(60));
    let attempts = attempts(&stage, &lone);
    assert_eq!(statuses(&attempts), [503; 6]);
    check_gaps(&attempts, 0.2);
    let letter = &letters.read[0];
    assert_eq!(letter.value.as_deref(), Some(lone.value().as_bytes()));
    let header = |name: &str| letter.header(name);
    assert_eq!(header("sluicegate-exhausted").as_deref(), Some("true"));
    assert_eq!(header("sluicegate-reason").as_deref(), Some("unavailable"));
    assert_eq!(header("sluicegate-attempt").as_deref(), Some("6"));
    assert_eq!(header("sluicegate-connection").as_deref(), Some("tenant-0/hubspot"));
    check_history(letter, &attempts);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(2, Duration::from_secs(10));
    assert_eq!(tally(&outcomes.read), [("applied".to_owned(), 1), ("dead".to_owned(), 1)].into());
    process.stop();
}

#[test]
fn one_bad_input_of_a_batch_dies_alone_whether_the_crm_names_it_or_refuses_the_batch() {
    let stage = Stage::new("bad-input", 1);
    let jobs: Vec<Job> = (0..40).map(|it| job(&stage, &format!("r-{it}"))).collect();
    // Slow enough for the jobs to gather into batches behind the first call.
    stage.hubspot.change(&json!({ "latency": { "min_ms": 300, "max_ms": 300 }, "poison": "r-17-1" }));
    let named =
        ScriptedAnswer::Input { status: 400, category: "VALIDATION_ERROR".to_owned(), message: "no".to_owned() };
    stage.hubspot.script(&script("r-23", 100, named));
    let process = stage.run("one", None);
    stage.send(&jobs);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(jobs.len(), Duration::from_secs(60));
    let mut letters = stage.dead_letters();
    letters.await_exactly(2, Duration::from_secs(10));
    let dead: Vec<&Job> = letters
        .read
        .iter()
        .map(|it| jobs.iter().find(|job| it.value.as_deref() == Some(job.value().as_bytes())).unwrap())
        .collect();
    let mut records: Vec<&str> = dead.iter().map(|it| it.record.as_str()).collect();
    records.sort_unstable();
    assert_eq!(records, ["r-17", "r-23"]);
    for letter in &letters.read {
        assert_eq!(letter.header("sluicegate-reason").as_deref(), Some("bad_request"));
        assert_eq!((letter.header("sluicegate-exhausted"), history(letter).len()), (None, 1));
    }
    let ledger = stage.ledger("tenant-0");
    assert_eq!((ledger.totals.effects, ledger.totals.duplicates), (38, 0));
    assert!(ledger.totals.calls < 40, "{} calls: there were no batches", ledger.totals.calls);
    process.stop();
}

fn job(stage: &Stage, record: &str) -> Job {
    Job { tenant: stage.tenants[0].clone(), record: record.to_owned(), seq: 1 }
}

fn script(record: &str, first: u64, answer: ScriptedAnswer) -> Script {
    Script { external_id: record.to_owned(), object: None, first, answer }
}

fn attempts(stage: &Stage, job: &Job) -> Vec<Attempt> {
    stage.hubspot.record(&token(&job.tenant), &job.record).expect("the record was named in a call").attempts
}

fn statuses(attempts: &[Attempt]) -> Vec<u16> {
    attempts.iter().map(|it| it.status).collect()
}

/// Between two calls lie `base` seconds doubled each time, a fifth more or less, and not a moment less than that.
fn check_gaps(attempts: &[Attempt], base: f64) {
    let mut delay = base;
    for pair in attempts.windows(2) {
        let gap = Duration::from_micros(pair[1].at_us - pair[0].at_us).as_secs_f64();
        let allowed: Range<f64> = delay * 0.8..delay * 1.2 + LATE;
        assert!(allowed.contains(&gap), "{gap} s, not in {allowed:?}: {attempts:?}");
        delay *= 2.0;
    }
}

/// One entry per call, with the delay that was chosen after it, the last without.
fn check_history(letter: &Read, attempts: &[Attempt]) {
    let history = history(letter);
    assert_eq!(history.len(), attempts.len(), "{history:?}");
    for (at, (entry, call)) in history.iter().zip(attempts).enumerate() {
        assert_eq!(entry["attempt"], json!(at + 1), "{entry}");
        assert_eq!((text(entry, "result"), &entry["status"]), ("unavailable", &json!(503)), "{entry}");
        let moment: jiff::Timestamp = text(entry, "at").parse().unwrap();
        let apart = moment.as_millisecond().abs_diff(i64::try_from(call.at_us / 1_000).unwrap());
        assert!(apart < 2_000, "{entry} is {apart} ms from its call");
        let delay = entry["delay_ms"].as_f64().map(|it| it / 1_000.0);
        let expected = 0.2 * f64::from(1 << at);
        match delay {
            Some(delay) => assert!((expected * 0.8 - 0.001..=expected * 1.2).contains(&delay), "{entry}"),
            None => assert_eq!(at + 1, attempts.len(), "{entry}"),
        }
    }
}

fn history(letter: &Read) -> Vec<Value> {
    serde_json::from_str(&letter.header("sluicegate-history").unwrap()).unwrap()
}

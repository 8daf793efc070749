//! What is called again, when, and what is not.
//! Not here: a job that fails to the end (`alone`), many at once (`crowd`), what a retry does to the order of a record
//! (`crashes`).

use crate::stage::{Job, Stage, attempts, check_gaps, history, judge, script, statuses};
use serde_json::json;
use sluicegate::simulated::hubspot::{Fault, ScriptedAnswer};
use std::time::Duration;

const UNAVAILABLE: ScriptedAnswer =
    ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };

#[test]
fn what_failed_is_called_again_after_the_true_delays_and_never_early() {
    let mut stage = Stage::new("delays", 1);
    stage.retry_base = "5s";
    // All fail at once here, which is an outage; the delays of each are to be seen.
    stage.hold_after = 0;
    let jobs: Vec<Job> = (0..20).map(|it| job(&stage, &format!("twice-{it}"))).collect();
    let scripts: Vec<_> = jobs.iter().map(|it| script(&it.record, 2, UNAVAILABLE)).collect();
    stage.hubspot.scripts(&scripts);
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
fn one_bad_input_of_a_batch_dies_alone_whether_the_crm_names_it_or_refuses_the_batch() {
    let stage = Stage::new("bad-input", 1);
    let jobs: Vec<Job> = (0..40).map(|it| job(&stage, &format!("r-{it}"))).collect();
    // Slow enough for the jobs to gather into batches behind the first call.
    stage.hubspot.change(&json!({ "latency": { "min_ms": 300, "max_ms": 300 }, "poison": "r-17-1" }));
    let named =
        ScriptedAnswer::Input { status: 400, category: "VALIDATION_ERROR".to_owned(), message: "no".to_owned() };
    stage.hubspot.scripts(&[script("r-23", 100, named)]);
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

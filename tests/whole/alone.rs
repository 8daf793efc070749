//! A job that fails to the end, with the delays as they are by default: it takes minutes, and nearly all of them are
//! waiting.
//! Not here: jobs that succeed at a later attempt (`retries`).

use crate::stage::{Job, Stage, attempts, check_gaps, check_history, script, statuses, tally};
use sluicegate::simulated::hubspot::{Fault, ScriptedAnswer};
use std::time::Duration;

const UNAVAILABLE: ScriptedAnswer =
    ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };
/// The default of `[retry] base`, in seconds: 5, 10, 20, 40 and 80 s lie between the six calls.
const BASE: f64 = 5.0;
/// More than all delays at their longest: 186 s.
const PATIENCE: Duration = Duration::from_secs(220);

#[test]
fn a_job_that_fails_alone_is_called_six_times_and_ends_as_one_dead_letter_with_its_whole_history() {
    let mut stage = Stage::patient("alone", 1);
    stage.retry_base = "5s";
    let job = |record: &str| Job { tenant: stage.tenants[0].clone(), record: record.to_owned(), seq: 1 };
    let (lone, other) = (job("lone"), job("other"));
    stage.hubspot.scripts(&[script("lone", 100, UNAVAILABLE)]);
    let process = stage.run("one", None);
    stage.send(&[lone.clone(), other]);
    let mut letters = stage.dead_letters();
    letters.await_exactly(1, PATIENCE);
    let attempts = attempts(&stage, &lone);
    assert_eq!(statuses(&attempts), [503; 6]);
    check_gaps(&attempts, BASE);
    let letter = &letters.read[0];
    assert_eq!(letter.value.as_deref(), Some(lone.value().as_bytes()));
    let header = |name: &str| letter.header(name);
    assert_eq!(header("sluicegate-exhausted").as_deref(), Some("true"));
    assert_eq!(header("sluicegate-reason").as_deref(), Some("unavailable"));
    assert_eq!(header("sluicegate-attempt").as_deref(), Some("6"));
    assert_eq!(header("sluicegate-connection").as_deref(), Some("tenant-0/hubspot"));
    check_history(letter, &attempts, BASE);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(2, Duration::from_secs(10));
    assert_eq!(tally(&outcomes.read), [("applied".to_owned(), 1), ("dead".to_owned(), 1)].into());
    process.stop();
}

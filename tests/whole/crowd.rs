//! Ten thousand jobs that fail at once: each has its own delay, and not one is called before it is over.
//! Not here: how late they are (`benches/whole`).

use crate::stage::{Job, Stage, script};
use sluicegate::simulated::hubspot::{Attempt, Fault, ScriptedAnswer};
use std::time::Duration;

const JOBS: usize = 10_000;
const TENANTS: usize = 20;
const UNAVAILABLE: ScriptedAnswer =
    ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };

#[test]
fn of_ten_thousand_jobs_that_fail_once_none_is_called_again_before_its_delay_is_over() {
    let mut stage = Stage::new("crowd", TENANTS);
    stage.retry_base = "5s";
    // All fail at once here, which is an outage; the delays of each are to be seen.
    stage.hold_after = 0;
    let job = |it: usize| Job { tenant: stage.tenants[it % TENANTS].clone(), record: format!("r-{it}"), seq: 1 };
    let jobs: Vec<Job> = (0..JOBS).map(job).collect();
    let scripts: Vec<_> = jobs.iter().map(|it| script(&it.record, 1, UNAVAILABLE)).collect();
    stage.hubspot.scripts(&scripts);
    let process = stage.run("one", None);
    stage.send(&jobs);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(JOBS, Duration::from_secs(90));
    let mut gaps = Vec::new();
    for tenant in &stage.tenants {
        let ledger = stage.ledger(tenant);
        assert_eq!((ledger.totals.effects, ledger.totals.duplicates), ((JOBS / TENANTS) as u64, 0), "{tenant}");
        gaps.extend(ledger.records.iter().map(|it| first_gap(&it.external_id, &it.attempts)));
    }
    gaps.sort_by(f64::total_cmp);
    assert_eq!((gaps.len(), stage.dead_letters().look(Duration::from_millis(500))), (JOBS, 0));
    // Not all at one moment either: the delays are spread over a fifth more and less.
    assert!(gaps[JOBS / 10] < 4.8 && 5.2 < gaps[JOBS * 9 / 10], "{:?}", [gaps[JOBS / 10], gaps[JOBS * 9 / 10]]);
    eprintln!("second attempts of {JOBS} jobs: {:.3} to {:.3} s after the first", gaps[0], gaps[JOBS - 1]);
    process.stop();
}

/// Seconds between the first attempt and the second; what failed once more, in the company of one that had not been
/// called yet, waited twice as long again.
fn first_gap(record: &str, attempts: &[Attempt]) -> f64 {
    let (last, failed) = attempts.split_last().unwrap();
    assert!(!failed.is_empty() && last.status == 200, "{record}: {attempts:?}");
    assert!(failed.iter().all(|it| it.status == 503), "{record}: {attempts:?}");
    let mut least = 4.0;
    for pair in attempts.windows(2) {
        let gap = Duration::from_micros(pair[1].at_us - pair[0].at_us).as_secs_f64();
        assert!(least <= gap, "{record}: {gap} s is too early: {attempts:?}");
        least *= 2.0;
    }
    Duration::from_micros(attempts[1].at_us - attempts[0].at_us).as_secs_f64()
}

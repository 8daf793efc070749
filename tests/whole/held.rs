//! An account that refuses our credentials: it is held, nothing of it is lost, and it goes on when the token works.
//! Not here: holds for an outage (`outage`), pauses by people (`paused`).

use crate::stage::{Running, Stage, jobs, text, token};
use serde_json::Value;
use sluicegate::simulated::hubspot::{Fault, FaultRule};
use std::fs;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const TENANTS: usize = 4;
const JOBS: usize = 30;
/// Calls out at once, before the first refusal comes back.
const TOGETHER: u64 = 8;
const RENEWED: &str = "token-that-works";

#[test]
fn an_account_that_answers_401_is_held_over_a_restart_and_freed_by_the_first_token_that_works() {
    let stage = Stage::new("held", TENANTS);
    let bad = token("tenant-0");
    stage.hubspot.open(&bad);
    stage.hubspot.faults_of(&bad, &[FaultRule::always(Fault::Status { status: 401, retry_after_s: None })]);
    let all = jobs(&stage.tenants, 10, TENANTS * JOBS);
    let calls = || stage.hubspot.totals(&bad).calls;
    let mut process = stage.run("one", None);
    stage.send(&all);
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly((TENANTS - 1) * JOBS, PATIENCE);
    process.await_alive("the hold, and all of it waits", PATIENCE, |it| is_held(it, JOBS));
    let refused = calls();
    assert!((1..=TOGETHER).contains(&refused), "{refused} calls before the hold");
    let shown = stage.command(&["status", "--url", &process.url]);
    assert!(shown.starts_with("NOT CALLED"), "{shown}");
    let first = shown.lines().nth(1).unwrap();
    assert!(first.starts_with("tenant-0/hubspot ") && first.contains("401"), "{shown}");

    // A new token may be why somebody restarts: it is tried once, and refused again.
    process.stop();
    let mut process = stage.run("one", None);
    process.await_alive("a probe after the restart", PATIENCE, |_| refused < calls());
    process.await_alive("the hold again", PATIENCE, |it| is_held(it, JOBS));
    assert_eq!(calls(), refused + 1, "calls of an account that is held");

    // A person has it tried at once, as often as they ask.
    stage.command(&["resume", "connection", "tenant-0/hubspot", "--yes"]);
    process.await_alive("a probe after the resume", PATIENCE, |_| refused + 1 < calls());
    process.await_alive("the hold again", PATIENCE, |it| is_held(it, JOBS));
    assert_eq!((calls(), outcomes.look(Duration::from_millis(500))), (refused + 2, (TENANTS - 1) * JOBS));

    fs::write(stage.token_file("tenant-0"), RENEWED).unwrap();
    outcomes.await_exactly(all.len(), PATIENCE);
    assert_eq!(calls(), refused + 2, "calls with the token that had been replaced");
    let ledger = stage.hubspot.ledger(RENEWED);
    assert_eq!((ledger.totals.effects, ledger.totals.duplicates, ledger.totals.out_of_order), (JOBS as u64, 0, 0));
    process.await_alive("nothing is held", PATIENCE, |it| holds(it).is_empty());
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0, "a refused token cost a job an attempt");
    process.stop();
}

fn is_held(process: &Running, waiting: usize) -> bool {
    process.shards() == 6.0
        && matches!(holds(process).as_slice(), [it] if text(it, "connection") == "tenant-0/hubspot"
            && text(it, "cause") == "credentials" && it["waiting"] == waiting)
}

fn holds(process: &Running) -> Vec<Value> {
    process.status()["holds"].as_array().unwrap().clone()
}

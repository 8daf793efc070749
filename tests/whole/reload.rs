//! Tenants that come, change and go while the program runs.
//! Not here: what makes a change bad, and the other things a change may be (`ops::reload`).

use crate::stage::{Job, Running, Stage, jobs, text, token};
use serde_json::Value;
use std::fs;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Two looks and a margin; far less than the minute after which a job of somebody unknown dies.
const SOON: Duration = Duration::from_secs(20);
const JOBS: usize = 30;
const READ: &str = "the tenants folder was read again";
const REFUSED: &str = "a change of the tenants folder is refused";
const RENEWED: &str = "token-that-was-rotated";

/// `count` jobs of one tenant, of records that no other call of this has.
fn of(tenant: &str, run: u64, count: usize) -> Vec<Job> {
    let mut all = jobs(&[tenant.to_owned()], 10, count);
    all.iter_mut().for_each(|it| it.record = format!("{run}-{}", it.record));
    all
}

fn refused(process: &Running) -> Option<Value> {
    Some(process.status()["tenants"]["refused"].clone()).filter(Value::is_object)
}

#[test]
fn tenants_come_change_and_go_while_it_runs_and_a_broken_file_changes_nothing() {
    let mut stage = Stage::new("reload", 3);
    stage.folder = true;
    let (late, other) = (stage.tenants.pop().unwrap(), stage.tenants.pop().unwrap());
    let add = |tenant: &str| fs::write(stage.tenant_file(tenant), stage.tenant(tenant, &stage.hubspot.url)).unwrap();
    let mut process = stage.run("one", None);
    let mut outcomes = stage.outcomes();

    // Jobs that came before their tenant.
    stage.send(&of(&late, 1, JOBS));
    stage.send(&of(&stage.tenants[0], 1, JOBS));
    outcomes.await_exactly(JOBS, PATIENCE);
    add(&late);
    add(&other);
    outcomes.await_exactly(2 * JOBS, SOON);
    assert_eq!(stage.ledger(&late).totals.effects, JOBS as u64);
    assert_eq!(process.status()["tenants"]["tenants"], 3);

    // A fault in one file.
    fs::write(stage.tenant_file("broken"), "[[tenant]]\nid = \"broken\"\nnmae = 1\n").unwrap();
    fs::remove_file(stage.tenant_file(&other)).unwrap();
    process.await_alive("the refusal", SOON, |it| refused(it).is_some());
    let fault = refused(&process).unwrap()["faults"][0].as_str().unwrap().to_owned();
    assert!(fault.contains("broken.toml:3:1: tenant[broken].nmae: unknown key"), "{fault}");
    let shown = stage.command(&["status", "--url", &process.url]);
    assert!(shown.starts_with("TENANTS REFUSED") && shown.contains("broken.toml:3:1"), "{shown}");
    assert_eq!(
        (process.status()["tenants"]["tenants"].clone(), process.metric("sluicegate_tenants_refused")),
        (3.into(), 1.0)
    );
    stage.send(&of(&late, 2, JOBS));
    stage.send(&of(&other, 2, JOBS));
    outcomes.await_exactly(4 * JOBS, PATIENCE);
    assert_eq!(process.log().matches(REFUSED).count(), 1, "one change, one warning");
    add(&other);
    fs::remove_file(stage.tenant_file("broken")).unwrap();
    process.await_alive("the end of the refusal", SOON, |it| refused(it).is_none());

    // A tenant goes while something of it waits, and comes back.
    stage.command(&["pause", "tenant", &late, "--reason", "so that it waits", "--yes"]);
    process.await_alive("the pause", PATIENCE, |it| !it.status()["pauses"].as_array().unwrap().is_empty());
    stage.send(&of(&late, 3, JOBS));
    process.await_alive("what waits", PATIENCE, |it| it.status()["totals"]["waiting"] == JOBS);
    fs::remove_file(stage.tenant_file(&late)).unwrap();
    process.await_alive("the hold", SOON, |it| {
        let status = it.status();
        let holds = status["holds"].as_array().unwrap();
        matches!(holds.as_slice(), [it] if text(it, "cause") == "unconfigured" && it["waiting"] == JOBS)
    });
    stage.command(&["resume", "tenant", &late, "--yes"]);
    process.await_alive("the resume", PATIENCE, |it| it.status()["pauses"].as_array().unwrap().is_empty());
    assert_eq!(outcomes.look(Duration::from_millis(500)), 4 * JOBS, "nobody is called who is not configured");
    add(&late);
    outcomes.await_exactly(5 * JOBS, SOON);

    // Another token, which no file of tenants tells of: asked to, it reads all of them again.
    fs::write(stage.token_file(&late), RENEWED).unwrap();
    let before = process.log().matches(READ).count();
    process.signal("HUP");
    process.await_alive("the look", SOON, |it| before < it.log().matches(READ).count());
    stage.send(&of(&late, 4, JOBS));
    outcomes.await_exactly(6 * JOBS, PATIENCE);
    assert_eq!(stage.hubspot.ledger(RENEWED).totals.effects, JOBS as u64);
    assert_eq!(stage.hubspot.ledger(&token(&late)).totals.effects, 3 * JOBS as u64);
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    process.stop();
}

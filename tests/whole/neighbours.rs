//! One tenant whose CRM fails in every way, in one partition with 49 whose CRM does not.
//! Not here: how much slower they are (`benches/whole`).

use crate::stage::{Job, Read, Reader, Running, Stage, jobs, text, token};
use sluicegate::simulated::hubspot::{Fault, FaultRule, Policy};
use std::time::{Duration, Instant};

const TENANTS: usize = 50;
/// Of each tenant, for each fault.
const JOBS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_jobs_of_49_tenants_are_applied_while_the_one_beside_them_answers_503_then_429_then_never() {
    let stage = Stage::in_one_partition("neighbours", TENANTS);
    let bad = &stage.tenants[0];
    stage.hubspot.open(&token(bad));
    let all = jobs(&stage.tenants, 20, 3 * TENANTS * JOBS);
    let mut outcomes = stage.outcomes();
    let mut process = stage.run("one", None);
    let faults = [
        Fault::Status { status: 503, retry_after_s: None },
        Fault::Limited { policy: Policy::Burst },
        Fault::Hang { ms: 60_000 },
    ];
    let mut sent: Vec<Job> = Vec::new();
    for (fault, some) in faults.into_iter().zip(all.chunks(TENANTS * JOBS)) {
        let calls = stage.hubspot.totals(&token(bad)).calls;
        stage.hubspot.faults_of(&token(bad), &[FaultRule::always(fault.clone())]);
        // Its jobs are there first: what they wait for might hold up what comes behind them.
        let (of_bad, of_others): (Vec<Job>, Vec<Job>) = some.iter().cloned().partition(|it| it.tenant == *bad);
        stage.send(&of_bad);
        let is_called = |_: &Running| calls < stage.hubspot.totals(&token(bad)).calls;
        process.await_alive(&format!("a call that meets {fault:?}"), PATIENCE, is_called);
        stage.send(&of_others);
        sent.extend(of_others);
        await_applied(&mut outcomes, bad, sent.len(), &fault);
        assert_eq!(stage.hubspot.totals(&token(bad)).effects, 0, "{fault:?}: it did not fail");
    }
    stage.hubspot.faults_of(&token(bad), &[]);
    outcomes.await_exactly(all.len(), PATIENCE);
    for tenant in &stage.tenants[1..] {
        let totals = stage.hubspot.totals(&token(tenant));
        assert_eq!(totals.effects, 3 * JOBS as u64, "{tenant}");
        assert_eq!((totals.duplicates, totals.out_of_order), (0, 0), "{tenant}");
    }
    let mut letters = stage.dead_letters();
    letters.look(Duration::from_millis(500));
    let others = letters.read.iter().filter(|it| it.key.as_deref() != Some(bad.as_bytes()));
    assert_eq!(others.count(), 0, "dead letters of those whose CRM never failed");
    process.stop();
}

/// Waits until so many jobs of the others have ended, all of them well.
fn await_applied(outcomes: &mut Reader, bad: &str, count: usize, fault: &Fault) {
    let until = Instant::now() + PATIENCE;
    let is_other = |it: &&Read| text(&it.json(), "tenant_id") != bad;
    loop {
        outcomes.look(Duration::from_millis(50));
        let ended: Vec<&Read> = outcomes.read.iter().filter(is_other).collect();
        let well = ended.iter().filter(|it| text(&it.json(), "outcome") == "applied").count();
        assert_eq!(well, ended.len(), "{fault:?}: one of the others ended badly");
        if well == count {
            return;
        }
        assert!(Instant::now() < until, "{fault:?}: of {count} jobs of the others {well} are applied");
    }
}

//! How late second attempts are, when ten thousand jobs fail at once.
//! Not here: that none is early (`tests/whole`).

use crate::crm::Crm;
use crate::feed::Jobs;
use crate::gate::Gate;
use crate::scene::{Scene, Shape, external_id};
use crate::table::{Table, Target};
use sluicegate::simulated::hubspot::{Fault, Script, ScriptedAnswer};
use std::time::{Duration, Instant};

const JOBS: u64 = 10_000;
const RUNS: usize = 3;

pub(crate) fn second_attempts(table: &mut Table) {
    let samples: Vec<f64> = (0..RUNS).map(|_| late()).collect();
    table.add("10,000 jobs that fail once: retries at most 100 ms late", "%", &samples, &Target::AtLeast(99.0));
}

/// The share of retries that were called at most 100 ms after they were due, in %.
fn late() -> f64 {
    let crm = Crm::start(Duration::from_millis(20));
    let answer = ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };
    let script = |job| Script { external_id: external_id(job), object: None, first: 1, answer: answer.clone() };
    crm.scripts(&(0..JOBS).map(script).collect::<Vec<_>>());
    let scene = Scene::of(&crm.url, Shape { hold_after: 0, ..Shape::new(32, 100) });
    let gate = Gate::start(&scene);
    gate.await_ready();
    Jobs::new(&scene).produce(JOBS);
    let until = Instant::now() + Duration::from_secs(60);
    while crm.summary().totals.effects < JOBS {
        assert!(Instant::now() < until, "only {} jobs are applied", crm.summary().totals.effects);
        std::thread::sleep(Duration::from_millis(20));
    }
    let name = "sluicegate_due_lateness_seconds";
    let (sum, count) = (gate.metric(&format!("{name}_sum")), gate.metric(&format!("{name}_count")));
    eprintln!("  {count} retries, {:.1} ms late on average", 1_000.0 * sum / count);
    100.0 * gate.within(name, "0.1")
}

//! A CRM that is away altogether for three minutes under a steady stream: how many jobs that costs, and how soon all are
//! applied once it is back.
//! Not here: shorter outages (`tests/whole`).

use crate::crm::Crm;
use crate::feed::Jobs;
use crate::gate::Gate;
use crate::scene::{Scene, Shape};
use crate::table::{Table, Target};
use sluicegate::simulated::hubspot::{Fault, FaultRule};
use std::time::{Duration, Instant};

const TENANTS: u64 = 20;
/// Every 10 ms: 200 a second.
const PER_TICK: u64 = 2;
const BEFORE: Duration = Duration::from_secs(5);
const AWAY: Duration = Duration::from_secs(180);
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn of_all(table: &mut Table) {
    let crm = Crm::start(Duration::from_millis(20));
    let scene = Scene::of(&crm.url, Shape::new(TENANTS, 100));
    let gate = Gate::start(&scene);
    gate.await_ready();
    let mut jobs = Jobs::new(&scene);
    let began = Instant::now();
    jobs.pace(PER_TICK, || BEFORE < began.elapsed());
    crm.faults(None, &[FaultRule::always(Fault::Status { status: 503, retry_after_s: None })]);
    let away = Instant::now();
    jobs.pace(PER_TICK, || AWAY < away.elapsed());
    let dead = || gate.metric("sluicegate_dlq_depth");
    let (dead_before, calls) = (dead(), crm.counts().0);
    crm.faults(None, &[]);
    let back = Instant::now();
    // Jobs go on coming; it has caught up when no more than those of the last second are not applied.
    let mut written = jobs.next;
    while crm.summary().totals.effects as f64 + dead() + 200.0 < written as f64 {
        assert!(back.elapsed() < PATIENCE, "{} of {written} jobs are applied", crm.summary().totals.effects);
        let slice = Instant::now();
        written = jobs.pace(PER_TICK, || Duration::from_millis(200) < slice.elapsed());
    }
    let took = back.elapsed().as_secs_f64();
    eprintln!("  {calls} calls until it was back, {dead_before} dead letters then, {} at last", dead());
    let what = "CRM away for 180 s under 200 jobs/s of 20 tenants";
    table.add(&format!("{what}: dead letters"), "jobs", &[dead()], &Target::AtMost(0.0));
    table.add(&format!("{what}: caught up after it was back"), "s", &[took], &Target::AtMost(60.0));
}

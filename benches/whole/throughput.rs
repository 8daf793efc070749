//! How fast, at what cost: one record per call, batches of 100, and a backlog of a million jobs.
//! Not here: starting and coming back (`start`).

use crate::bare::{self, Bare};
use crate::crm::Crm;
use crate::feed::{Feed, Jobs};
use crate::gate::Gate;
use crate::scene::Scene;
use crate::table::{Table, Target};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(20);
/// With 8 calls in flight each, 256 in all.
const TENANTS: u64 = 32;
const IN_FLIGHT: u64 = 256;
/// The program runs this long before anything is measured, then this long.
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(10);
const RUNS: usize = 3;

/// What one run of the program gave.
struct Run {
    /// Jobs per second.
    rate: f64,
    /// CPU seconds per 1,000 jobs.
    cpu: f64,
    inputs_per_call: f64,
    peak_mib: f64,
}

pub(crate) fn one_by_one(table: &mut Table) {
    let (bares, runs) = measure(1, (40_000, 20_000));
    let of = |with: fn(&Run) -> f64| runs.iter().map(with).collect::<Vec<_>>();
    let of_bare = |with: fn(&Bare) -> f64| bares.iter().map(with).collect::<Vec<_>>();
    let ratios: Vec<f64> = runs.iter().zip(&bares).map(|(run, bare)| 100.0 * run.rate / bare.rate).collect();
    table.add("one record per call: bare HTTP loop", "calls/s", &of_bare(|it| it.rate), &Target::None);
    table.add("one record per call: sluicegate", "jobs/s", &of(|it| it.rate), &Target::None);
    table.add("one record per call: of the bare loop", "%", &ratios, &Target::AtLeast(80.0));
    table.add("one record per call: CPU of the bare loop", "s / 1,000", &of_bare(|it| it.cpu), &Target::None);
    table.add("one record per call: CPU", "s / 1,000 jobs", &of(|it| it.cpu), &Target::AtMost(0.075));
    table.add("one record per call: peak memory", "MiB", &of(|it| it.peak_mib), &Target::None);
}

pub(crate) fn in_batches(table: &mut Table) {
    let (bares, runs) = measure(100, (3_000, 60_000));
    let of = |with: fn(&Run) -> f64| runs.iter().map(with).collect::<Vec<_>>();
    let bare: Vec<f64> = bares.iter().map(|it| it.rate * 100.0).collect();
    table.add("batches of 100: bare HTTP loop", "jobs/s", &bare, &Target::None);
    table.add("batches of 100: sluicegate", "jobs/s", &of(|it| it.rate), &Target::AtLeast(30_000.0));
    table.add("batches of 100: inputs in a call", "", &of(|it| it.inputs_per_call), &Target::None);
    table.add("batches of 100: CPU", "s / 1,000 jobs", &of(|it| it.cpu), &Target::None);
    table.add("batches of 100: peak memory", "MiB", &of(|it| it.peak_mib), &Target::None);
}

/// A million jobs of a thousand tenants whose CRM takes a second per call.
pub(crate) fn backlog(table: &mut Table) {
    const JOBS: u64 = 1_000_000;
    let crm = Crm::start(Duration::from_secs(1));
    let scene = Scene::new(&crm.url, 1_000, 1);
    Jobs::new(&scene).produce(JOBS);
    let gate = Gate::start(&scene);
    gate.await_ready();
    let began = Instant::now();
    let seen = || gate.metric("sluicegate_waiting_deliveries") + crm.counts().1 as f64 + 2_000.0;
    while seen() < JOBS as f64 && began.elapsed() < Duration::from_secs(180) {
        std::thread::sleep(Duration::from_millis(500));
    }
    let waiting = gate.metric("sluicegate_waiting_deliveries");
    table.add("backlog of a million, 1,000 tenants: waiting at last", "jobs", &[waiting], &Target::None);
    let rate = JOBS as f64 / began.elapsed().as_secs_f64();
    table.add("backlog of a million, 1,000 tenants: taken in", "jobs/s", &[rate], &Target::None);
    let peak = gate.process.peak_mib();
    table.add("backlog of a million, 1,000 tenants: peak memory", "MiB", &[peak], &Target::AtMost(200.0));
}

/// The bare loop and the program by turns, on the same server.
fn measure(batch_max: u64, (bare_calls, ahead): (u64, u64)) -> (Vec<Bare>, Vec<Run>) {
    let crm = Crm::start(LATENCY);
    let (mut bares, mut runs) = (Vec::new(), Vec::new());
    bare::run(&crm.url, (TENANTS, IN_FLIGHT), (bare_calls / 4, batch_max));
    for _ in 0..RUNS {
        crm.reset();
        bares.push(bare::run(&crm.url, (TENANTS, IN_FLIGHT), (bare_calls, batch_max)));
        crm.reset();
        runs.push(run(&crm, batch_max, ahead));
    }
    (bares, runs)
}

fn run(crm: &Crm, batch_max: u64, ahead: u64) -> Run {
    let scene = Scene::new(&crm.url, TENANTS, batch_max);
    let feed = Feed::start(&scene, ahead);
    let gate = Gate::start(&scene);
    gate.await_ready();
    watch(crm, &feed, WARM_UP);
    let (calls, inputs) = crm.counts();
    let (began, cpu) = (Instant::now(), gate.process.cpu());
    watch(crm, &feed, MEASURED);
    let (calls_after, inputs_after) = crm.counts();
    let took = began.elapsed().as_secs_f64();
    let (calls, jobs) = ((calls_after - calls) as f64, (inputs_after - inputs) as f64);
    let run = Run {
        rate: jobs / took,
        cpu: (gate.process.cpu() - cpu) * 1000.0 / jobs,
        inputs_per_call: jobs / calls,
        peak_mib: gate.process.peak_mib(),
    };
    let moved = gate.metric("sluicegate_waits_total");
    let commits = gate.metric("sluicegate_commit_duration_seconds_count");
    let mean = 1000.0 * gate.metric("sluicegate_commit_duration_seconds_sum") / commits;
    eprintln!(
        "  {:.0} jobs/s, {:.4} s CPU per 1,000; {commits} commits of {mean:.0} ms, {moved} jobs released",
        run.rate, run.cpu
    );
    run
}

/// Tells the feed how far the CRM has come.
pub(crate) fn watch(crm: &Crm, feed: &Feed, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        feed.applied.store(crm.counts().1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(20));
    }
}

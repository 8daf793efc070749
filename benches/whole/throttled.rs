//! One tenant with a limit and a million jobs beside 99 that flow: what the million costs in memory, how much slower the
//! 99 are than without it, how late their retries; then the million called at 1,000 jobs/s from the local store.
//! Not here: whether the limit is kept (`quota`).

use crate::crm::Crm;
use crate::feed::Jobs;
use crate::gate::Gate;
use crate::scene::{Scene, Shape, external_id};
use crate::table::{Table, Target};
use serde_json::json;
use sluicegate::simulated::hubspot::{Fault, Script, ScriptedAnswer};
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(20);
const TENANTS: u64 = 100;
const THROTTLED: u64 = 0;
const LIMITS: &str = r#"[{ calls = 100, per = "10s" }]"#;
/// With 10 jobs in a call, 1,000 jobs/s.
const WIDE_LIMITS: &str = r#"[{ calls = 1000, per = "10s" }]"#;
/// Numbers of the jobs of the 99 begin here.
const OTHERS: u64 = 1 << 32;
const RUNS: usize = 3;
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(6);
/// Jobs of the 99 in the log that are not applied, while throughput is measured.
const AHEAD: u64 = 20_000;
/// Every 10 ms while retries are measured: 2,000 a second, every tenth of which fails once.
const PER_TICK: u64 = 20;
const PACED: Duration = Duration::from_secs(10);

/// What one process with a backlog gave.
struct Run {
    taken_in: f64,
    peak_mib: f64,
    resident_mib: f64,
    /// Jobs per second of the 99: beside nothing that waits, and beside the backlog.
    rates: (f64, f64),
    in_time: f64,
    back: f64,
    drained: f64,
    /// Bytes read from files for each job that was drained.
    read: f64,
}

pub(crate) fn beside_99(table: &mut Table) {
    let jobs = jobs();
    let runs: Vec<Run> = (0..RUNS).map(|_| run(jobs)).collect();
    let of = |with: fn(&Run) -> f64| runs.iter().map(with).collect::<Vec<_>>();
    let what = |what: &str| format!("{jobs} jobs of one throttled tenant beside 99 that flow: {what}");
    table.add(&what("taken in"), "jobs/s", &of(|it| it.taken_in), &Target::None);
    table.add(&what("peak memory"), "MiB", &of(|it| it.peak_mib), &Target::AtMost(200.0));
    table.add(&what("memory at the end"), "MiB", &of(|it| it.resident_mib), &Target::None);
    table.add(&what("the 99 without it"), "jobs/s", &of(|it| it.rates.0), &Target::None);
    table.add(&what("the 99, of that"), "%", &of(|it| 100.0 * it.rates.1 / it.rates.0), &Target::AtLeast(95.0));
    table.add(&what("retries at most 100 ms late"), "%", &of(|it| it.in_time), &Target::AtLeast(99.0));
    table.add(&what("kill -9, started again: to ready"), "s", &of(|it| it.back), &Target::AtMost(10.0));
    table.add(&what("drained, 1,000 asked for"), "jobs/s", &of(|it| it.drained), &Target::AtLeast(980.0));
    table.add(&what("read from files for each job drained"), "KiB", &of(|it| it.read), &Target::None);
}

/// A million, unless the environment asks for another number.
fn jobs() -> u64 {
    std::env::var("SLUICEGATE_BENCH_BACKLOG").map_or(1_000_000, |it| it.parse().unwrap())
}

fn run(jobs: u64) -> Run {
    let crm = Crm::start(LATENCY);
    let shape = Shape { first_limits: Some(LIMITS), hold_after: 0, ..Shape::new(TENANTS, 1) };
    let alone = flow(&crm, &mut Stage::start(&crm, shape).others);
    crm.reset();
    crm.behave(LATENCY);
    let mut stage = Stage::start(&crm, shape);
    let began = Instant::now();
    stage.throttle(jobs);
    let taken_in = jobs as f64 / began.elapsed().as_secs_f64();
    eprintln!("  taken in; at most {:.0} MiB so far", stage.gate.process.peak_mib());
    let beside = flow(&crm, &mut stage.others);
    let in_time = stage.retries(&crm);
    let (peak_mib, resident_mib) = (stage.gate.process.peak_mib(), stage.gate.process.resident_mib());
    stage.gate.process.kill();
    let began = Instant::now();
    stage.scene.configure(&crm.url, Shape { first_limits: Some(WIDE_LIMITS), batch_max: 10, ..shape });
    stage.gate = Gate::start(&stage.scene);
    stage.gate.await_ready();
    let back = began.elapsed().as_secs_f64();
    let (drained, read) = stage.drain(&crm);
    eprintln!("  peak while drained {:.0} MiB", stage.gate.process.peak_mib());
    let peak_mib = peak_mib.max(stage.gate.process.peak_mib());
    Run { taken_in, peak_mib, resident_mib, rates: (alone, beside), in_time, back, drained, read }
}

struct Stage {
    scene: Scene,
    gate: Gate,
    /// Of the 99.
    others: Jobs,
}

impl Stage {
    fn start(crm: &Crm, shape: Shape) -> Self {
        let ms = LATENCY.as_millis();
        let change = json!({
            "limits": {"burst": null, "daily": null, "search": null},
            "latency": {"min_ms": ms, "max_ms": ms},
            "recording": {"records": false, "effects": 0, "attempts": 0, "calls": 0},
            "records_max": 10_000,
        });
        (0..TENANTS).for_each(|it| crm.open(it, &change));
        let scene = Scene::of(&crm.url, shape);
        let gate = Gate::start(&scene);
        gate.await_ready();
        let others = Jobs::of(&scene, THROTTLED + 1..TENANTS, OTHERS);
        Self { scene, gate, others }
    }

    /// Produces the backlog and waits until all of it has been read and waits.
    fn throttle(&self, jobs: u64) {
        Jobs::of(&self.scene, THROTTLED..THROTTLED + 1, 0).produce(jobs);
        let until = Instant::now() + Duration::from_secs(120 + jobs / 2_000);
        // What has been called meanwhile waits no more.
        let enough = jobs as f64 * 0.98 - 10_000.0;
        while self.gate.metric("sluicegate_waiting_deliveries") < enough {
            assert!(Instant::now() < until, "{} wait", self.gate.metric("sluicegate_waiting_deliveries"));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The share of retries of the 99 that were called at most 100 ms after they were due, in %.
    fn retries(&mut self, crm: &Crm) -> f64 {
        let answer = ScriptedAnswer::Call { fault: Fault::Status { status: 503, retry_after_s: None }, applied: false };
        let script = |job| Script { external_id: external_id(job), object: None, first: 1, answer: answer.clone() };
        let failing = self.others.next..self.others.next + PER_TICK * 100 * PACED.as_secs();
        crm.scripts(&failing.step_by(10).map(script).collect::<Vec<_>>());
        // What the measure before has left is applied first.
        let before = await_rest(crm, of_others(crm));
        let (first, began) = (self.others.next, Instant::now());
        let written = self.others.pace(PER_TICK, || PACED < began.elapsed()) - first;
        let until = Instant::now() + Duration::from_secs(60);
        while of_others(crm) < before + written {
            assert!(Instant::now() < until, "{} of {written} are applied", of_others(crm) - before);
            std::thread::sleep(Duration::from_millis(20));
        }
        let name = "sluicegate_due_lateness_seconds";
        let (sum, count) = (self.gate.metric(&format!("{name}_sum")), self.gate.metric(&format!("{name}_count")));
        eprintln!("  {count} retries, {:.1} ms late on average", 1_000.0 * sum / count);
        100.0 * self.gate.within(name, "0.1")
    }

    /// Jobs per second called of what waits, and KiB read from files for each.
    fn drain(&self, crm: &Crm) -> (f64, f64) {
        let applied = || crm.totals(THROTTLED).effects;
        std::thread::sleep(Duration::from_secs(15));
        let (began, before, read) = (Instant::now(), applied(), self.gate.process.read_mib());
        // Whole windows of the limit.
        std::thread::sleep(Duration::from_secs(20));
        let (jobs, took) = ((applied() - before) as f64, began.elapsed().as_secs_f64());
        (jobs / took, (self.gate.process.read_mib() - read) * 1_024.0 / jobs)
    }
}

/// Jobs per second of the 99 when there is no end of them.
fn flow(crm: &Crm, jobs: &mut Jobs) -> f64 {
    let start = jobs.next - of_others(crm);
    let mut run = |span: Duration| {
        let (began, before) = (Instant::now(), of_others(crm));
        while began.elapsed() < span {
            let wanted = start + of_others(crm) + AHEAD;
            jobs.produce(wanted.saturating_sub(jobs.next));
            std::thread::sleep(Duration::from_millis(10));
        }
        (of_others(crm) - before) as f64 / began.elapsed().as_secs_f64()
    };
    run(WARM_UP);
    let rate = run(MEASURED);
    eprintln!("  the 99 at {rate:.0} jobs/s");
    rate
}

fn of_others(crm: &Crm) -> u64 {
    crm.summary().totals.effects - crm.totals(THROTTLED).effects
}

/// Waits until nothing of the 99 is applied any more; answers how much is.
fn await_rest(crm: &Crm, seen: u64) -> u64 {
    let mut seen = seen;
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = of_others(crm);
        if now == seen {
            return seen;
        }
        seen = now;
    }
}

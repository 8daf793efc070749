//! 50 tenants in one partition, one of which answers 503, then 429, then never: how much slower the other 49 are than
//! beside one that is well, by turns in one run.
//! Not here: whether their jobs are applied at all (`tests/whole`).

use crate::crm::Crm;
use crate::feed::Jobs;
use crate::gate::Gate;
use crate::scene::{Scene, Shape};
use crate::table::{Table, Target};
use serde_json::json;
use sluicegate::simulated::hubspot::{Fault, FaultRule, Policy};
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(20);
const TENANTS: u64 = 50;
const BAD: u64 = 0;
const RUNS: usize = 3;
const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(6);
/// Jobs in the log that are not applied, while throughput is measured.
const AHEAD: u64 = 20_000;
/// Every 10 ms while lag is measured: 2,000 a second, a fraction of what can be had.
const PER_TICK: u64 = 20;

/// What the 49 had: jobs per second when there is no end of them, and the 99th percentile of their lag in ms when there is.
type Had = (f64, f64);

pub(crate) fn beside_one_that_fails(table: &mut Table) {
    let ways = [
        ("answers 503", Fault::Status { status: 503, retry_after_s: None }),
        ("answers 429", Fault::Limited { policy: Policy::Burst }),
        ("never answers", Fault::Hang { ms: 60_000 }),
    ];
    let crm = Crm::start(LATENCY);
    let (mut well, mut failing) = (Vec::new(), [const { Vec::<Had>::new() }; 3]);
    for _ in 0..RUNS {
        well.push((throughput(&crm, None), lag(&crm, None)));
        for (had, (_, fault)) in failing.iter_mut().zip(&ways) {
            had.push((throughput(&crm, Some(fault)), lag(&crm, Some(fault))));
        }
    }
    let (rates, lags): (Vec<f64>, Vec<f64>) = well.iter().copied().unzip();
    table.add("49 tenants beside one that is well", "jobs/s", &rates, &Target::None);
    table.add("49 tenants beside one that is well: lag, p99", "ms", &lags, &Target::None);
    for (had, (way, _)) in failing.iter().zip(&ways) {
        let against = |of: fn(&Had) -> f64| had.iter().zip(&well).map(move |(it, well)| of(it) / of(well));
        let shares: Vec<f64> = against(|it| it.0).map(|it| 100.0 * it).collect();
        table.add(&format!("49 tenants beside one that {way}: of that"), "%", &shares, &Target::AtLeast(95.0));
        let longer: Vec<f64> = against(|it| it.1).collect();
        table.add(&format!("49 tenants beside one that {way}: lag, p99, of that"), "×", &longer, &Target::AtMost(1.2));
    }
}

/// A fresh scene in which one tenant meets the fault.
fn start(crm: &Crm, fault: Option<&Fault>, recording: bool) -> (Scene, Gate) {
    let records = json!({"records": recording, "effects": usize::from(recording), "attempts": 0, "calls": 0});
    let change = json!({
        "limits": {"burst": null, "daily": null, "search": null},
        "latency": {"min_ms": LATENCY.as_millis(), "max_ms": LATENCY.as_millis()},
        "recording": records,
    });
    (0..TENANTS).for_each(|it| crm.open(it, &change));
    let rules: Vec<FaultRule> = fault.into_iter().cloned().map(FaultRule::always).collect();
    crm.faults(Some(BAD), &rules);
    let scene = Scene::of(&crm.url, Shape { partitions: 1, ..Shape::new(TENANTS, 1) });
    let gate = Gate::start(&scene);
    gate.await_ready();
    (scene, gate)
}

fn throughput(crm: &Crm, fault: Option<&Fault>) -> f64 {
    let (scene, _gate) = start(crm, fault, false);
    let mut jobs = Jobs::new(&scene);
    let mut run = |span: Duration| {
        let (began, before) = (Instant::now(), of_others(crm));
        while began.elapsed() < span {
            let wanted = (of_others(crm) + AHEAD) * TENANTS / (TENANTS - 1);
            jobs.produce(wanted.saturating_sub(jobs.next));
            std::thread::sleep(Duration::from_millis(10));
        }
        (of_others(crm) - before) as f64 / began.elapsed().as_secs_f64()
    };
    run(WARM_UP);
    run(MEASURED)
}

fn of_others(crm: &Crm) -> u64 {
    crm.summary().totals.effects - crm.totals(BAD).effects
}

fn lag(crm: &Crm, fault: Option<&Fault>) -> f64 {
    let (scene, _gate) = start(crm, fault, true);
    let began = Instant::now();
    let written = Jobs::new(&scene).pace(PER_TICK, || WARM_UP + MEASURED < began.elapsed());
    let until = Instant::now() + Duration::from_secs(30);
    while of_others(crm) < written * (TENANTS - 1) / TENANTS {
        assert!(Instant::now() < until, "the jobs of the others are not applied: {} of {written}", of_others(crm));
        std::thread::sleep(Duration::from_millis(20));
    }
    let ledgers = (0..TENANTS).filter(|it| *it != BAD).map(|it| crm.ledger(it));
    let effects = ledgers.flat_map(|it| it.records).flat_map(|it| it.applied);
    let stamped = effects.map(|it| (it.marker.unwrap().parse::<u64>().unwrap(), it.at_us));
    let mut all: Vec<(u64, u64)> = stamped.collect();
    let first = all.iter().map(|(written, _)| *written).min().unwrap();
    let warm = first + u64::try_from(WARM_UP.as_micros()).unwrap();
    all.retain(|(written, _)| warm <= *written);
    let mut lags: Vec<u64> = all.into_iter().map(|(written, at)| at.saturating_sub(written)).collect();
    lags.sort_unstable();
    lags[lags.len() * 99 / 100] as f64 / 1_000.0
}

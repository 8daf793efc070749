//! How much of a limit is used, when another application takes its share of each window.
//! Not here: that it is never exceeded (`tests/whole`).

use crate::crm::Crm;
use crate::feed::Jobs;
use crate::gate::Gate;
use crate::scene::{Scene, Shape};
use crate::table::{Table, Target};
use serde_json::json;
use std::time::{Duration, Instant};

const TENANTS: u64 = 20;
const CAP: u64 = 100;
const PER_US: u64 = 10_000_000;
const OTHERS: f64 = 0.3;
/// What is left: 70 calls in each window.
const LEFT: usize = 70;
/// Use is measured in those after the first.
const WINDOWS: usize = 5;

pub(crate) fn shared(table: &mut Table) {
    let crm = Crm::start(Duration::from_millis(20));
    let limits = json!({"burst": CAP, "burst_ms": PER_US / 1_000, "daily": null, "search": null, "enforced": true});
    let recording = json!({"records": false, "effects": 0, "attempts": 0, "calls": 10_000});
    let change = json!({"limits": limits, "other_use": OTHERS, "recording": recording,
        "latency": {"min_ms": 20, "max_ms": 20}});
    (0..TENANTS).for_each(|it| crm.open(it, &change));
    let shape = Shape { limits: r#"[{ calls = 100, per = "10s" }]"#, ..Shape::new(TENANTS, 1) };
    let scene = Scene::of(&crm.url, shape);
    Jobs::new(&scene).produce(TENANTS * CAP * 6);
    let gate = Gate::start(&scene);
    gate.await_ready();
    let began = Instant::now();
    let span = Duration::from_micros(PER_US) * u32::try_from(WINDOWS).unwrap() + Duration::from_secs(5);
    std::thread::sleep(span.saturating_sub(began.elapsed()));
    let (mut shares, mut first_refused, mut refused) = (Vec::new(), 0, 0);
    for tenant in 0..TENANTS {
        let calls = crm.ledger(tenant).calls;
        let first = calls.iter().map(|it| it.at_us).min().expect("every tenant was called");
        let mut served: Vec<u64> = calls.iter().filter(|it| it.over.is_none()).map(|it| it.at_us).collect();
        served.sort_unstable();
        // Not by the count in a span: calls come in bursts, and whether the last one falls into it is chance.
        let took = served[LEFT * WINDOWS] - served[LEFT];
        shares.push(100.0 * (PER_US * (WINDOWS as u64 - 1)) as f64 / took as f64);
        let over = calls.iter().filter(|it| it.over.is_some());
        let (early, late): (Vec<_>, Vec<_>) = over.partition(|it| it.at_us < first + PER_US);
        first_refused += early.len();
        refused += late.len();
    }
    let what = "20 tenants at 100 calls per 10 s, 30 % taken by others";
    table.add(&format!("{what}: used of the rest"), "%", &shares, &Target::AtLeast(98.0));
    table.add(&format!("{what}: refused in the first window"), "calls", &[first_refused as f64], &Target::None);
    table.add(&format!("{what}: refused after it"), "calls", &[refused as f64], &Target::AtMost(0.0));
}

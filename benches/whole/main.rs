//! Measures the whole program: the real binary on a real Apache Kafka, against a pretend HubSpot in another process.
//! Not here: parts of it; what a figure ought to be is in docs/performance.md.
//!
//! Everything runs on one machine, so the figures are compared within one run and repeated. Names given as arguments
//! choose what is measured: `one`, `batches`, `backlog`, `restore`, `kill`, `neighbours`, `quota`, `late`, `outage`,
//! `throttled`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_macros,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its table and ends at the first thing that goes wrong"
)]

mod bare;
#[path = "../../tests/kafka/support/broker.rs"]
#[expect(dead_code, reason = "tests also need a broker behind a proxy")]
mod broker;
#[path = "../../tests/kafka/support/container.rs"]
mod container;
mod crm;
mod feed;
mod gate;
#[path = "../../tests/kafka/support/jars.rs"]
mod jars;
mod late;
mod neighbours;
mod outage;
mod process;
mod quota;
mod scene;
mod start;
mod table;
mod throttled;
mod throughput;

use table::Table;

const NAMES: [&str; 10] =
    ["one", "batches", "backlog", "restore", "kill", "neighbours", "quota", "late", "outage", "throttled"];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let unknown = wanted.iter().find(|it| !NAMES.contains(&it.as_str()));
    assert!(unknown.is_none(), "{unknown:?} is not measured here; choose among {NAMES:?}");
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| it == name);
    let mut table = Table::default();
    if is_wanted("one") {
        throughput::one_by_one(&mut table);
    }
    if is_wanted("batches") {
        throughput::in_batches(&mut table);
    }
    if is_wanted("backlog") {
        throughput::backlog(&mut table);
    }
    if is_wanted("restore") {
        start::restore(&mut table);
    }
    if is_wanted("kill") {
        start::kill(&mut table);
    }
    if is_wanted("neighbours") {
        neighbours::beside_one_that_fails(&mut table);
    }
    if is_wanted("quota") {
        quota::shared(&mut table);
    }
    if is_wanted("late") {
        late::second_attempts(&mut table);
    }
    if is_wanted("outage") {
        outage::of_all(&mut table);
    }
    if is_wanted("throttled") {
        throttled::beside_99(&mut table);
    }
    table.print();
}

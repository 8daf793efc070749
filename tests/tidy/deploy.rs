//! What ships for Prometheus agrees with the program: metrics that exist, alerts that are the program's, each with a test
//! and a row in the runbook.
//! Not here: whether the rules fire (`tests/deploy.rs`).

use crate::assert_tidy;
use crate::tree::{Page, pages, read};
use crate::words::first_cells;
use sluicegate::alerts::Alert;
use std::collections::BTreeSet;

const RULES: &str = "deploy/prometheus/rules.yml";
const RULES_TEST: &str = "deploy/prometheus/rules_test.yml";

/// What Prometheus makes of one histogram.
const TAILS: [&str; 3] = ["_bucket", "_count", "_sum"];

#[test]
fn every_metric_that_is_deployed_is_one() {
    let listed = read("docs/metrics.md");
    let known: BTreeSet<&str> = first_cells(&listed).into_iter().map(|it| it.split('{').next().unwrap()).collect();
    let deployed: Vec<Page> = pages().into_iter().filter(|it| it.path.starts_with("deploy/")).collect();
    assert!(deployed.iter().any(|it| !metrics(&it.text).is_empty()), "no metric was found: the search is broken");
    let unknown = |page: &Page| -> Vec<String> {
        let strange = metrics(&page.text).into_iter().filter(|it| !known.contains(it) && !known.contains(of(it)));
        strange.map(|it| format!("{}: `{it}` is no metric of docs/metrics.md", page.path)).collect()
    };
    assert_tidy(&deployed.iter().flat_map(unknown).collect::<Vec<_>>());
}

#[test]
fn every_alert_has_its_rule_its_test_and_its_row_in_the_runbook() {
    let known: BTreeSet<&str> = Alert::ALL.into_iter().map(Alert::name).collect();
    let (rules, tests, runbook) = (read(RULES), read(RULES_TEST), read("docs/operations.md"));
    assert_eq!(values(&rules, "- alert: "), known, "{RULES}");
    assert_eq!(values(&tests, "alertname: "), known, "{RULES_TEST}");
    let rows: BTreeSet<&str> = first_cells(&runbook).into_iter().collect();
    let missing = known.difference(&rows).map(|it| format!("docs/operations.md: no row for `{it}`"));
    assert_tidy(&missing.collect::<Vec<_>>());
}

#[test]
fn metrics_are_found_wherever_they_stand() {
    let text = "sum(sluicegate_a_total) - sluicegate_b_bucket{le=\"1\"} # sluicegate:late:total, sluicegate_c: d";
    assert_eq!(
        metrics(text).into_iter().collect::<Vec<_>>(),
        ["sluicegate_a_total", "sluicegate_b_bucket", "sluicegate_c"]
    );
    assert_eq!(of("sluicegate_b_bucket"), "sluicegate_b");
    assert_eq!(values("- alert: A\n  - alert: B\n", "- alert: "), ["A", "B"].into());
}

/// The words that begin as our metrics do.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_' && it != ':');
    words.map(|it| it.trim_end_matches(':')).filter(|it| it.starts_with("sluicegate_")).collect()
}

/// The histogram that a series belongs to.
fn of(series: &str) -> &str {
    TAILS.iter().find_map(|tail| series.strip_suffix(tail)).unwrap_or(series)
}

fn values<'a>(text: &'a str, key: &str) -> BTreeSet<&'a str> {
    text.lines().filter_map(|it| it.trim_start().strip_prefix(key)).collect()
}

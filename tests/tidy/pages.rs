//! Pages that must agree with the code, and what no page of the repository may hold.
//! Not here: whether a page is true in its prose; people read that.

use crate::assert_tidy;
use crate::tree::{Page, exists, pages, read, sources};
use crate::words::first_cells;
use sluicegate::model::Reason;
use std::collections::BTreeSet;

const ARCHITECTURE_LINES_MAX: usize = 250;
const TARGETS_MAX: usize = 12;

/// The lock file names where crates come from; nothing else does.
const NAMES_HOSTS: [&str; 1] = ["Cargo.lock"];

/// Where packages are fetched from is the business of the machine that builds. In halves, so that this file is clean.
const HOSTS: [&str; 11] = [
    concat!("crates", ".io"),
    concat!("docker", ".io"),
    concat!("ghcr", ".io"),
    concat!("quay", ".io"),
    concat!("gcr", ".io"),
    concat!("mcr.", "microsoft.com"),
    concat!("maven", ".org"),
    concat!("maven.", "apache.org"),
    concat!("npmjs", ".org"),
    concat!("pypi", ".org"),
    concat!("deb.", "debian.org"),
];

const MACHINE_PATHS: [&str; 3] = [concat!("/ro", "ot"), concat!("/wo", "rk"), concat!("/home", "/")];

#[test]
fn every_reason_has_its_row_in_the_docs_and_no_other_has() {
    let page = read("docs/reasons.md");
    let known = Reason::ALL.iter().map(|it| it.name()).collect();
    assert_tidy(&differences("a reason", "docs/reasons.md", &known, &first_cells(&page).into_iter().collect()));
}

#[test]
fn every_metric_has_its_row_in_the_docs_and_no_other_has() {
    let (sources, page) = (sources(), read("docs/metrics.md"));
    let known = sources.iter().flat_map(metrics).collect();
    let described = first_cells(&page).into_iter().map(|it| it.split('{').next().unwrap()).collect();
    assert_tidy(&differences("a metric", "docs/metrics.md", &known, &described));
}

#[test]
fn every_metric_is_named_in_full_in_telemetry() {
    assert_tidy(&sources().iter().flat_map(hidden_metrics).collect::<Vec<_>>());
}

#[test]
fn the_changelog_begins_with_what_is_unreleased() {
    let page = read("CHANGELOG.md");
    assert_eq!(page.lines().find(|it| it.starts_with("## ")), Some("## Unreleased"));
}

#[test]
fn the_architecture_is_read_in_one_sitting() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {lines} lines, at most {ARCHITECTURE_LINES_MAX}");
}

#[test]
fn the_page_of_settings_holds_the_defaults_word_for_word() {
    let shown = read("docs/configuration.md");
    let block = format!("```toml\n{}```\n", read("src/config/defaults.toml"));
    assert!(shown.contains(&block), "docs/configuration.md: copy src/config/defaults.toml into its block");
}

#[test]
fn the_makefile_has_few_targets_and_each_is_explained() {
    let makefile = read("Makefile");
    let targets = targets(&makefile);
    assert!(targets.len() <= TARGETS_MAX, "{} targets, at most {TARGETS_MAX}: {targets:?}", targets.len());
    let silent = makefile.lines().filter(|it| is_target(it) && !it.contains("## "));
    assert_tidy(&silent.map(|it| format!("Makefile: `{it}` has no `## ` text for `make help`")).collect::<Vec<_>>());
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let markdown = pages().into_iter().filter(|it| it.path.ends_with(".md"));
    assert_tidy(&markdown.flat_map(|it| broken_links(&it)).collect::<Vec<_>>());
}

#[test]
fn no_page_names_a_path_of_one_machine() {
    assert_tidy(&pages().iter().flat_map(machine_paths).collect::<Vec<_>>());
}

#[test]
fn no_page_names_a_host_of_packages() {
    let read_on = pages().into_iter().filter(|it| !NAMES_HOSTS.contains(&it.path.as_str()));
    assert_tidy(&read_on.flat_map(|it| hosts(&it)).collect::<Vec<_>>());
}

#[test]
fn a_page_that_breaks_a_rule_is_found() {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    let telemetry =
        page("src/telemetry/names.rs", "\"sluicegate_jobs_total\"; // no\n\"sluicegate\"; \"sluicegate_\";");
    assert_eq!(metrics(&telemetry), ["sluicegate_jobs_total"]);
    assert_eq!(hidden_metrics(&telemetry).len(), 1);
    assert_eq!(hidden_metrics(&page("src/web/mod.rs", "\"sluicegate_jobs_total\"")).len(), 1);
    assert_eq!(differences("a", "b", &["x", "y"].into(), &["y", "z"].into()).len(), 2);
    assert_eq!(broken_links(&page("docs/a.md", "[a](../README.md) [b](none.md) [c](https://a.b) [d](#e)")).len(), 1);
    assert_eq!(machine_paths(&page("a.sh", concat!("cd /ro", "ot/x"))).len(), 1);
    assert_eq!(machine_paths(&page("a.yml", concat!(".github/wo", "rkflows and net/wo", "rk"))).len(), 0);
    assert_eq!(targets("a: b ## c\n.PHONY: a\nX := 1\nY ?= 2\nd-e:\n\tf: g"), ["a", "d-e"]);
}

/// What is only known, and what is only described.
fn differences(what: &str, page: &str, known: &BTreeSet<&str>, described: &BTreeSet<&str>) -> Vec<String> {
    let missing = known.difference(described).map(|it| format!("{page}: no row for `{it}`"));
    let invented = described.difference(known).map(|it| format!("{page}: `{it}` is not {what}"));
    missing.chain(invented).collect()
}

/// The full names of metrics among the text literals of a file.
fn metrics(page: &Page) -> Vec<&str> {
    literals(page).filter(|it| it.strip_prefix("sluicegate_").is_some_and(is_metric_tail)).collect()
}

/// A name outside `telemetry`, or glued together, is one that the docs cannot be held to.
fn hidden_metrics(page: &Page) -> Vec<String> {
    let elsewhere = metrics(page).into_iter().filter(|_| page.module() != Some("telemetry"));
    let glued = literals(page).filter(|it| *it == "sluicegate_" || it.starts_with("sluicegate_{"));
    let parts = page.production().any(|(_, line)| line.contains(".namespace(")).then_some(".namespace(");
    let found = elsewhere.chain(glued).chain(parts);
    found.map(|it| format!("{}: `{it}`: name each metric in full, in `telemetry`", page.path)).collect()
}

/// Every second piece between quotes, line by line. Text over several lines is no name.
fn literals(page: &Page) -> impl Iterator<Item = &str> {
    page.production().flat_map(|(_, line)| line.split('"').skip(1).step_by(2))
}

fn is_metric_tail(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
}

fn targets(makefile: &str) -> Vec<&str> {
    let lines = makefile.lines().filter(|it| is_target(it));
    lines.filter_map(|it| it.split_once(':')).map(|(name, _)| name).collect()
}

fn is_target(line: &str) -> bool {
    let Some((name, rest)) = line.split_once(':') else { return false };
    let named = name.starts_with(|it: char| it.is_ascii_lowercase());
    named && name.chars().all(|it| it.is_ascii_lowercase() || it == '-' || it == '_') && !rest.starts_with('=')
}

fn broken_links(page: &Page) -> Vec<String> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let links = page.text.split("](").skip(1).filter_map(|it| it.split(')').next());
    let local = links.filter(|it| !it.contains("://") && !it.starts_with('#'));
    let broken =
        local.filter(|it| !exists(format!("{folder}/{}", it.split('#').next().unwrap()).trim_start_matches('/')));
    broken.map(|it| format!("{}: the link to `{it}` leads nowhere", page.path)).collect()
}

fn machine_paths(page: &Page) -> Vec<String> {
    let stands_alone = |path: &str, at: usize| {
        let before = page.text[..at].chars().next_back();
        let after = page.text[at + path.len()..].chars().next();
        let inside = before.is_some_and(|it| it.is_alphanumeric() || "._-})$".contains(it));
        !inside && !after.is_some_and(|it| it.is_alphanumeric() && !path.ends_with('/'))
    };
    let found =
        MACHINE_PATHS.iter().filter(|path| page.text.match_indices(**path).any(|(at, _)| stands_alone(path, at)));
    found.map(|it| format!("{}: `{it}` is a path of one machine", page.path)).collect()
}

fn hosts(page: &Page) -> Vec<String> {
    let found = HOSTS.iter().filter(|it| page.text.contains(**it));
    found.map(|it| format!("{}: `{it}` is a host of packages", page.path)).collect()
}

//! README.md keeps its word: its shell blocks run as they stand, its settings are accepted, its commands exist.
//! Not here: what a command does inside; only that a newcomer who copies a block gets what the page says.
#![cfg(all(feature = "kafka", feature = "rocksdb"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

#[path = "readme/blocks.rs"]
mod blocks;
#[path = "readme/shell.rs"]
mod shell;

use blocks::{Block, blocks, settings_within};
use clap::Parser as _;
use sluicegate::cli::Cli;
use sluicegate::config::{NoEnv, SourceText, parse};

const README: &str = include_str!("../README.md");

/// The section whose blocks run here, one after the other in one shell.
const RUNS: &str = "Quickstart without Kafka";

/// How every block that is not run begins, and why it is not.
const NOT_RUN: [(&str, &str); 7] = [
    ("make demo", "builds the program and plays without an end"),
    ("make test", "would run this test"),
    ("alias sluicegate=", "here the program is on the PATH"),
    ("cat > sluicegate.toml", "asks a real Kafka; the file is parsed and the commands are read"),
    ("curl -sS https://api.hubapi.com/", "asks the real HubSpot"),
    ("sluicegate run", "needs a real Kafka"),
    ("sluicegate enqueue", "needs a real Kafka"),
];

fn sh(readme: &str) -> Vec<Block> {
    blocks(readme).into_iter().filter(|it| it.language == "sh").collect()
}

fn runs(block: &Block) -> bool {
    block.section == RUNS
}

#[test]
fn the_quickstart_without_kafka_brings_a_job_to_hubspot() {
    let run: Vec<String> = sh(README).into_iter().filter(runs).map(|it| it.text).collect();
    let (stop, start) = run.split_last().expect("README.md has a quickstart");
    assert!(stop.contains("kill"), "the last block stops what was started, not: {stop}");
    let seen = shell::run(start, stop);
    let totals = &seen.totals;
    assert_eq!((totals["effects"].as_u64(), totals["duplicates"].as_u64()), (Some(1), Some(0)), "{totals}");
    assert!(seen.stdout.contains("HTTP/1.1 202") && seen.stdout.contains("ada@example.com"), "{}", seen.stdout);
    assert!(seen.stdout.contains("connections    1 hubspot"), "check says what is configured: {}", seen.stdout);
    assert!(seen.stdout.contains("SHARDS TOLD"), "pause says whom it told: {}", seen.stdout);
    assert!(seen.stdout.contains("embedded"), "status says which log: {}", seen.stdout);
}

#[test]
fn every_other_block_is_known_with_a_reason_and_no_reason_is_stale() {
    let others: Vec<Block> = sh(README).into_iter().filter(|it| !runs(it)).collect();
    for block in &others {
        let known = NOT_RUN.iter().any(|(start, _)| block.text.starts_with(start));
        assert!(known, "README.md: this block is neither run nor known not to be:\n{}", block.text);
    }
    for (start, why) in NOT_RUN {
        assert!(others.iter().any(|it| it.text.starts_with(start)), "README.md has no block `{start}` ({why})");
    }
}

#[test]
fn every_command_that_is_not_run_here_exists_with_its_options() {
    let commands: Vec<String> = sh(README)
        .iter()
        .flat_map(|it| it.text.lines())
        .filter(|it| it.starts_with("sluicegate "))
        .map(|it| it.trim_end_matches('&').trim().to_owned())
        .collect();
    assert!(5 < commands.len(), "{commands:?}");
    for command in commands {
        if let Err(error) = Cli::try_parse_from(command.split_whitespace()) {
            panic!("README.md: `{command}`: {error}");
        }
    }
}

#[test]
fn every_settings_file_of_the_page_is_sound() {
    let files: Vec<String> = blocks(README).iter().flat_map(settings_within).collect();
    assert!(2 <= files.len());
    for text in files {
        let outside = SourceText { name: "README.md".to_owned(), text: named(&text) };
        if let Err(faults) = parse(&[outside], &NoEnv) {
            panic!("{faults}\n{text}");
        }
    }
}

/// `NoEnv` has no host name, from which an instance is named.
fn named(text: &str) -> String {
    text.replacen("[kafka]", "[kafka]\ngroup_instance_id = \"test-0\"", 1)
}

//! The simulator: the real engine in a simulated world, one seed after the other, each run decided by its seed.
//! Not here: the engine; and anything real: no clock, no network, no disk, no threads inside a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_macros,
    unreachable_pub,
    reason = "a test panics and prints on purpose; the world outside is checked before it is indexed"
)]

mod agenda;
mod brain;
mod broker;
mod client;
mod commit;
mod crm;
mod decode;
mod dice;
mod faults;
mod group;
mod invariants;
mod ledger;
mod log;
mod many;
mod marks;
mod meter;
mod objects;
mod observe;
mod operator;
mod options;
mod partition;
mod pauses;
mod replay;
mod run;
mod scenes;
mod store;
mod view;
mod workload;
mod world;

use many::{Until, sweep};
use options::{Loss, Options};
use run::{How, run};
use sluicegate::machine::Bug;

/// Seeds of one run of the tests, unless `SLUICEGATE_SIM_SEEDS` says otherwise.
const SEEDS: u64 = 10_000;
/// Seeds within which each planted bug must be caught.
const BUG_SEEDS: u64 = 2_000;
/// Need more than a few hundred of them; a shorter run does not look for these.
const RARE: [Bug; 2] = [Bug::RunsAheadOfJobs, Bug::StartsUnseen];
/// What is in a window in memory can seldom be told from outside: this one is caught by a table (`machine::held`).
const BY_TABLE: Bug = Bug::ProbesTheMostTried;

#[test]
fn every_seed_keeps_every_promise() {
    let first = number("SLUICEGATE_SIM_FIRST").unwrap_or(0);
    let count = number("SLUICEGATE_SIM_SEEDS").unwrap_or(SEEDS);
    let most = usize::try_from(number("SLUICEGATE_SIM_FAILURES").unwrap_or(1)).unwrap();
    let found = sweep(first, count, None, Until::Failures(most));
    let seconds = found.took.as_secs_f64();
    println!(
        "{} seeds, {} actions in {seconds:.1} s, {:.0} seeds/s\n{}",
        found.runs,
        found.actions,
        found.runs as f64 / seconds,
        found.marks
    );
    for (seed, what) in &found.failures {
        println!("seed {seed}: {what}");
    }
    if let Some((seed, _)) = found.failures.first() {
        panic!("{}", replay::explain(*seed, How::default()));
    }
    if SEEDS <= count {
        let missing = found.marks.missing();
        assert!(missing.is_empty(), "no seed reached: {}", missing.join("; "));
    }
}

/// Replays `SLUICEGATE_SIM_SEED` with its whole trace; with `SLUICEGATE_SIM_BUG` with that bug planted.
#[test]
fn one_seed() {
    let seed = number("SLUICEGATE_SIM_SEED").unwrap_or(1);
    let lines = usize::try_from(number("SLUICEGATE_SIM_LINES").unwrap_or(400)).unwrap();
    let options = Options::draw(seed);
    println!("{options:#?}");
    let report = run(options, How { verbose: true, bug: planted() });
    println!("{}{}", replay::tail(&report, lines), replay::verdict(&report));
    assert!(report.failure.is_none(), "{}", replay::verdict(&report));
}

#[test]
fn the_same_seed_twice_is_the_same_run() {
    let hashes = |verbose| {
        let one = |seed| run(Options::draw(seed), How { verbose, bug: None });
        (0..40).map(one).map(|it| (it.hash, it.actions)).collect::<Vec<_>>()
    };
    let (quiet, told) = (hashes(false), hashes(true));
    assert_eq!(quiet, told, "a run does not depend on whether it is watched");
    let differing: std::collections::BTreeSet<u64> = quiet.iter().map(|it| it.0).collect();
    assert_eq!(differing.len(), quiet.len(), "and each seed is another run");
}

#[test]
fn each_planted_bug_is_caught() {
    let mut missed = Vec::new();
    let most = number("SLUICEGATE_SIM_SEEDS").unwrap_or(SEEDS).min(BUG_SEEDS);
    let simulated = Bug::ALL.into_iter().filter(|it| *it != BY_TABLE);
    for bug in simulated.filter(|it| most == BUG_SEEDS || !RARE.contains(it)) {
        let found = sweep(number("SLUICEGATE_SIM_FIRST").unwrap_or(0), most, Some(bug), Until::FirstFailure);
        match found.failures.first() {
            Some((seed, what)) => println!("{bug:?}: caught after {} seeds by seed {seed}: {what}", found.runs),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not caught within {most} seeds: {missed:?}");
}

/// Seeds in which something that mattered was lost: at least one in so many.
const LOSS_SEEDS: u64 = 40;

#[test]
fn what_is_lost_for_good_stops_the_process_with_words_that_name_the_way_out() {
    let words = [
        (Loss::State, "state lost"),
        (Loss::Waiting, "messages deleted too early"),
        (Loss::Jobs, "a topic made anew"),
        (Loss::Delay, "a topic made anew"),
    ];
    for (loss, words) in words {
        let stopped = (0..LOSS_SEEDS).any(|seed| {
            let mut options = Options::draw(seed);
            options.operator.rewinds = 1;
            options.operator.loses = Some(loss);
            let failure = run(options, How::default()).failure;
            failure.is_some_and(|it| it.invariant == "I14" && it.what.contains(words))
        });
        assert!(stopped, "{loss:?}: no seed stopped with `{words}`");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, not a number")))
}

fn planted() -> Option<Bug> {
    let name = std::env::var("SLUICEGATE_SIM_BUG").ok()?;
    let bug = Bug::ALL.into_iter().find(|it| format!("{it:?}") == name);
    Some(bug.unwrap_or_else(|| panic!("SLUICEGATE_SIM_BUG: no bug is called {name}")))
}

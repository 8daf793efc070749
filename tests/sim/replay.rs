//! How a failing seed is shown: what was drawn, what broke, the tail of the trace, and one command that replays it.
//! Not here: finding it.

use crate::options::Options;
use crate::run::{How, Report, run};
use crate::world::BEGIN;

/// Lines of the trace that a person reads first; `one_seed` prints more.
const TAIL: usize = 60;

/// Runs the seed again, this time with a trace, and puts everything into words.
pub fn explain(seed: u64, how: How) -> String {
    let options = Options::draw(seed);
    let report = run(options.clone(), How { verbose: true, ..how });
    let bug = how.bug.map(|it| format!("SLUICEGATE_SIM_BUG={it:?} ")).unwrap_or_default();
    format!(
        "seed {seed} breaks a promise\n{options:#?}\n{}\n{}\nreplay: {bug}SLUICEGATE_SIM_SEED={seed} \
         cargo test --no-default-features --test sim -- one_seed --nocapture\n",
        tail(&report, TAIL),
        verdict(&report),
    )
}

pub fn verdict(report: &Report) -> String {
    match &report.failure {
        Some(it) => {
            let ms = it.at.0 - BEGIN.0;
            format!("{} is broken after {}.{:03} s: {}", it.invariant, ms / 1000, ms % 1000, it.what)
        }
        None => format!("every promise kept in {} actions and {} s", report.actions, report.lasted / 1000),
    }
}

pub fn tail(report: &Report, lines: usize) -> String {
    let skipped = report.lines.len().saturating_sub(lines);
    let mut text = String::new();
    if 0 < skipped {
        text.push_str(&format!("… {skipped} lines before\n"));
    }
    for line in &report.lines[skipped..] {
        text.push_str(line);
        text.push('\n');
    }
    text
}

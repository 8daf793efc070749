//! `sluicegate demo`: the real program on an embedded log against pretend CRMs, with faults to switch.
//! Not here: anything pretended of Sluicegate itself; only the CRM and the events are made up.

mod count;
mod crms;
mod plain;
mod screen;
mod script;
mod stage;
mod stream;

use crate::cli::Exit;
use crate::cli::args;
use crate::cli::output::complain;
use count::Tally;
use stage::Stage;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long everything may take to be applied once no more events come: the probe of a CRM that was down for long may
/// be five minutes away.
const DRAIN_WITHIN: Duration = Duration::from_secs(500);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays until the time is up, the script is over, or the viewer has seen enough; then lets everything drain and
/// compares what the CRM counted with what was sent. Exits with failure if that is not perfect.
pub(super) fn demo(args: &args::Demo) -> Exit {
    let stage = match Stage::open(args.tenants, args.seed) {
        Ok(stage) => Arc::new(stage),
        Err(error) => {
            complain(format!("the demo cannot start: {error:#}"));
            return Exit::Failure;
        }
    };
    let watched = !args.plain && std::io::stdout().is_terminal();
    let played = if watched { screen::play(&stage, args) } else { plain::play(&stage, args) };
    if let Err(error) = played {
        complain(format!("the demo was interrupted: {error:#}"));
    }
    let verdict = settle(&stage);
    stage.close();
    match verdict {
        Ok(tally) => {
            complain(tally.in_words());
            if tally.is_perfect() { Exit::Ok } else { Exit::Failure }
        }
        Err(error) => {
            complain(format!("the demo could not be counted: {error:#}"));
            Exit::Failure
        }
    }
}

/// Ends the stream and all faults, and waits until the CRM has everything.
fn settle(stage: &Stage) -> anyhow::Result<Tally> {
    stage.end_stream();
    stage.end_faults()?;
    let started = Instant::now();
    let mut told = Instant::now();
    loop {
        let tally = stage.tally();
        if tally.on_the_way() == 0 || DRAIN_WITHIN < started.elapsed() {
            return Ok(tally);
        }
        if Duration::from_secs(5) < told.elapsed() {
            told = Instant::now();
            complain(format!("no more events; waiting for {} still on their way", tally.on_the_way()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

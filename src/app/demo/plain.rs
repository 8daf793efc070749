//! The demo as lines: one a second, and one for each thing that happens.
//! Not here: the screen.

use crate::app::demo::script;
use crate::app::demo::stage::Stage;
use crate::cli::args;
use crate::cli::output::{Format, Output};
use crate::model::Because;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;

const LINE_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The length of a story when nobody says.
pub(super) const STORY: Duration = Duration::from_secs(40);

/// Plays to the end of the script, or until the time is up.
pub(super) fn play(stage: &Arc<Stage>, args: &args::Demo) -> Result<()> {
    let mut output = Output::new(Format::Table);
    let length = args.seconds.map(|it| Duration::from_secs(u64::from(it)));
    let mut story = if args.script { script::scenes(length.unwrap_or(STORY)) } else { Vec::new() };
    story.reverse();
    stage.start_stream(args.seed)?;
    let mut next_line = Duration::ZERO;
    let mut first_told = false;
    loop {
        let age = stage.age();
        while story.last().is_some_and(|it| it.at <= age) {
            let Some(scene) = story.pop() else { break };
            output.line(format!("{:>6.1} s  -- {}", age.as_secs_f64(), scene.words))?;
            scene.play(stage)?;
            if scene.is_last() {
                return Ok(());
            }
        }
        let over = !args.script && length.is_some_and(|it| it <= age);
        if over {
            return Ok(());
        }
        if !first_told && 0 < stage.tally().applied {
            first_told = true;
            output.line(format!("{:>6.1} s  -- the first event is in the CRM", stage.age().as_secs_f64()))?;
        }
        if next_line <= age {
            next_line += LINE_EVERY;
            output.line(line(stage))?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn line(stage: &Stage) -> String {
    let tally = stage.tally();
    let waiting: Vec<String> = Because::ALL
        .iter()
        .zip(tally.waiting)
        .filter(|(_, count)| 0 < *count)
        .map(|(because, count)| format!("{count} {because}"))
        .collect();
    let waiting = if waiting.is_empty() { "none".to_owned() } else { waiting.join(", ") };
    format!(
        "{:>6.1} s  sent {:>6}  applied {:>6}  on the way {:>5}  waiting: {waiting}  dead {}  duplicate records {}  \
         out of order {}  over the limit {}",
        stage.age().as_secs_f64(),
        tally.accepted,
        tally.applied,
        tally.on_the_way(),
        tally.dead,
        tally.duplicate_records(),
        tally.out_of_order,
        tally.over_limit,
    )
}

//! How far a long command is: a bar on a terminal, else a line every 5 seconds; on stderr.
//! Not here: the log, data.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(5);

/// Made at the start of the work, told of every step, ended by `finish`.
pub struct Progress {
    what: &'static str,
    done: u64,
    total: Option<u64>,
    shown: Face,
}

enum Face {
    Bar(ProgressBar),
    Lines { writer: Box<dyn Write>, last: Instant },
}

impl Progress {
    /// `what` in the words of a person, such as "jobs enqueued". `total` if it is known.
    pub fn start(what: &'static str, total: Option<u64>, now: Instant) -> Self {
        let shown = if io::stderr().is_terminal() {
            Face::Bar(bar(what, total))
        } else {
            Face::Lines { writer: Box::new(io::stderr()), last: now }
        };
        Self { what, done: 0, total, shown }
    }

    /// Lines to `writer`, whatever stderr is.
    pub fn lines(what: &'static str, total: Option<u64>, now: Instant, writer: impl Write + 'static) -> Self {
        Self { what, done: 0, total, shown: Face::Lines { writer: Box::new(writer), last: now } }
    }

    /// So many are done in all.
    pub fn set(&mut self, done: u64, now: Instant) {
        self.done = done;
        let line = self.line();
        match &mut self.shown {
            Face::Bar(bar) => bar.set_position(done),
            Face::Lines { writer, last } if now.saturating_duration_since(*last) >= LINE_EVERY => {
                *last = now;
                let _nobody_to_tell = writeln!(writer, "{line}");
            }
            Face::Lines { .. } => {}
        }
    }

    /// Clears the bar, or writes a last line.
    pub fn finish(mut self) {
        let line = self.line();
        match &mut self.shown {
            Face::Bar(bar) => bar.finish_and_clear(),
            Face::Lines { writer, .. } => {
                let _nobody_to_tell = writeln!(writer, "{line}");
            }
        }
    }

    fn line(&self) -> String {
        match self.total {
            Some(total) => format!("{} of {total} {}", self.done, self.what),
            None => format!("{} {}", self.done, self.what),
        }
    }
}

fn bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {human_pos} of {human_len} {msg}, {per_sec:.0}, {eta} left",
        None => "{spinner} {human_pos} {msg}, {per_sec:.0}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_message(what);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_plain_style_stays) => bar,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::fs;

    #[test]
    fn without_a_terminal_there_is_a_line_every_five_seconds_and_one_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut progress = Progress::lines("jobs enqueued", Some(9), start, fs::File::create(&path).unwrap());
        for (done, seconds) in [(1, 0), (2, 4), (3, 5), (4, 6), (5, 9), (6, 10)] {
            progress.set(done, at(seconds));
        }
        progress.set(9, at(11));
        progress.finish();
        let expected = "3 of 9 jobs enqueued\n6 of 9 jobs enqueued\n9 of 9 jobs enqueued\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn the_bar_knows_its_template() {
        for total in [None, Some(3)] {
            bar("jobs", total).finish_and_clear();
        }
        assert!(
            ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} {msg}, {per_sec:.0}, {eta} left")
                .is_ok()
        );
    }
}

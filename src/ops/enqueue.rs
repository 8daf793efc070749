//! `enqueue`: jobs from a file or a pipe into the log, in batches, each line checked first.
//! Not here: opening the input, printing.

use crate::ops::body::FAULTS_MAX;
use crate::ops::job::{checked, now, too_long};
use crate::ops::lines::{self, Line};
use crate::ops::{AppendFault, JobLog, LineFault, NewJob};
use serde::Serialize;
use std::io::{self, BufRead};
use std::time::Duration;
use tokio::time::timeout;

const BATCH_JOBS: usize = 500;
const BATCH_BYTES: usize = 4 << 20;
/// A batch that is not full goes when no line came for so long.
const BATCH_WAITS: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// Stop at the first line that is no job, and leave out the batch that it would have been in.
    pub strict: bool,
    /// For how long the log is waited for.
    pub log_deadline: Duration,
}

impl Default for EnqueueOptions {
    fn default() -> Self {
        Self { strict: false, log_deadline: Duration::from_secs(30) }
    }
}

/// What happens while it goes on.
#[derive(Debug)]
pub enum News<'a> {
    Fault(&'a LineFault),
    /// So many jobs are in the log, or, when only checking, were found sound.
    Done(u64),
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Enqueued {
    /// Lines that were looked at, blank ones left out.
    pub lines: u64,
    pub sound: u64,
    /// Jobs that are in the log.
    pub appended: u64,
    /// Jobs that may or may not be there: the log failed on the batch they were in.
    pub unsure: u64,
    pub malformed: u64,
    /// The first thousand of them.
    pub faults: Vec<LineFault>,
    /// Why the rest of the input was not looked at.
    pub stopped: Option<Stopped>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    pub cause: StopCause,
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// The input could not be read on.
    Input,
    /// The log did not take a batch.
    Log,
    /// A line was no job, and that was to be the end.
    Strict,
}

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Complete,
    /// Some jobs are done (or sound, when only checking), some lines are not.
    Partial,
    /// Nothing is done, because of the input.
    Failed,
    /// Nothing is done, because of the log.
    LogFailed,
}

impl Enqueued {
    /// An empty input is complete.
    pub fn verdict(&self) -> Verdict {
        let stopped = self.stopped.as_ref().map(|it| it.cause);
        let done = if stopped.is_some() { self.appended } else { self.sound };
        match (stopped, done) {
            (None, _) if self.malformed == 0 => Verdict::Complete,
            (_, 1..) => Verdict::Partial,
            (Some(StopCause::Log), 0) => Verdict::LogFailed,
            (None | Some(StopCause::Input | StopCause::Strict), 0) => Verdict::Failed,
        }
    }
}

/// Reads to the end of `reader`; without a `log` the jobs are only checked. Called by `cli`; needs a tokio runtime with
/// time. Lines already read go to the log when no more come for 200 ms, so a slow pipe is not held back.
///
/// # Errors
/// Only if there is no thread left to read on; everything else is in what it returns.
pub async fn enqueue<R: BufRead + Send + 'static>(
    reader: R,
    log: Option<&dyn JobLog>,
    options: EnqueueOptions,
    tell: impl FnMut(News<'_>),
) -> io::Result<Enqueued> {
    let mut lines = lines::read(reader)?;
    let mut run = Run { log, options, tell, batch: Vec::new(), bytes: 0, sum: Enqueued::default() };
    while run.sum.stopped.is_none() {
        let next = if run.batch.is_empty() { Ok(lines.recv().await) } else { timeout(BATCH_WAITS, lines.recv()).await };
        match next {
            Ok(Some(Ok(line))) => run.take(line).await,
            Ok(Some(Err(error))) => {
                run.send().await;
                run.stop(StopCause::Input, format!("the input cannot be read on: {error}"));
            }
            Ok(None) => {
                run.send().await;
                break;
            }
            Err(_nothing_came) => run.send().await,
        }
    }
    Ok(run.sum)
}

struct Run<'a, T> {
    log: Option<&'a dyn JobLog>,
    options: EnqueueOptions,
    tell: T,
    batch: Vec<NewJob>,
    bytes: usize,
    sum: Enqueued,
}

impl<T: FnMut(News<'_>)> Run<'_, T> {
    async fn take(&mut self, line: Line) {
        self.sum.lines += 1;
        let job = match line.text {
            Some(text) => checked(line.number, text, now()),
            None => Err(too_long(line.number)),
        };
        match job {
            Ok(job) => {
                self.sum.sound += 1;
                self.bytes = self.bytes.saturating_add(job.value.len());
                self.batch.push(job);
                if BATCH_JOBS <= self.batch.len() || BATCH_BYTES <= self.bytes {
                    self.send().await;
                }
            }
            Err(fault) => self.note(fault),
        }
    }

    fn note(&mut self, fault: LineFault) {
        self.sum.malformed += 1;
        (self.tell)(News::Fault(&fault));
        if self.options.strict {
            self.stop(StopCause::Strict, format!("line {} is no job", fault.line));
        }
        if self.sum.faults.len() < FAULTS_MAX {
            self.sum.faults.push(fault);
        }
    }

    async fn send(&mut self) {
        let jobs = std::mem::take(&mut self.batch);
        self.bytes = 0;
        let count = u64::try_from(jobs.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return;
        }
        let Some(log) = self.log else { return (self.tell)(News::Done(self.sum.sound)) };
        let deadline = self.options.log_deadline;
        let too_late = || AppendFault::Unavailable { what: format!("the log did not answer within {deadline:?}") };
        let ended = timeout(deadline, log.append(jobs)).await.unwrap_or_else(|_| Err(too_late()));
        match ended {
            Ok(_places) => {
                self.sum.appended += count;
                (self.tell)(News::Done(self.sum.appended));
            }
            Err(AppendFault::Saturated) => self.stop(StopCause::Log, AppendFault::Saturated.to_string()),
            Err(fault @ (AppendFault::Unavailable { .. } | AppendFault::Refused { .. })) => {
                self.sum.unsure = count;
                let advice = "jobs of the last batch may be in the log; enqueue all of the input again, what is there twice is applied once";
                self.stop(StopCause::Log, format!("{fault}; {advice}"));
            }
        }
    }

    fn stop(&mut self, cause: StopCause, what: String) {
        if self.sum.stopped.is_none() {
            self.sum.stopped = Some(Stopped { cause, what });
        }
    }
}

#[cfg(test)]
#[path = "enqueue/tests.rs"]
mod tests;

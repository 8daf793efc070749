//! What was posted becomes jobs, all or none: one job, or one per line.
//! Not here: HTTP; the log.

use crate::ops::job::{checked, is_json, nothing, now, trimmed};
use crate::ops::{LineFault, NewJob};
use bytes::Bytes;
use serde::Serialize;

/// Most jobs in one body.
pub const JOBS_MAX: usize = 10_000;
/// Faults that are told in full; the others are only counted.
pub const FAULTS_MAX: usize = 1_000;

/// What the sender says about the shape of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// `application/x-ndjson` and its kin.
    Lines,
    /// `application/json`: one job, but lines are taken too if the first is whole.
    Json,
    /// Nothing that tells: one job if the whole is one JSON value, else lines.
    Nothing,
}

/// Why nothing of a body may be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// More than `JOBS_MAX` jobs; the rest was not looked at.
    TooMany,
    Lines(Faults),
}

/// All that is wrong with a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Lines that are no job.
    pub total: u64,
    /// In their order, at most `FAULTS_MAX`.
    pub faults: Vec<LineFault>,
}

/// Looks at every line. Called by `web`; costs about 10 ms per MiB, so not on a thread that must not wait.
///
/// # Errors
/// When one line or more is no job, or there is none, or there are too many.
pub fn read_jobs(body: &Bytes, declared: Declared) -> Result<Vec<NewJob>, BodyFault> {
    let (whole, now) = (trimmed(body), now());
    if whole.is_empty() {
        return Err(BodyFault::Lines(Faults { total: 1, faults: vec![nothing()] }));
    }
    if is_one(&whole, declared) {
        let fault = |fault| BodyFault::Lines(Faults { total: 1, faults: vec![fault] });
        return checked(1, whole, now).map(|it| vec![it]).map_err(fault);
    }
    let (mut jobs, mut faults) = (Vec::new(), Faults::default());
    for (line, text) in (1..).zip(body.split(|it| *it == b'\n')) {
        let value = trimmed(&body.slice_ref(text));
        if value.is_empty() {
            continue;
        }
        if JOBS_MAX <= jobs.len() {
            return Err(BodyFault::TooMany);
        }
        match checked(line, value, now) {
            Ok(job) => jobs.push(job),
            Err(fault) => faults.note(fault),
        }
    }
    if faults.total == 0 { Ok(jobs) } else { Err(BodyFault::Lines(faults)) }
}

impl Faults {
    fn note(&mut self, fault: LineFault) {
        self.total = self.total.saturating_add(1);
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

fn is_one(whole: &[u8], declared: Declared) -> bool {
    match declared {
        Declared::Lines => false,
        Declared::Nothing => is_json(whole),
        Declared::Json => match whole.iter().position(|it| *it == b'\n') {
            None => true,
            Some(end) => !is_json(whole.get(..end).unwrap_or_default()),
        },
    }
}

#[cfg(test)]
#[path = "body/tests.rs"]
mod tests;

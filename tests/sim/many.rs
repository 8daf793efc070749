//! Many seeds on all cores: the first that fails, in the order of seeds, and how often each mark was hit.
//! Not here: what one run is (`run`).

use crate::marks::Marks;
use crate::options::Options;
use crate::run::{How, Report, run};
use sluicegate::machine::Bug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub struct Sweep {
    pub marks: Marks,
    /// Failing seeds, lowest first, with what broke.
    pub failures: Vec<(u64, String)>,
    pub runs: u64,
    pub actions: u64,
    pub took: Duration,
}

/// What ends a sweep before its last seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    FirstFailure,
    Failures(usize),
}

pub fn sweep(first: u64, count: u64, bug: Option<Bug>, until: Until) -> Sweep {
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let found = Mutex::new(Sweep::default());
    let enough = match until {
        Until::FirstFailure => 1,
        Until::Failures(count) => count,
    };
    let work = || {
        while found.lock().unwrap().failures.len() < enough {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if first + count <= seed {
                return;
            }
            let report = run(Options::draw(seed), How { verbose: false, bug });
            found.lock().unwrap().take(seed, report);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut sweep = found.into_inner().unwrap();
    sweep.failures.sort();
    sweep.took = began.elapsed();
    sweep
}

impl Sweep {
    fn take(&mut self, seed: u64, report: Report) {
        self.runs += 1;
        self.actions += report.actions;
        self.marks.join(&report.marks);
        if let Some(failure) = report.failure {
            self.failures.push((seed, format!("{}: {}", failure.invariant, failure.what)));
        }
    }
}

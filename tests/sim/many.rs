//! Many seeds on all cores: the first that fails, in the order of seeds, and how often each mark was hit.
//! Not here: what one run is (`run`).

use crate::marks::Marks;
use crate::options::Options;
use crate::run::{How, run};
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
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if first + count <= seed || enough <= found.lock().unwrap().failures.len() {
                        return;
                    }
                    let report = run(Options::draw(seed), How { verbose: false, bug });
                    let mut found = found.lock().unwrap();
                    found.runs += 1;
                    found.actions += report.actions;
                    found.marks.join(&report.marks);
                    if let Some(failure) = report.failure {
                        found.failures.push((seed, format!("{}: {}", failure.invariant, failure.what)));
                    }
                }
            });
        }
    });
    let mut sweep = found.into_inner().unwrap();
    sweep.failures.sort();
    sweep.took = began.elapsed();
    sweep
}

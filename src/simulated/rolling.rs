//! A window of time that rolls, to the microsecond.
//! Not here: whose window it is.

use std::collections::VecDeque;

/// A rolling window: a call at `t` counts in `(now - per, now]`.
#[derive(Default)]
pub(super) struct Rolling {
    /// Times of the calls counted, oldest first.
    times_us: VecDeque<u64>,
}

impl Rolling {
    pub(super) fn is_full(&mut self, now_us: u64, cap: Option<u64>, per_ms: u64) -> bool {
        self.forget(now_us, per_ms);
        is_full(self.used(), cap)
    }

    pub(super) fn count(&mut self, now_us: u64, cap: Option<u64>) {
        if cap.is_some() {
            self.times_us.push_back(now_us);
        }
    }

    pub(super) fn forget(&mut self, now_us: u64, per_ms: u64) {
        let per_us = per_ms.saturating_mul(1000);
        while self.times_us.front().is_some_and(|at_us| at_us.saturating_add(per_us) <= now_us) {
            self.times_us.pop_front();
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.times_us.len() as u64
    }

    pub(super) fn used_since(&self, since_us: u64) -> u64 {
        self.times_us.iter().rev().take_while(|at_us| **at_us > since_us).count() as u64
    }
}

pub(super) fn is_full(used: u64, cap: Option<u64>) -> bool {
    cap.is_some_and(|cap| used >= cap)
}

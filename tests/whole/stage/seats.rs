//! How many tests may run at once: each has several processes, and most of them wait most of the time.
//! Not here: what runs.

use std::sync::{Condvar, Mutex, PoisonError};

const SEATS: usize = 4;

struct Taken(usize);

static TAKEN: Mutex<Taken> = Mutex::new(Taken(0));
static LEFT: Condvar = Condvar::new();

/// Given back when dropped.
pub(crate) struct Seat;

pub(crate) fn take_seat() -> Seat {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut taken = LEFT.wait_while(taken, |taken| SEATS <= taken.0).unwrap_or_else(PoisonError::into_inner);
    taken.0 += 1;
    Seat
}

impl Drop for Seat {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        LEFT.notify_one();
    }
}

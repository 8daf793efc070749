//! Which shards are ours: the one lock between taking over, giving up and committing.
//! Not here: Kafka's protocol for either.

use crate::model::Shard;
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Ownership {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    owned: BTreeSet<Shard>,
    /// Shards that the loop was asked to give up and that it has not closed yet; outlives our patience.
    asked: BTreeSet<Shard>,
    /// Counts the times that shards were lost or closed.
    losses: Losses,
    leaving: bool,
}

/// How often shards had been lost or closed at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses(u64);

impl Ownership {
    pub(super) fn take(&self, shards: &[Shard]) {
        let mut held = self.lock();
        held.owned.extend(shards);
        for shard in shards {
            held.asked.remove(shard);
        }
    }

    /// These are somebody else's; commits that name them end here.
    pub(super) fn lose(&self, shards: &[Shard]) {
        let mut held = self.lock();
        held.owned.retain(|shard| !shards.contains(shard));
        held.losses.0 += 1;
        self.changed.notify_all();
    }

    pub(super) fn losses(&self) -> Losses {
        self.lock().losses
    }

    pub(super) fn owned(&self) -> Vec<Shard> {
        self.lock().owned.iter().copied().collect()
    }

    /// Runs `with` while nothing can be taken from us, if all of `shards` are ours and nothing was lost `since`: a
    /// shard that went and came back is another assignment, which does not know what was decided in the one before.
    pub(super) fn while_owned<T>(
        &self,
        mut shards: impl Iterator<Item = Shard>,
        since: Losses,
        with: impl FnOnce() -> T,
    ) -> Option<T> {
        let held = self.lock();
        let all = held.losses == since && shards.all(|shard| held.owned.contains(&shard));
        let result = all.then(with);
        drop(held);
        result
    }

    pub(super) fn ask(&self, shards: &[Shard]) {
        self.lock().asked.extend(shards);
    }

    /// The loop will commit nothing of these any more.
    pub(super) fn close(&self, shards: &[Shard]) {
        let mut held = self.lock();
        for shard in shards {
            // A late answer must not take away what has come back meanwhile.
            if held.asked.remove(shard) {
                held.owned.remove(shard);
                held.losses.0 += 1;
            }
        }
        self.changed.notify_all();
    }

    pub(super) fn leave(&self) {
        self.lock().leaving = true;
        self.changed.notify_all();
    }

    pub(super) fn leaving(&self) -> bool {
        self.lock().leaving
    }

    /// Waits until all of `shards` were closed, the log is left, or `patience` is over; says whether they were.
    /// Blocks the thread of the rebalance callback, no other.
    pub(super) fn await_closed(&self, shards: &[Shard], patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut held = self.lock();
        loop {
            if held.leaving || !shards.iter().any(|shard| held.owned.contains(shard)) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            held = self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(numbers: &[u32]) -> Vec<Shard> {
        numbers.iter().copied().map(Shard).collect()
    }

    #[test]
    fn a_close_gives_up_what_it_names_and_nothing_else() {
        let ownership = Ownership::default();
        ownership.take(&shards(&[1, 2]));
        ownership.ask(&shards(&[1, 2]));
        ownership.close(&shards(&[1]));
        assert_eq!(ownership.owned(), shards(&[2]));
        assert!(!ownership.leaving());
    }

    #[test]
    fn an_answer_that_comes_after_patience_ended_is_still_an_answer_and_takes_nothing_that_came_back() {
        let ownership = Ownership::default();
        ownership.take(&shards(&[1]));
        ownership.ask(&shards(&[1]));
        assert!(!ownership.await_closed(&shards(&[1]), Duration::from_millis(1)));
        ownership.lose(&shards(&[1]));
        ownership.close(&shards(&[1]));
        ownership.take(&shards(&[1]));
        assert_eq!(ownership.owned(), shards(&[1]));
    }

    #[test]
    fn nothing_happens_for_a_commit_that_names_one_foreign_shard() {
        let ownership = Ownership::default();
        ownership.take(&shards(&[1, 2]));
        let since = ownership.losses();
        assert_eq!(ownership.while_owned(shards(&[1, 2]).into_iter(), since, || 7), Some(7));
        assert_eq!(ownership.while_owned(shards(&[1, 3]).into_iter(), since, || 7), None);
    }

    #[test]
    fn nothing_happens_for_a_commit_of_an_assignment_that_ended_and_came_back() {
        let ownership = Ownership::default();
        ownership.take(&shards(&[1]));
        let since = ownership.losses();
        ownership.lose(&shards(&[1]));
        ownership.take(&shards(&[1]));
        assert_eq!(ownership.while_owned(shards(&[1]).into_iter(), since, || 7), None);
    }
}

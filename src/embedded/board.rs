//! What the threads of the log share: where partitions stand and who reads what from where. Locked for moments only,
//! never while something is written, read or delivered.
//! Not here: disk, events.

use super::bounds::{Bounds, Partition};
use crate::model::{Offset, Shard, Topic};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Board {
    state: Mutex<State>,
    /// Something to deliver, or to end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bounds: Bounds,
    readings: BTreeMap<(Shard, Topic), Reading>,
    tails: Vec<(Shard, Offset)>,
    /// Of the delay topics: everything below may be deleted.
    purges: BTreeMap<Partition, Offset>,
    closed: BTreeSet<Shard>,
    generations: u64,
    leaving: bool,
    stopping: bool,
}

/// One topic of one shard, being read.
struct Reading {
    next: Offset,
    wanted: bool,
    /// Whether its position was told at least once: an empty topic has caught up too.
    told: bool,
    generation: u64,
}

/// A reading that is due: `[next, end)` is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) shard: Shard,
    pub(super) topic: Topic,
    pub(super) next: Offset,
    pub(super) end: Offset,
    generation: u64,
}

/// What the courier does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// One batch of each.
    Deliver(Vec<Due>),
    /// `state[shard]` in `[from, end)`, in one piece.
    Tail {
        shard: Shard,
        from: Offset,
        end: Offset,
    },
    /// Say that the log is left.
    Leave,
    Stop,
}

impl Board {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { state: Mutex::new(State { bounds, ..State::default() }), changed: Condvar::new() }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.lock().bounds.clone()
    }

    /// Looks at the bounds for a moment.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Bounds) -> T) -> T {
        at(&self.lock().bounds)
    }

    /// Changes the bounds; whoever waits for new messages wakes up.
    pub(super) fn update(&self, change: impl FnOnce(&mut Bounds)) {
        change(&mut self.lock().bounds);
        self.changed.notify_all();
    }

    /// Starts reading a topic, or starts again: what was read for an earlier start is no longer delivered.
    pub(super) fn read(&self, shard: Shard, topic: Topic, from: Offset) {
        let mut state = self.lock();
        if state.closed.contains(&shard) {
            return;
        }
        state.generations += 1;
        let generation = state.generations;
        state.readings.insert((shard, topic), Reading { next: from, wanted: true, told: false, generation });
        self.changed.notify_all();
    }

    pub(super) fn want(&self, shard: Shard, topic: Topic, wanted: bool) {
        if let Some(reading) = self.lock().readings.get_mut(&(shard, topic)) {
            reading.wanted = wanted;
            self.changed.notify_all();
        }
    }

    pub(super) fn ask_tail(&self, shard: Shard, from: Offset) {
        self.lock().tails.push((shard, from));
        self.changed.notify_all();
    }

    pub(super) fn purge(&self, partition: Partition, below: Offset) {
        let mut state = self.lock();
        let pending = state.purges.entry(partition).or_default();
        *pending = below.max(*pending);
    }

    pub(super) fn take_purges(&self) -> BTreeMap<Partition, Offset> {
        std::mem::take(&mut self.lock().purges)
    }

    /// Ends reading these shards; how many of `shards` are closed now.
    pub(super) fn close(&self, shards: &[Shard]) -> usize {
        let mut state = self.lock();
        state.closed.extend(shards);
        state.readings.retain(|(shard, _), _| !shards.contains(shard));
        state.tails.retain(|(shard, _)| !shards.contains(shard));
        state.closed.len()
    }

    pub(super) fn leave(&self) {
        self.lock().leaving = true;
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    /// Waits for something to do. Called by the courier.
    pub(super) fn next_errand(&self) -> Errand {
        let mut state = self.lock();
        loop {
            if let Some(errand) = state.errand() {
                return errand;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether what was read for `due`, up to `position`, may still be delivered; if so the reading moves on.
    pub(super) fn advance(&self, due: Due, position: Offset) -> bool {
        let mut state = self.lock();
        let Some(reading) = state.readings.get_mut(&(due.shard, due.topic)) else { return false };
        let valid = reading.generation == due.generation && reading.wanted;
        if valid {
            reading.next = position;
            reading.told = true;
        }
        valid
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn errand(&mut self) -> Option<Errand> {
        if self.stopping {
            return Some(Errand::Stop);
        }
        if let Some((shard, from)) = self.tails.pop() {
            return Some(Errand::Tail { shard, from, end: self.bounds.end(Topic::State, shard) });
        }
        let due: Vec<Due> = self.due().collect();
        if !due.is_empty() {
            return Some(Errand::Deliver(due));
        }
        self.leaving.then_some(Errand::Leave)
    }

    fn due(&self) -> impl Iterator<Item = Due> {
        self.readings.iter().filter_map(|(&(shard, topic), reading)| {
            let end = self.bounds.end(topic, shard);
            let is_due = reading.wanted && (reading.next < end || !reading.told);
            let due = Due { shard, topic, next: reading.next, end, generation: reading.generation };
            is_due.then_some(due)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test panics on purpose")]
    use super::{Board, Due, Errand};
    use crate::model::{Offset, Shard, Topic};

    const JOBS: Topic = Topic::Jobs;

    fn board() -> Board {
        let board = Board::default();
        board.update(|bounds| bounds.ends.extend([((JOBS, Shard(0)), Offset(9))]));
        board.read(Shard(0), JOBS, Offset(0));
        board
    }

    fn due(board: &Board) -> Due {
        match board.next_errand() {
            Errand::Deliver(due) => due[0],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_read_before_a_new_start_is_not_delivered() {
        let board = board();
        let old = due(&board);
        board.read(Shard(0), JOBS, Offset(5));
        assert!(!board.advance(old, Offset(9)));
        let new = due(&board);
        assert_eq!(new.next, Offset(5));
        assert!(board.advance(new, Offset(9)));
    }

    #[test]
    fn what_was_read_and_is_no_longer_wanted_is_read_again_later() {
        let board = board();
        let read = due(&board);
        board.want(Shard(0), JOBS, false);
        assert!(!board.advance(read, Offset(9)));
        board.want(Shard(0), JOBS, true);
        assert_eq!(due(&board).next, Offset(0));
    }

    #[test]
    fn what_was_read_of_a_closed_shard_is_not_delivered_and_the_shard_not_read_again() {
        let board = board();
        let read = due(&board);
        board.close(&[Shard(0)]);
        assert!(!board.advance(read, Offset(9)));
        board.read(Shard(0), JOBS, Offset(0));
        board.leave();
        assert_eq!(board.next_errand(), Errand::Leave);
    }
}

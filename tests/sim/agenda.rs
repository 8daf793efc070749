//! What happens when: actions ordered by virtual time, then by the order in which they were planned.
//! Not here: what an action does (`world`).

use sluicegate::model::Millis;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[derive(Debug)]
pub struct Agenda<A> {
    heap: BinaryHeap<Item<A>>,
    count: u64,
}

#[derive(Debug)]
struct Item<A> {
    at: Millis,
    number: u64,
    action: A,
}

impl<A> Agenda<A> {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub fn plan(&mut self, at: Millis, action: A) {
        self.count += 1;
        self.heap.push(Item { at, number: self.count, action });
    }

    pub fn next(&mut self) -> Option<(Millis, A)> {
        self.heap.pop().map(|it| (it.at, it.action))
    }
}

impl<A> PartialEq for Item<A> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<A> Eq for Item<A> {}

impl<A> PartialOrd for Item<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<A> Ord for Item<A> {
    /// The heap gives the greatest first: the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

#[test]
fn what_was_planned_first_happens_first_within_a_moment() {
    let mut agenda = Agenda::new();
    agenda.plan(Millis(5), 'c');
    agenda.plan(Millis(1), 'a');
    agenda.plan(Millis(1), 'b');
    let order: Vec<char> = std::iter::from_fn(|| agenda.next().map(|it| it.1)).collect();
    assert_eq!(order, ['a', 'b', 'c']);
}

//! One partition of one topic as Kafka keeps it: messages, control records, open and aborted transactions.
//! Not here: who may write (`broker`), who reads (`log`).

use sluicegate::model::{Message, Millis, Offset, Received};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxnId(pub usize);

#[derive(Debug)]
pub struct Partition {
    /// The offset of the first slot; below there are only holes.
    base: u64,
    /// Nothing below is readable any more.
    start: u64,
    slots: Vec<Slot>,
    /// First offset of each open transaction.
    open: BTreeMap<TxnId, u64>,
    aborted: BTreeSet<TxnId>,
}

#[derive(Debug)]
enum Slot {
    Message(Message, Option<TxnId>),
    /// A control record: takes an offset and is never delivered.
    Marker,
}

impl Partition {
    /// A partition whose log start is `start` and whose first message will lie at `base`.
    pub fn new(start: u64, base: u64) -> Self {
        Self { base, start, slots: Vec::new(), open: BTreeMap::new(), aborted: BTreeSet::new() }
    }

    pub fn append(&mut self, message: Message, txn: Option<TxnId>) -> Offset {
        let offset = self.end().0;
        if let Some(txn) = txn {
            self.open.entry(txn).or_insert(offset);
        }
        self.slots.push(Slot::Message(message, txn));
        Offset(offset)
    }

    /// Ends a transaction here: its control record.
    pub fn mark(&mut self, txn: TxnId, committed: bool) {
        self.slots.push(Slot::Marker);
        self.open.remove(&txn);
        if !committed {
            self.aborted.insert(txn);
        }
    }

    pub fn start(&self) -> Offset {
        Offset(self.start)
    }

    /// The next offset to be written: what a read-uncommitted client calls the end.
    pub fn end(&self) -> Offset {
        Offset(self.base + self.slots.len() as u64)
    }

    /// The last stable offset: nothing at or above is shown to a read-committed client.
    pub fn stable(&self) -> Offset {
        Offset(self.open.values().copied().min().unwrap_or_else(|| self.end().0))
    }

    pub fn purge(&mut self, below: Offset) {
        self.start = self.start.max(below.0.min(self.end().0));
    }

    /// Deleted and created under the same name.
    pub fn make_anew(&mut self) {
        *self = Self::new(0, 0);
    }

    /// Up to `max` messages from `from` on, and the next offset to look at.
    pub fn read(&self, from: Offset, max: usize) -> (Vec<Received>, Offset) {
        let stable = self.stable().0;
        let mut at = from.0.max(self.start).max(self.base);
        let mut messages = Vec::new();
        while at < stable && messages.len() < max {
            if let Some(message) = self.shown(at) {
                messages.push(Received { offset: Offset(at), message: message.clone() });
            }
            at += 1;
        }
        while at < stable && self.shown(at).is_none() {
            at += 1;
        }
        (messages, Offset(at))
    }

    /// What lies there, whatever became of its transaction.
    pub fn message(&self, at: Offset) -> Option<&Message> {
        match self.slot(at.0)? {
            Slot::Message(message, _) => Some(message),
            Slot::Marker => None,
        }
    }

    /// The highest offset that a read-committed client is shown, now or once open transactions have ended well.
    pub fn last_message(&self) -> Option<Offset> {
        (self.start.max(self.base)..self.end().0).rev().find(|at| self.shown(*at).is_some()).map(Offset)
    }

    fn slot(&self, at: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(at.checked_sub(self.base)?).ok()?)
    }

    fn shown(&self, at: u64) -> Option<&Message> {
        match self.slot(at)? {
            Slot::Message(_, Some(txn)) if self.aborted.contains(txn) => None,
            Slot::Message(message, _) => Some(message),
            Slot::Marker => None,
        }
    }
}

/// An empty message, for tests of the world itself.
pub fn blank(value: &str) -> Message {
    Message { key: None, value: Some(value.to_owned().into()), headers: Vec::new(), timestamp: Millis(0) }
}

#[test]
fn a_reader_sees_nothing_of_open_and_aborted_transactions_and_steps_over_their_offsets() {
    let mut it = Partition::new(100, 100);
    it.append(blank("a"), None);
    it.append(blank("b"), Some(TxnId(1)));
    it.append(blank("c"), Some(TxnId(2)));
    it.append(blank("d"), None);
    let read = |it: &Partition, from| {
        let (messages, position) = it.read(Offset(from), 10);
        let text: Vec<u64> = messages.iter().map(|it| it.offset.0).collect();
        (text, position.0)
    };
    assert_eq!(read(&it, 0), (vec![100], 101), "the rest is behind an open transaction");
    it.mark(TxnId(2), true);
    assert_eq!(it.stable(), Offset(101), "the first is still open");
    it.mark(TxnId(1), false);
    assert_eq!(read(&it, 101), (vec![102, 103], 106), "the aborted one is not shown, both markers are passed");
    assert_eq!(it.end(), Offset(106));
    it.purge(Offset(103));
    assert_eq!(read(&it, 0), (vec![103], 106));
    assert_eq!(it.last_message(), Some(Offset(103)));
}

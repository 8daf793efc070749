//! The broker: partitions, transactional producers, the fate of a transaction and the group's offsets.
//! Not here: who owns which shard (`group`), how a client speaks to it (`client`).

use crate::partition::{Partition, TxnId};
use crate::world::{Action, World};
use sluicegate::model::{Commit, Message, Millis, Offset, Shard, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub struct Broker {
    pub partitions: BTreeMap<(Shard, Topic), Partition>,
    /// One per instance: its transactional id.
    pub producers: Vec<Producer>,
    pub transactions: Vec<Transaction>,
    /// The group's committed offset of `jobs[shard]`.
    pub offsets: BTreeMap<Shard, Offset>,
    /// Changes if the topics are made anew.
    pub identity: String,
}

#[derive(Debug, Default)]
pub struct Producer {
    pub epoch: u64,
    /// Not ended in every partition yet: no other may begin.
    pub current: Option<TxnId>,
}

#[derive(Debug)]
pub struct Transaction {
    pub slot: Option<usize>,
    pub epoch: u64,
    pub fate: TxnFate,
    pub commit: Option<Arc<Commit>>,
    /// When the engine handed the commit in.
    pub started: Millis,
    pub written: Vec<(Shard, Topic, Offset)>,
    pub offsets: BTreeMap<Shard, Offset>,
    /// Markers to be written.
    pub unmarked: usize,
    /// The group shows its offsets, or never will.
    pub offsets_stable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnFate {
    Open,
    Committed,
    Aborted,
}

impl Broker {
    pub fn new(shards: u32, instances: usize, base: u64) -> Self {
        let mut partitions = BTreeMap::new();
        for shard in (0..shards).map(Shard) {
            for topic in Topic::ALL {
                // old jobs may be gone by retention; the other topics only have holes
                let start = if topic == Topic::Jobs { base } else { 0 };
                partitions.insert((shard, topic), Partition::new(start, base));
            }
        }
        Self {
            partitions,
            producers: (0..instances).map(|_| Producer::default()).collect(),
            transactions: Vec::new(),
            offsets: BTreeMap::new(),
            identity: "cluster-1".to_owned(),
        }
    }

    pub fn partition(&self, shard: Shard, topic: Topic) -> &Partition {
        &self.partitions[&(shard, topic)]
    }

    pub fn partition_mut(&mut self, shard: Shard, topic: Topic) -> &mut Partition {
        self.partitions.get_mut(&(shard, topic)).unwrap()
    }

    pub fn transaction(&self, txn: TxnId) -> &Transaction {
        &self.transactions[txn.0]
    }

    pub fn begin(&mut self, slot: Option<usize>, commit: Option<Arc<Commit>>, started: Millis) -> TxnId {
        let txn = TxnId(self.transactions.len());
        let epoch = slot.map_or(0, |it| self.producers[it].epoch);
        self.transactions.push(Transaction {
            slot,
            epoch,
            fate: TxnFate::Open,
            commit,
            started,
            written: Vec::new(),
            offsets: BTreeMap::new(),
            unmarked: 0,
            offsets_stable: true,
        });
        if let Some(slot) = slot {
            self.producers[slot].current = Some(txn);
        }
        txn
    }

    pub fn append(&mut self, shard: Shard, topic: Topic, message: Message, txn: Option<TxnId>) -> Offset {
        let offset = self.partition_mut(shard, topic).append(message, txn);
        if let Some(txn) = txn {
            self.transactions[txn.0].written.push((shard, topic, offset));
        }
        offset
    }

    /// Whether offsets of this shard wait for a transaction to end: then nobody may fetch them.
    pub fn has_pending_offsets(&self, shard: Shard) -> bool {
        let recent = self.transactions.iter().rev().take(64);
        recent.into_iter().any(|it| !it.offsets_stable && it.offsets.contains_key(&shard))
    }
}

impl World {
    /// Ends an open transaction. Its markers follow partition by partition, each in its own time.
    pub fn decide(&mut self, txn: TxnId, fate: TxnFate) {
        let transaction = &mut self.broker.transactions[txn.0];
        if transaction.fate != TxnFate::Open {
            return;
        }
        transaction.fate = fate;
        let mut touched: Vec<(Shard, Topic)> = transaction.written.iter().map(|it| (it.0, it.1)).collect();
        touched.sort_unstable();
        touched.dedup();
        transaction.unmarked = touched.len() + 1;
        let slow = self.options.log.marker_ms;
        for (shard, topic) in touched {
            let at = self.now.0 + self.dice.log.between(0, slow);
            self.agenda.plan(Millis(at), Action::Mark { txn, shard, topic });
        }
        let at = self.now.0 + self.dice.log.between(0, slow);
        self.agenda.plan(Millis(at), Action::MarkOffsets(txn));
        self.note("decide", txn.0 as u64, u64::from(fate == TxnFate::Committed));
        if fate == TxnFate::Committed {
            self.on_committed(txn);
        }
    }

    pub fn mark(&mut self, txn: TxnId, shard: Shard, topic: Topic) {
        let committed = self.broker.transaction(txn).fate == TxnFate::Committed;
        self.broker.partition_mut(shard, topic).mark(txn, committed);
        self.marker_written(txn);
        self.nudge(shard, topic);
    }

    pub fn mark_offsets(&mut self, txn: TxnId) {
        let transaction = &mut self.broker.transactions[txn.0];
        transaction.offsets_stable = true;
        if transaction.fate == TxnFate::Committed {
            let offsets = transaction.offsets.clone();
            self.broker.offsets.extend(offsets);
        }
        self.marker_written(txn);
    }

    fn marker_written(&mut self, txn: TxnId) {
        let transaction = &mut self.broker.transactions[txn.0];
        transaction.unmarked -= 1;
        if transaction.unmarked == 0
            && let Some(slot) = transaction.slot
            && self.broker.producers[slot].current == Some(txn)
        {
            self.broker.producers[slot].current = None;
        }
    }

    /// A new producer with the same id: the older ones are fenced and what they left open is undone.
    pub fn init_producer(&mut self, slot: usize) -> u64 {
        self.broker.producers[slot].epoch += 1;
        if let Some(txn) = self.broker.producers[slot].current {
            self.decide(txn, TxnFate::Aborted);
        }
        self.broker.producers[slot].epoch
    }

    /// The coordinator's patience with an open transaction is over.
    pub fn time_out(&mut self, txn: TxnId) {
        if self.broker.transaction(txn).fate == TxnFate::Open {
            self.trace(|| format!("transaction {} timed out", txn.0));
            if let Some(slot) = self.broker.transaction(txn).slot {
                self.broker.producers[slot].epoch += 1;
            }
            self.decide(txn, TxnFate::Aborted);
        }
    }

    /// An EndTxn that was long on the wire: it only counts while its producer has not been fenced.
    pub fn late_end(&mut self, txn: TxnId) {
        let transaction = self.broker.transaction(txn);
        let slot = transaction.slot.unwrap();
        if transaction.fate == TxnFate::Open && self.broker.producers[slot].epoch == transaction.epoch {
            self.trace(|| format!("the late end of transaction {} landed", txn.0));
            self.decide(txn, TxnFate::Committed);
        }
    }
}

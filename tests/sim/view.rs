//! What a process may rightly believe: its leases, the answers it got, what it was shown. Gone with its life.
//! Not here: what is committed (`ledger`).

use crate::ledger::Del;
use crate::workload::{ConnIx, RecordIx};
use sluicegate::model::{Millis, Offset, Scope, Shard, Topic};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct View {
    pub shards: BTreeMap<Shard, ShardView>,
    /// Records with a call out, and how many, whatever became of the shard since.
    pub records_out: BTreeMap<RecordIx, u32>,
    /// Keys likewise.
    pub keys_out: BTreeMap<(ConnIx, u32), u32>,
}

/// Begins with each assignment.
#[derive(Debug, Default)]
pub struct ShardView {
    pub epoch: u64,
    /// Calls may start until then.
    pub lease_until: Option<Millis>,
    /// Deliveries whose last answer has come.
    pub ended: BTreeSet<Del>,
    /// Keys that were applied.
    pub applied: BTreeSet<(ConnIx, u32)>,
    /// Not to be called before.
    pub not_before: BTreeMap<Del, Millis>,
    /// How far each topic was shown.
    pub shown: BTreeMap<Topic, Offset>,
    /// Since when it has this shard.
    pub since: Millis,
    /// The last command that it was shown of each scope: a pause with its end, or a resume.
    pub heard: BTreeMap<Scope, Option<Millis>>,
    /// When each connection's last call that stood alone and was answered well had started.
    pub freed: BTreeMap<ConnIx, Millis>,
}

impl View {
    /// A shard was given anew, or everything not committed was dropped.
    pub fn restart(&mut self, shard: Shard) {
        let view = self.shards.entry(shard).or_default();
        *view = ShardView { epoch: view.epoch + 1, ..ShardView::default() };
    }

    pub fn restart_all(&mut self) {
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        for shard in shards {
            self.restart(shard);
        }
    }
}

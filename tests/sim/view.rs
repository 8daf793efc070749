//! What a process may rightly believe: its leases, the answers it got, what it was shown. Gone with its life.
//! Not here: what is committed (`ledger`).

use crate::ledger::Del;
use crate::workload::{ConnIx, RecordIx};
use sluicegate::model::{Millis, Offset, Scope, Shard, Tier, Topic};
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
    /// How often the message of a delivery was refused, since the last commit.
    pub refused: BTreeMap<Del, u32>,
    /// Released by this life, and where the message lies: not to be called before it was shown.
    pub on_way: BTreeMap<Del, (Tier, Offset)>,
    /// When it was assigned.
    pub begun: Millis,
    /// What the answer to the newest call said is left of an account's window.
    pub heard: BTreeMap<(ConnIx, usize), Heard>,
    /// How far each topic was shown.
    pub shown: BTreeMap<Topic, Offset>,
    /// The last command that it was shown of each scope: a pause with its end, or a resume.
    pub commands: BTreeMap<Scope, Option<Millis>>,
    /// When it was shown them.
    pub commanded: BTreeMap<Scope, Millis>,
    /// When each connection's last call that stood alone and was answered well had started.
    pub freed: BTreeMap<ConnIx, Millis>,
    /// When it was told that a connection's access is another one.
    pub told: BTreeMap<ConnIx, Millis>,
}

/// An answer's word on a window.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The call that was answered, and the first that had not started by then.
    pub flight: usize,
    pub next: usize,
    pub at: Millis,
    pub remaining: u32,
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

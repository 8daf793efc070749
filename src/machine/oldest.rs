//! Promise 6, nothing waits unseen: the oldest of what has no fate yet, as far as memory knows.
//! Not here: what waits on disk (`engine`).

use crate::machine::{Delivery, Machine};
use crate::model::{RecordHash, Seq};

impl Machine {
    /// Of each connection the first delivery in memory, and the first of each call that is out.
    pub fn first_in_memory(&self) -> impl Iterator<Item = &Delivery> {
        let ready = self.lines.iter().filter_map(|(_, line)| line.ready.values().next());
        let out = self.calls.values().filter_map(|it| it.members.first());
        ready.chain(out).map(Box::as_ref)
    }

    /// Whether an entry that still lies in the index has ended: its removal is part of a commit to come.
    pub fn has_ended(&self, record: RecordHash, seq: Seq) -> bool {
        self.is_gone(record, seq)
    }

    /// Whether the delivery was released and is not read back.
    pub fn is_on_way(&self, record: RecordHash, seq: Seq) -> bool {
        self.order.is_on_way(record, seq)
    }
}

//! Where each partition begins and ends, and how far the group has come.
//! Not here: how that gets to disk (`page`, `disk`).

use crate::model::{Offset, Shard, Topic};
use std::collections::BTreeMap;

pub(super) type Partition = (Topic, Shard);

/// Absent means 0, for the group: never committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) starts: BTreeMap<Partition, Offset>,
    pub(super) ends: BTreeMap<Partition, Offset>,
    pub(super) groups: BTreeMap<Shard, Offset>,
}

impl Bounds {
    pub(super) fn start(&self, topic: Topic, shard: Shard) -> Offset {
        self.starts.get(&(topic, shard)).copied().unwrap_or_default()
    }

    pub(super) fn end(&self, topic: Topic, shard: Shard) -> Offset {
        self.ends.get(&(topic, shard)).copied().unwrap_or_default()
    }

    /// Everything below may be deleted. Jobs at or above the group's offset are not settled.
    pub(super) fn disposable_end(&self, topic: Topic, shard: Shard) -> Offset {
        let end = self.end(topic, shard);
        match topic {
            Topic::Jobs => self.groups.get(&shard).copied().unwrap_or_default().min(end),
            Topic::Dlq | Topic::Applied | Topic::State | Topic::Outcomes | Topic::Delay(_) => end,
        }
    }
}

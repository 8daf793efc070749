//! What one transaction of the log carries.
//! Not here: when it is sealed (`machine`, `engine`), how a log makes it atomic (the adapters).

use crate::model::{Header, Offset, Shard, Topic};
use bytes::Bytes;
use std::collections::BTreeMap;

/// Counts the commits of one incarnation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitNumber(pub u64);

/// All or nothing: messages of several shards and the group's offset of each.
#[derive(Clone, Debug)]
pub struct Commit {
    pub number: CommitNumber,
    /// One part per owned shard, empty ones included: that is what fences an owner of yesterday.
    pub shards: BTreeMap<Shard, ShardCommit>,
}

#[derive(Clone, Debug, Default)]
pub struct ShardCommit {
    /// The group's offset of `jobs[shard]`: its low watermark.
    pub group_offset: Offset,
    pub messages: Vec<Outgoing>,
}

/// A message to produce to an explicit partition.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub topic: Topic,
    /// The sibling partition; another shard's only for a forwarded job.
    pub shard: Shard,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    /// Unix milliseconds; absent: the moment of producing.
    pub timestamp: Option<crate::model::Millis>,
}

impl Outgoing {
    /// Bytes of key, value and headers: what seals a commit by size.
    pub fn size(&self) -> usize {
        let of = |it: &Option<Bytes>| it.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|it| it.name.len() + of(&it.value)).sum();
        of(&self.key) + of(&self.value) + headers
    }
}

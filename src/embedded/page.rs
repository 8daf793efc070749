//! One batch for the disk: messages with the offsets they are given, group offsets, deletions, and where that leaves
//! each partition. Offsets are given once: where a partition ends is written with what was appended.
//! Not here: when it is written (`writer`).

use super::bounds::{Bounds, Partition};
use super::disk::Disk;
use super::{EmbeddedFault, frame, key};
use crate::model::{Millis, Offset, Outgoing, Shard};
use rocksdb::{ColumnFamily, WriteBatch};
use std::collections::BTreeSet;

/// Up to this many messages are deleted one by one; more with a range, which costs every later read a little.
const DELETES_SINGLE: u64 = 256;

pub(super) struct Page<'a> {
    disk: &'a Disk,
    column: &'a ColumnFamily,
    bounds: &'a mut Bounds,
    batch: WriteBatch,
    buffer: Vec<u8>,
    now: Millis,
    touched: BTreeSet<Partition>,
    grouped: BTreeSet<Shard>,
}

/// A page ready to be written, and what others may know once it is.
pub(super) struct Written {
    pub(super) batch: WriteBatch,
    pub(super) changes: Bounds,
}

impl<'a> Page<'a> {
    pub(super) fn new(disk: &'a Disk, bounds: &'a mut Bounds, now: Millis) -> Result<Self, EmbeddedFault> {
        Ok(Self {
            disk,
            column: disk.messages()?,
            bounds,
            batch: WriteBatch::default(),
            buffer: Vec::new(),
            now,
            touched: BTreeSet::new(),
            grouped: BTreeSet::new(),
        })
    }

    /// Adds a message at the end of its partition.
    pub(super) fn append(&mut self, message: &Outgoing) -> Offset {
        let partition = (message.topic, message.shard);
        let end = self.bounds.ends.entry(partition).or_default();
        let offset = *end;
        *end = Offset(offset.0.saturating_add(1));
        frame::encode(message, self.now, &mut self.buffer);
        self.batch.put_cf(self.column, key::message(message.topic, message.shard, offset), &self.buffer);
        self.touched.insert(partition);
        offset
    }

    pub(super) fn set_group_offset(&mut self, shard: Shard, offset: Offset) {
        if self.bounds.groups.insert(shard, offset) != Some(offset) {
            self.grouped.insert(shard);
        }
    }

    /// Deletes what lies below `below`; never a job that the group has not passed, nor what is still to be written.
    pub(super) fn trim(&mut self, (topic, shard): Partition, below: Offset) {
        let start = self.bounds.start(topic, shard);
        let below = below.min(self.bounds.disposable_end(topic, shard));
        if below <= start {
            return;
        }
        let key = |offset: u64| key::message(topic, shard, Offset(offset));
        if below.0.saturating_sub(start.0) <= DELETES_SINGLE {
            (start.0..below.0).for_each(|it| self.batch.delete_cf(self.column, key(it)));
        } else {
            self.batch.delete_range_cf(self.column, key(start.0), key(below.0));
        }
        self.bounds.starts.insert((topic, shard), below);
        self.touched.insert((topic, shard));
    }

    pub(super) fn shards(&self) -> u32 {
        self.disk.shards
    }

    /// Where a partition ends with this page.
    pub(super) fn end(&self, (topic, shard): Partition) -> Offset {
        self.bounds.end(topic, shard)
    }

    /// Closes the page; none if there is nothing on it.
    pub(super) fn finish(mut self) -> Option<Written> {
        let mut changes = Bounds::default();
        for (topic, shard) in std::mem::take(&mut self.touched) {
            let (start, end) = (self.bounds.start(topic, shard), self.bounds.end(topic, shard));
            self.batch.put(key::start(topic, shard), start.0.to_be_bytes());
            self.batch.put(key::end(topic, shard), end.0.to_be_bytes());
            changes.starts.insert((topic, shard), start);
            changes.ends.insert((topic, shard), end);
        }
        for shard in std::mem::take(&mut self.grouped) {
            let offset = self.bounds.groups.get(&shard).copied().unwrap_or_default();
            self.batch.put(key::group(shard), offset.0.to_be_bytes());
            changes.groups.insert(shard, offset);
        }
        (!self.batch.is_empty()).then_some(Written { batch: self.batch, changes })
    }
}

impl Bounds {
    /// Takes over what a written page changed.
    pub(super) fn apply(&mut self, changes: Bounds) {
        self.starts.extend(changes.starts);
        self.ends.extend(changes.ends);
        self.groups.extend(changes.groups);
    }
}

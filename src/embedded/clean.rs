//! Cleans a changelog: of each key only the newest message is kept, as Kafka's log cleaner does, and with its method:
//! a bounded map of the newest keys, then one walk over all that is older.
//! Not here: when (`janitor`). A crash in between is harmless: what was deleted was superseded.

use super::bounds::Partition;
use super::disk::Disk;
use super::frame::Framed;
use super::{EmbeddedFault, key};
use crate::model::{Millis, Offset};
use rocksdb::WriteBatch;
use std::collections::HashMap;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_128;

/// Whoever read a key must have time to read that it is gone (Kafka's `delete.retention.ms`).
const TOMBSTONE_AGE: Duration = Duration::from_hours(24);
const DELETES_PER_BATCH: usize = 1000;

/// How much is cleaned at once, and when it is worth it.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    /// Keys in memory: 40 bytes each.
    pub(super) keys: usize,
    /// Messages not yet cleaned below which nothing is done.
    pub(super) dirty: u64,
}

pub(super) const EFFORT: Effort = Effort { keys: 200_000, dirty: 5_000 };

/// How far a changelog is clean, and how many messages that left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub(super) below: Offset,
    pub(super) kept: u64,
}

/// Cleans one section of the changelog if enough has come since; how many messages were deleted.
pub(super) fn clean(
    disk: &Disk,
    partition: Partition,
    (start, end): (Offset, Offset),
    now: Millis,
    effort: Effort,
) -> Result<u64, EmbeddedFault> {
    let cleaned = read(disk, partition)?;
    let from = cleaned.below.max(start);
    let dirty = end.0.saturating_sub(from.0);
    if dirty < effort.dirty.max(cleaned.kept) {
        return Ok(0);
    }
    let (newest, below) = newest(disk, partition, (from, end), effort.keys)?;
    let mut sweep = Sweep { disk, partition, batch: WriteBatch::default(), kept: 0, deleted: 0, fault: None };
    disk.walk(partition, start, below, |offset, _, framed| {
        let gone = is_superseded(&newest, offset, &framed) || is_old_tombstone(&framed, now);
        sweep.take(offset, gone)
    })?;
    sweep.finish(below)
}

/// The newest offset of each key in the section, as many keys as fit, and where the section ends.
fn newest(
    disk: &Disk,
    partition: Partition,
    (from, end): (Offset, Offset),
    keys: usize,
) -> Result<(HashMap<u128, Offset>, Offset), EmbeddedFault> {
    let mut newest = HashMap::new();
    let mut below = end;
    disk.walk(partition, from, end, |offset, _, framed| {
        if newest.len() >= keys {
            below = offset;
            return false;
        }
        if let Some(key) = &framed.message.key {
            newest.insert(xxh3_128(key), offset);
        }
        true
    })?;
    Ok((newest, below))
}

fn is_superseded(newest: &HashMap<u128, Offset>, offset: Offset, framed: &Framed) -> bool {
    let newer = framed.message.key.as_ref().and_then(|it| newest.get(&xxh3_128(it)));
    newer.is_some_and(|it| *it > offset)
}

fn is_old_tombstone(framed: &Framed, now: Millis) -> bool {
    framed.message.key.is_some() && framed.message.value.is_none() && now.since(framed.appended) > TOMBSTONE_AGE
}

/// Deletes in small batches, so that commits are not held up.
struct Sweep<'a> {
    disk: &'a Disk,
    partition: Partition,
    batch: WriteBatch,
    kept: u64,
    deleted: u64,
    fault: Option<EmbeddedFault>,
}

impl Sweep<'_> {
    /// Whether to go on.
    fn take(&mut self, offset: Offset, gone: bool) -> bool {
        if !gone {
            self.kept += 1;
            return true;
        }
        self.deleted += 1;
        let done = self.delete(offset);
        self.fault = done.err();
        self.fault.is_none()
    }

    fn delete(&mut self, offset: Offset) -> Result<(), EmbeddedFault> {
        let (topic, shard) = self.partition;
        self.batch.delete_cf(self.disk.messages()?, key::message(topic, shard, offset));
        if self.batch.len() < DELETES_PER_BATCH {
            return Ok(());
        }
        self.disk.write(std::mem::take(&mut self.batch), false)
    }

    /// How far it is clean is written after the deletes; the WAL keeps that order through a crash.
    fn finish(mut self, below: Offset) -> Result<u64, EmbeddedFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (topic, shard) = self.partition;
        let value = [below.0.to_be_bytes(), self.kept.to_be_bytes()].concat();
        self.batch.put(key::cleaned(topic, shard), value);
        self.disk.write(self.batch, false)?;
        Ok(self.deleted)
    }
}

pub(super) fn read(disk: &Disk, (topic, shard): Partition) -> Result<Cleaned, EmbeddedFault> {
    let Some(bytes) = disk.fact(&key::cleaned(topic, shard))? else { return Ok(Cleaned::default()) };
    let numbers = bytes.split_first_chunk::<8>().zip(bytes.last_chunk::<8>());
    let Some(((below, _), kept)) = numbers else { return Err(disk.damaged("a cleaning mark cannot be read")) };
    Ok(Cleaned { below: Offset(u64::from_be_bytes(*below)), kept: u64::from_be_bytes(*kept) })
}

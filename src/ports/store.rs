//! The local store: an ordered map of bytes per shard, a copy that can always be rebuilt from the log.
//! Not here: what keys mean (`wire`); durability, which it does not have: what was not flushed may vanish,
//! but a batch is whole or absent, and no later batch survives where an earlier one of its shard vanished.

use crate::model::{Millis, Shard};
use crate::ports::LogIdentity;
use thiserror::Error;

/// Called by the loop's thread; reads and writes block for local disk only.
pub trait Store {
    /// Opens the copy of a shard. One that is damaged, of another `identity`, or not noted as current within
    /// 12 h of `now` is set aside and a new, empty one is opened; the store logs which and why.
    ///
    /// # Errors
    /// When not even an empty copy can be opened: disk full, no permission.
    fn open(&mut self, shard: Shard, identity: &LogIdentity, now: Millis) -> Result<Opened, StoreFault>;

    /// The values under `keys`, in their order.
    ///
    /// # Errors
    /// When the copy is damaged or the disk fails: the shard must be rebuilt.
    fn get(&self, shard: Shard, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreFault>;

    /// Up to `limit` pairs in key order, keys at or after `from` that begin with `prefix`.
    ///
    /// # Errors
    /// As `get`.
    fn scan(&self, shard: Shard, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Pair>, StoreFault>;

    /// Writes the batch whole or not at all.
    ///
    /// # Errors
    /// As `get`.
    fn write(&mut self, shard: Shard, batch: Batch) -> Result<(), StoreFault>;

    /// Notes that the copy was current at `now`, and flushes it. Called every 10 minutes and at a graceful end.
    ///
    /// # Errors
    /// As `get`.
    fn note_current(&mut self, shard: Shard, now: Millis) -> Result<(), StoreFault>;

    /// Drops the copy's contents for a rebuild from nothing: it lies behind the changelog's log start.
    ///
    /// # Errors
    /// As `open`.
    fn set_aside(&mut self, shard: Shard, why: &str) -> Result<(), StoreFault>;

    /// Lets go of a shard; its copy stays on disk for a quick return.
    fn close(&mut self, shard: Shard);
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A key and its new value; no value: delete.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// Puts and deletes of one shard, applied in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub writes: Vec<Write>,
}

/// Whether an earlier copy was found usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Kept,
    Empty,
}

/// A failure of the local disk, in words for an operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub struct StoreFault {
    pub what: String,
}

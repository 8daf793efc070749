//! What can go wrong with the log on disk, in words for an operator.
//! Not here: what follows from it.

use crate::ports::LogFault;
use std::io;
use std::path::Path;
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EmbeddedFault {
    #[error("{dir} is in use by {owner}; stop it or give this one its own log.dir")]
    InUse { dir: String, owner: String },
    #[error("the log in {dir} has {stored} shards and {wanted} are configured; set kafka.partitions = {stored}")]
    OtherShards { dir: String, stored: u32, wanted: u32 },
    #[error("a log needs between 1 and 10,000 shards, not {0}; set kafka.partitions")]
    ShardCount(u32),
    #[error("the log in {dir} is of format {format}, written by another version; run that version")]
    Format { dir: String, format: u8 },
    /// Never repaired by dropping anything: this log is the only one there is.
    #[error("the log in {dir} is damaged: {what}; stop, keep the files and restore them from a backup")]
    Damaged { dir: String, what: String },
    #[error("cannot {doing} in {dir}: {what}; check the disk, its free space and permissions, then start again")]
    Disk { doing: &'static str, dir: String, what: String },
    #[error("a message of {size} bytes is over the limit of {limit}; make it smaller")]
    TooLarge { size: usize, limit: usize },
    #[error("shard {0} does not exist in this log; report this as a bug")]
    NoSuchShard(u32),
    #[error("offset {offset} is not in the log, which holds {start} to {end}; choose one of these")]
    NotInLog { offset: u64, start: u64, end: u64 },
    #[error("too much is waiting to be written; try again in a moment")]
    Saturated,
    #[error("the log is closed; start sluicegate again")]
    Closed,
}

impl EmbeddedFault {
    pub(super) fn disk(doing: &'static str, dir: &Path, what: impl ToString) -> Self {
        Self::Disk { doing, dir: dir.display().to_string(), what: what.to_string() }
    }

    pub(super) fn io(doing: &'static str, dir: &Path, error: &io::Error) -> Self {
        Self::disk(doing, dir, error)
    }

    pub(super) fn damaged(dir: &Path, what: impl ToString) -> Self {
        Self::Damaged { dir: dir.display().to_string(), what: what.to_string() }
    }
}

impl From<&EmbeddedFault> for LogFault {
    fn from(fault: &EmbeddedFault) -> Self {
        Self { what: fault.to_string() }
    }
}

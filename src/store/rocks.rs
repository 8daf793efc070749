//! `Store` on RocksDB: a copy per shard in its own column family, so that it is opened, read and dropped as one.
//! Not here: opening the database (`directory`), what makes a copy useless (`copy`).

use super::copy::{LABEL_KEY, Label, Unusable};
use super::directory;
use super::fault::from_rocksdb;
use super::lock::DirectoryLock;
use super::tuning::Tuning;
use crate::model::{Millis, Shard};
use crate::ports::{Batch, LogIdentity, Opened, Store, StoreFault};
use rocksdb::{ColumnFamily, DB, FlushOptions, IteratorMode, PrefixRange, ReadOptions, WriteBatch};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tracing::{info, warn};

const COLUMN_PREFIX: &str = "shard-";

/// The local store of one process. Its methods block for local disk only.
pub struct RocksStore {
    pub(super) database: DB,
    tuning: Tuning,
    /// All columns of the database, those of shards that are not open included.
    columns: BTreeSet<String>,
    open: BTreeMap<Shard, Copy>,
    /// Last, so that it is let go of after the database is closed.
    _lock: DirectoryLock,
}

/// An open copy.
struct Copy {
    column: String,
    label: Label,
}

impl RocksStore {
    /// Opens the store below `dir` (`state.dir`), which is made if it is missing. A damaged database is set aside and
    /// an empty one opened. Idempotency keys that succeeded longer than `remembered` ago go by and by. Blocks for the
    /// disk.
    ///
    /// # Errors
    /// Another process uses `dir`; the disk is full, read-only or failing.
    pub fn start(dir: &Path, remembered: Duration) -> Result<Self, StoreFault> {
        let lock = DirectoryLock::take(dir)?;
        let tuning = Tuning::new(remembered);
        let (database, columns) = directory::open(dir, &tuning)?;
        Ok(Self { database, tuning, columns: columns.into_iter().collect(), open: BTreeMap::new(), _lock: lock })
    }

    fn column(&self, shard: Shard) -> Result<&ColumnFamily, StoreFault> {
        let copy = self.open.get(&shard).ok_or_else(|| not_open(shard))?;
        self.database.cf_handle(&copy.column).ok_or_else(|| not_open(shard))
    }

    /// The label of the copy on disk; none if there is no copy or nothing in it.
    fn label(&self, column: &str) -> Result<Option<Label>, Unusable> {
        let Some(column) = self.database.cf_handle(column) else { return Ok(None) };
        let damaged = |error: rocksdb::Error| Unusable::Damaged(error.into_string());
        if let Some(bytes) = self.database.get_pinned_cf(column, LABEL_KEY).map_err(damaged)? {
            return Label::decode(&bytes).map(Some);
        }
        match self.database.iterator_cf(column, IteratorMode::Start).next() {
            None => Ok(None),
            Some(Ok(_)) => Err(Unusable::Damaged("its label is missing".to_owned())),
            Some(Err(error)) => Err(damaged(error)),
        }
    }

    /// Replaces what there is of the copy by an empty one with this label.
    fn begin(&mut self, shard: Shard, label: Label) -> Result<(), StoreFault> {
        let column = column_name(shard);
        let failed = |error: rocksdb::Error| from_rocksdb("cannot make an empty local copy", &error);
        self.open.remove(&shard);
        if self.columns.remove(&column) {
            self.database.drop_cf(&column).map_err(failed)?;
        }
        self.database.create_cf(&column, &self.tuning.copy()).map_err(failed)?;
        self.columns.insert(column.clone());
        self.open.insert(shard, Copy { column, label });
        self.write_label(shard)
    }

    fn write_label(&self, shard: Shard) -> Result<(), StoreFault> {
        let copy = self.open.get(&shard).ok_or_else(|| not_open(shard))?;
        let mut batch = WriteBatch::default();
        batch.put_cf(self.column(shard)?, LABEL_KEY, copy.label.encode());
        self.database.write_without_wal(batch).map_err(|error| from_rocksdb("cannot write the local copy", &error))
    }

    /// Copies of shards that have long been somebody else's would otherwise fill the disk for ever.
    fn drop_forgotten(&mut self, opening: &str, now: Millis) {
        let is_open = |name: &str| name == opening || self.open.values().any(|it| it.column == name);
        let others = self.columns.iter().filter(|it| it.starts_with(COLUMN_PREFIX) && !is_open(it));
        let is_stale = |name: &str| matches!(self.label(name), Ok(Some(label)) if label.is_stale(now));
        let forgotten: Vec<String> = others.filter(|it| is_stale(it)).cloned().collect();
        for name in forgotten {
            self.columns.remove(&name);
            match self.database.drop_cf(&name) {
                Ok(()) => info!(copy = name, "stale local copy of a shard that is not open dropped"),
                Err(error) => warn!(copy = name, %error, "stale local copy cannot be dropped"),
            }
        }
    }
}

impl Store for RocksStore {
    fn open(&mut self, shard: Shard, identity: &LogIdentity, now: Millis) -> Result<Opened, StoreFault> {
        let column = column_name(shard);
        self.drop_forgotten(&column, now);
        let found = self.label(&column).and_then(|label| match label {
            Some(label) => label.judge(identity, now).map(|()| Some(label)),
            None => Ok(None),
        });
        match found {
            Ok(Some(label)) => {
                self.open.insert(shard, Copy { column, label });
                return Ok(Opened::Kept);
            }
            Ok(None) => {}
            Err(why) => warn!(shard = shard.0, %why, "local copy set aside, the shard is rebuilt from the log"),
        }
        self.begin(shard, Label { identity: identity.clone(), current: now })?;
        Ok(Opened::Empty)
    }

    fn get(&self, shard: Shard, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreFault> {
        let column = self.column(shard)?;
        let found = self.database.batched_multi_get_cf(column, keys, false);
        let values = found.into_iter().zip(keys).map(|(value, key)| match value {
            Ok(Some(bytes)) if key.as_slice() != LABEL_KEY => Ok(Some(bytes.to_vec())),
            Ok(_) => Ok(None),
            Err(error) => Err(from_rocksdb("cannot read the local copy", &error)),
        });
        values.collect()
    }

    fn scan(
        &self,
        shard: Shard,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreFault> {
        let column = self.column(shard)?;
        // The empty key is the label's: the first key of the core is at or after a single zero byte.
        let first = prefix.max(from).max([0].as_slice());
        let mut options = ReadOptions::default();
        options.set_iterate_range(PrefixRange(prefix));
        let mut pairs = Vec::new();
        let mut cursor = self.database.raw_iterator_cf_opt(column, options);
        cursor.seek(first);
        while pairs.len() < limit {
            let Some((key, value)) = cursor.item() else { break };
            pairs.push((key.to_vec(), value.to_vec()));
            // Not one step further than asked: behind the last pair may lie a field of tombstones.
            if pairs.len() < limit {
                cursor.next();
            }
        }
        cursor.status().map_err(|error| from_rocksdb("cannot read the local copy", &error))?;
        Ok(pairs)
    }

    fn write(&mut self, shard: Shard, batch: Batch) -> Result<(), StoreFault> {
        let column = self.column(shard)?;
        let mut writes = WriteBatch::default();
        for (key, value) in batch.writes {
            if key.as_slice() == LABEL_KEY {
                return Err(StoreFault { what: "a record with an empty key; report this as a bug".to_owned() });
            }
            match value {
                Some(value) => writes.put_cf(column, key, value),
                None => writes.delete_cf(column, key),
            }
        }
        self.database.write_without_wal(writes).map_err(|error| from_rocksdb("cannot write the local copy", &error))
    }

    fn note_current(&mut self, shard: Shard, now: Millis) -> Result<(), StoreFault> {
        let copy = self.open.get_mut(&shard).ok_or_else(|| not_open(shard))?;
        copy.label.current = now;
        self.write_label(shard)?;
        let flushed = self.database.flush_cf(self.column(shard)?);
        flushed.map_err(|error| from_rocksdb("cannot flush the local copy", &error))
    }

    fn set_aside(&mut self, shard: Shard, why: &str) -> Result<(), StoreFault> {
        let label = self.open.get(&shard).ok_or_else(|| not_open(shard))?.label.clone();
        warn!(shard = shard.0, why, "local copy set aside, the shard is rebuilt from the log");
        self.begin(shard, label)
    }

    fn close(&mut self, shard: Shard) {
        let Ok(column) = self.column(shard) else { return };
        let mut options = FlushOptions::default();
        options.set_wait(false);
        if let Err(error) = self.database.flush_cf_opt(column, &options) {
            warn!(shard = shard.0, %error, "local copy let go of without a flush");
        }
        self.open.remove(&shard);
    }
}

fn column_name(shard: Shard) -> String {
    format!("{COLUMN_PREFIX}{shard}")
}

fn not_open(shard: Shard) -> StoreFault {
    StoreFault { what: format!("the local copy of shard {shard} is not open; report this as a bug") }
}

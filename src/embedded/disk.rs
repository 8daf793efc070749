//! The database of the log: opening it under an exclusive lock, reading ranges of messages, writing batches durably.
//! Not here: what is written when (`writer`, `janitor`).

use super::bounds::{Bounds, Partition};
use super::frame::{self, Framed};
use super::{EmbeddedFault, key};
use crate::model::{Offset, Shard, Topic};
use bytes::Bytes;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, ErrorKind,
    LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

const FORMAT: u8 = 1;
/// The messages; the default column holds what the log knows about itself.
const MESSAGES: &str = "messages";
/// Holds the id of the process that has the directory open.
const OWNER: &str = "owner.pid";

/// An open log. Shared by its threads; RocksDB does the locking.
pub(super) struct Disk {
    pub(super) database: DB,
    pub(super) dir: PathBuf,
    /// Drawn when the log was made; tells it from every other.
    pub(super) identity: String,
    pub(super) shards: u32,
}

/// One stretch of a partition.
pub(super) struct Stretch {
    pub(super) messages: Vec<(Offset, Framed)>,
    /// The next offset to look at.
    pub(super) position: Offset,
}

/// What to read at most; the first message is read whatever its size.
#[derive(Clone, Copy)]
pub(super) struct Portion {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Disk {
    /// Opens the log in `dir`, or makes one with `shards` shards.
    pub(super) fn open(dir: &Path, shards: u32) -> Result<Self, EmbeddedFault> {
        fs::create_dir_all(dir).map_err(|error| EmbeddedFault::io("make the log", dir, &error))?;
        if !dir.join("CURRENT").exists() && has_data(dir) {
            return Err(EmbeddedFault::damaged(dir, "its file CURRENT is missing"));
        }
        let options = database_options();
        let columns = [rocksdb::DEFAULT_COLUMN_FAMILY_NAME, MESSAGES];
        let columns = columns.map(|name| ColumnFamilyDescriptor::new(name, column_options()));
        let database = DB::open_cf_descriptors(&options, dir, columns).map_err(|error| cannot_open(dir, &error))?;
        fs::write(dir.join(OWNER), std::process::id().to_string())
            .map_err(|error| EmbeddedFault::io("sign the log", dir, &error))?;
        let mut disk = Self { database, dir: dir.to_owned(), identity: String::new(), shards };
        disk.found(shards)?;
        Ok(disk)
    }

    /// Reads what the log says of itself, or writes it if it is new.
    fn found(&mut self, wanted: u32) -> Result<(), EmbeddedFault> {
        let Some(format) = self.fact(key::FORMAT)? else { return self.make(wanted) };
        if format != [FORMAT] {
            let format = format.first().copied().unwrap_or_default();
            return Err(EmbeddedFault::Format { dir: self.dir.display().to_string(), format });
        }
        let shards = self.fact(key::SHARDS)?.and_then(|it| Some(u32::from_be_bytes(it.try_into().ok()?)));
        let stored = shards.ok_or_else(|| self.damaged("its number of shards cannot be read"))?;
        if stored != wanted {
            return Err(EmbeddedFault::OtherShards { dir: self.dir.display().to_string(), stored, wanted });
        }
        let identity = self.fact(key::IDENTITY)?.and_then(|it| String::from_utf8(it).ok());
        self.identity = identity.ok_or_else(|| self.damaged("its identity cannot be read"))?;
        Ok(())
    }

    fn make(&mut self, shards: u32) -> Result<(), EmbeddedFault> {
        if self.database.iterator_cf(self.messages()?, rocksdb::IteratorMode::Start).next().is_some() {
            return Err(self.damaged("it has messages and no format"));
        }
        self.identity = format!("embedded-{:032x}", rand::random::<u128>());
        let mut batch = WriteBatch::default();
        batch.put(key::FORMAT, [FORMAT]);
        batch.put(key::SHARDS, shards.to_be_bytes());
        batch.put(key::IDENTITY, &self.identity);
        self.write(batch, true)
    }

    /// What the log knows under one of its own keys.
    pub(super) fn fact(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EmbeddedFault> {
        self.database.get(key).map_err(|error| self.failed("read", &error))
    }

    /// Where every partition stands.
    pub(super) fn bounds(&self) -> Result<Bounds, EmbeddedFault> {
        let mut bounds = Bounds::default();
        for shard in (0..self.shards).map(Shard) {
            for topic in Topic::ALL {
                let partition: Partition = (topic, shard);
                bounds.starts.extend(self.offset(&key::start(topic, shard))?.map(|it| (partition, it)));
                bounds.ends.extend(self.offset(&key::end(topic, shard))?.map(|it| (partition, it)));
            }
            bounds.groups.extend(self.offset(&key::group(shard))?.map(|it| (shard, it)));
        }
        Ok(bounds)
    }

    fn offset(&self, key: &[u8]) -> Result<Option<Offset>, EmbeddedFault> {
        let Some(bytes) = self.fact(key)? else { return Ok(None) };
        let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| self.damaged("an offset cannot be read"))?;
        Ok(Some(Offset(u64::from_be_bytes(bytes))))
    }

    /// Messages of a partition in `[from, to)`, at most a portion of them.
    pub(super) fn read(
        &self,
        (topic, shard): Partition,
        from: Offset,
        to: Offset,
        portion: Portion,
    ) -> Result<Stretch, EmbeddedFault> {
        let mut messages = Vec::new();
        let mut position = to.max(from);
        let mut left = portion.bytes;
        self.walk((topic, shard), from, to, |offset, size, framed| {
            if messages.len() >= portion.messages || (!messages.is_empty() && size > left) {
                position = offset;
                return false;
            }
            left = left.saturating_sub(size);
            messages.push((offset, framed));
            true
        })?;
        Ok(Stretch { messages, position })
    }

    /// Shows the messages of a partition in `[from, to)` with their bytes on disk, until `each` says `false`.
    pub(super) fn walk(
        &self,
        (topic, shard): Partition,
        from: Offset,
        to: Offset,
        mut each: impl FnMut(Offset, usize, Framed) -> bool,
    ) -> Result<(), EmbeddedFault> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(key::message(topic, shard, to));
        let mut cursor = self.database.raw_iterator_cf_opt(self.messages()?, options);
        cursor.seek(key::message(topic, shard, from));
        while let Some((key, value)) = cursor.item() {
            let framed = key::offset(key).zip(frame::decode(Bytes::copy_from_slice(value)));
            let Some((offset, framed)) = framed else {
                let what = format!("a message of {}[{shard}] cannot be read", topic.suffix());
                return Err(self.damaged(what));
            };
            if !each(offset, value.len(), framed) {
                return Ok(());
            }
            cursor.next();
        }
        cursor.status().map_err(|error| self.failed("read", &error))
    }

    /// Writes a batch whole or not at all; with `sync` it is on disk when this returns.
    pub(super) fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), EmbeddedFault> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.database.write_opt(batch, &options).map_err(|error| self.failed("write", &error))
    }

    pub(super) fn messages(&self) -> Result<&ColumnFamily, EmbeddedFault> {
        self.database.cf_handle(MESSAGES).ok_or_else(|| self.damaged("it has no messages column"))
    }

    /// Gives the disk back what was deleted below `to`.
    pub(super) fn reclaim(&self, (topic, shard): Partition, to: Offset) -> Result<(), EmbeddedFault> {
        let (first, last) = (key::message(topic, shard, Offset(0)), key::message(topic, shard, to));
        let messages = self.messages()?;
        self.database.delete_file_in_range_cf(messages, first, last).map_err(|error| self.failed("delete", &error))?;
        let mut options = rocksdb::CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        self.database.compact_range_cf_opt(messages, Some(first), Some(last), &options);
        Ok(())
    }

    /// Roughly how many bytes the flushed messages in `[from, to)` take.
    pub(super) fn size(&self, (topic, shard): Partition, from: Offset, to: Offset) -> Result<u64, EmbeddedFault> {
        let (from, to) = (key::message(topic, shard, from), key::message(topic, shard, to));
        let sizes = self.database.get_approximate_sizes_cf(self.messages()?, &[rocksdb::Range::new(&from, &to)]);
        Ok(sizes.first().copied().unwrap_or_default())
    }

    pub(super) fn io(&self, doing: &'static str, error: &std::io::Error) -> EmbeddedFault {
        EmbeddedFault::io(doing, &self.dir, error)
    }

    pub(super) fn damaged(&self, what: impl ToString) -> EmbeddedFault {
        EmbeddedFault::damaged(&self.dir, what)
    }

    fn failed(&self, doing: &'static str, error: &rocksdb::Error) -> EmbeddedFault {
        match error.kind() {
            ErrorKind::Corruption => self.damaged(error),
            _ => EmbeddedFault::disk(doing, &self.dir, error),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A name left behind is harmless: it is only shown while somebody holds the lock.
        fs::remove_file(self.dir.join(OWNER)).ok();
    }
}

fn cannot_open(dir: &Path, error: &rocksdb::Error) -> EmbeddedFault {
    let text = error.as_ref();
    if error.kind() == ErrorKind::IOError && text.contains("LOCK") {
        let owner = fs::read_to_string(dir.join(OWNER))
            .map_or_else(|_| "another process".to_owned(), |it| format!("process {it}"));
        return EmbeddedFault::InUse { dir: dir.display().to_string(), owner };
    }
    let missing = text.contains("No such file or directory");
    if error.kind() == ErrorKind::IOError && !missing {
        return EmbeddedFault::disk("open the log", dir, error);
    }
    EmbeddedFault::damaged(dir, error)
}

fn has_data(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    let is_data = |path: PathBuf| path.extension().is_some_and(|it| it == OsStr::new("sst") || it == OsStr::new("log"));
    entries.flatten().any(|it| is_data(it.path()))
}

fn database_options() -> Options {
    let mut options = column_options();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // A torn last write was never acknowledged; damage before it must not pass for one.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_max_total_wal_size(64 << 20);
    options.set_max_background_jobs(2);
    options.set_max_open_files(256);
    options.set_stats_dump_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(1 << 20);
    options.set_keep_log_file_num(2);
    options
}

fn column_options() -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_format_version(5);
    table.set_block_size(16 << 10);
    table.set_block_cache(&Cache::new_lru_cache(8 << 20));
    table.set_cache_index_and_filter_blocks(true);
    let mut options = Options::default();
    options.set_write_buffer_size(16 << 20);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_block_based_table_factory(&table);
    options
}

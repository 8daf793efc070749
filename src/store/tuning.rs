//! How RocksDB is set up: memory bounded for all shards together, made for point reads, most of them misses.
//! Not here: durability; there is no WAL and nothing is synced.
//!
//! Budget: the whole process stays below 200 MB with a million waiting deliveries (DESIGN §7). All blocks, filters,
//! indexes and write buffers of all shards share one cache; what the buffers do not need is the blocks'.

use super::expiry::Expiry;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options, WriteBufferManager,
};

const CACHE_BYTES: usize = 40 << 20;
/// Of the cache, at most.
const BUFFERS_BYTES: usize = 20 << 20;
const BUFFER_BYTES: usize = 8 << 20;
/// Memory is taken from the buffers' budget in pieces of this size: small, because every shard has a buffer.
const ARENA_BYTES: usize = 256 << 10;

use std::time::Duration;

/// The parts that all shards share.
pub(super) struct Tuning {
    cache: Cache,
    buffers: WriteBufferManager,
    /// How long an idempotency key is remembered.
    remembered: Duration,
}

impl Tuning {
    pub(super) fn new(remembered: Duration) -> Self {
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(BUFFERS_BYTES, false, cache.clone());
        Self { cache, buffers, remembered }
    }

    /// Options of the database as a whole.
    pub(super) fn database(&self) -> Options {
        let mut options = self.copy();
        options.create_if_missing(true);
        options.set_write_buffer_manager(&self.buffers);
        options.set_max_background_jobs(2);
        options.set_max_open_files(512);
        options.set_stats_dump_period_sec(0);
        options.set_log_level(LogLevel::Warn);
        options.set_max_log_file_size(1 << 20);
        options.set_keep_log_file_num(2);
        options
    }

    /// Options of the copy of one shard.
    pub(super) fn copy(&self) -> Options {
        let mut options = Options::default();
        options.set_write_buffer_size(BUFFER_BYTES);
        options.set_max_write_buffer_number(3);
        options.set_arena_block_size(ARENA_BYTES);
        options.set_memtable_whole_key_filtering(true);
        options.set_memtable_prefix_bloom_ratio(0.02);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_bottommost_compression_type(DBCompressionType::Lz4);
        // Queues and timers are deleted from the front: files full of tombstones are compacted soon.
        options.add_compact_on_deletion_collector_factory(4096, 1024, 0.5);
        options.set_compaction_filter_factory(Expiry { remembered: self.remembered });
        options.set_block_based_table_factory(&self.table());
        options
    }

    /// Filters and indexes are partitioned, so that ten million entries need no more memory than one million.
    fn table(&self) -> BlockBasedOptions {
        let mut table = BlockBasedOptions::default();
        table.set_format_version(5);
        table.set_block_size(8 << 10);
        table.set_block_cache(&self.cache);
        table.set_bloom_filter(10.0, false);
        table.set_whole_key_filtering(true);
        table.set_optimize_filters_for_memory(true);
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_partition_filters(true);
        table.set_metadata_block_size(4 << 10);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_top_level_index_and_filter(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table
    }
}

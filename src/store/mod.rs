//! The local store on RocksDB: one column family per shard, no WAL, rebuilt from the log when in doubt.
//! Not here: what keys mean.

//! The log on one node's disk: the same port on RocksDB with WAL and fsync.
//! Not here: what the messages mean.

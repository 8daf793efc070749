//! The local store on RocksDB: one column family per shard, no WAL, rebuilt from the log when in doubt.
//! Not here: what keys mean (`wire`), when a copy is noted as current (`engine`).
//!
//! In `state.dir`: `owner.lock` (one process at a time) and `store/` (the database); a database that cannot be
//! opened is set aside as `store.damaged-<n>`, the newest two are kept for whoever wants to know why.

mod copy;
mod directory;
mod expiry;
mod fault;
mod lock;
mod rocks;
mod tuning;

#[cfg(test)]
mod tests;

pub use rocks::RocksStore;

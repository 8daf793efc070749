//! The log on one node's disk: the same port on RocksDB with WAL and fsync.
//! Not here: what the messages mean, the partitioner (handed in), the local store.
//!
//! Three threads: the *writer* makes commits and appends durable, many at a time with one fsync; the *courier*
//! reads and delivers messages; the *janitor* deletes what has served its time. `board` is what they share.

mod board;
mod bounds;
mod clean;
mod courier;
mod disk;
mod fault;
mod frame;
mod janitor;
mod key;
mod node;
mod page;
mod producer;
mod reader;
mod retain;
mod writer;

#[cfg(test)]
mod tests;

pub use fault::EmbeddedFault;
pub use node::{EmbeddedLog, Partitioner, Settings};
pub use producer::{NewJob, Producer};
pub use reader::Reader;
pub use retain::Retention;

//! Wiring: settings become adapters, adapters an engine, and the engine gets its faces.
//! Not here: any decision. The only module that knows every adapter.

#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod alarms;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod clock;
mod commands;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod demo;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod enqueue;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod inbox;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod instance;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod jobs;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod life;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod pause;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod reload;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod run;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod seen;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod status;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod topics;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod tuning;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod watch;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod world;

pub use commands::main;

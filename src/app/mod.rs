//! Wiring: settings become adapters, adapters an engine, and the engine gets its faces.
//! Not here: any decision. The only module that knows every adapter.

mod clock;
mod commands;
#[cfg(feature = "rocksdb")]
mod demo;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod enqueue;
mod instance;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod jobs;
mod life;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod run;
mod seen;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod status;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod topics;
mod tuning;
#[cfg(all(feature = "kafka", feature = "rocksdb"))]
mod world;

use clock::Clock;
pub use commands::main;

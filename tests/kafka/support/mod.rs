//! What the tests stand on: a broker, a world of topics, an instance of the log, a proxy that swallows.
//! Not here: any expectation.

pub mod broker;
mod container;
mod instance;
mod jars;
mod proxy;
mod world;

pub use instance::Instance;
pub use proxy::{Proxy, Swallow};
pub use world::{RawTransaction, World, commit_of, message, outgoing, settings};

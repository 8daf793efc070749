//! What the tests stand on: a broker, a world of topics, an instance of the log, a proxy that swallows.
//! Not here: any expectation.

pub(crate) mod broker;
mod container;
mod instance;
mod jars;
mod proxy;
mod world;

pub(crate) use instance::Instance;
pub(crate) use proxy::{Proxy, Swallow};
pub(crate) use world::{RawTransaction, World, commit_of, message, outgoing, settings};

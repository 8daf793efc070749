//! Text -> validated settings; every fault at once, with its line and a hint.
//! Not here: opening files (the caller hands over their text), resolving secrets (`credentials`).
//!
//! `defaults.toml` is the reference of all settings, and where the defaults are read from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
mod alerts;
mod connection;
mod crm;
mod document;
mod env;
mod fault;
mod hold;
mod http;
mod kafka;
mod limits;
mod log;
mod parse;
mod properties;
mod retry;
mod secret;
mod section;
mod settings;
mod similar;
mod source;
mod span;
mod state;
mod tenant;
#[cfg(test)]
mod tests;
mod value;

pub use env::{Env, Given, NoEnv, variable};
pub use fault::{Fault, Faults, Place};
pub use parse::{parse, tenants_folder};
pub use settings::{
    AlertSettings, ConnectionSettings, HoldSettings, HttpSettings, KafkaSettings, LogKind, LogSettings, PropertyValue,
    RetrySettings, SecretSource, Settings, StateSettings,
};
pub use source::SourceText;
pub use span::show as show_span;

/// The reference of all settings with their defaults: what `sluicegate.toml` may hold.
pub const DEFAULTS: &str = include_str!("defaults.toml");

//! A pretend HubSpot: many accounts behind one address, one per access token, each with limits, faults and a ledger.
//! Not here: how Sluicegate talks to HubSpot (`crm`); this is the other side, written from HubSpot's documents alone.
//!
//! Demo, tests and benchmarks start it with [`Server::start`] in their own process or with [`serve_blocking`] in
//! another, steer it through [`Accounts`] or the same as JSON under `/_control/` (see `control.rs`), and ask the
//! ledger what really happened to each record.

mod account;
mod accounts;
mod answer;
mod archive;
mod batch;
mod clock;
mod control;
mod faults;
mod ledger;
mod limits;
mod line;
mod properties;
mod read;
mod request;
mod row;
mod search;
mod server;
mod settings;
mod store;
mod write;

#[cfg(test)]
mod tests;

pub use accounts::Accounts;
pub use faults::{Fault, FaultRule, Script, ScriptedAnswer};
pub use ledger::{AccountLedger, CallEntry, Summary, Totals};
pub use limits::Policy;
pub use request::Operation;
pub use row::{Attempt, Effect, EffectKind, RecordLedger};
pub use server::{Running, Serve, Server, serve_blocking};
pub use settings::{Latency, Limits, Recording, Settings};

//! A pretend HubSpot: many accounts behind one address, one per access token, each with limits, faults and a ledger.
//! Not here: how Sluicegate talks to HubSpot (`crm`); this is the other side, written from HubSpot's documents alone.
//!
//! Demo, tests and benchmarks start it with [`Server::start`] in their own process or with [`serve_blocking`] in
//! another, steer it through [`Accounts`] or the same as JSON under `/_control/` (see `simulated/control.rs`), and ask the
//! ledger what really happened to each record.

mod answer;
mod archive;
mod batch;
mod limits;
mod properties;
mod read;
mod request;
mod rules;
mod search;
mod settings;
mod store;
mod write;

#[cfg(test)]
mod tests;

pub use crate::simulated::{
    faults::{Fault, FaultRule, Script, ScriptedAnswer},
    ledger::{AccountLedger, CallEntry, Summary, Totals},
    row::{Attempt, Effect, EffectKind, RecordLedger},
    server::serve_blocking,
    settings::{Latency, Recording},
    words::{Operation, Policy},
};
pub use rules::HubSpot;
pub use settings::{Limits, Settings};

pub type Accounts = crate::simulated::accounts::Accounts<HubSpot>;
pub type Running = crate::simulated::server::Running<HubSpot>;
pub type Serve = crate::simulated::server::Serve<HubSpot>;
pub type Server = crate::simulated::server::Server<HubSpot>;
type State = crate::simulated::account::State<HubSpot>;

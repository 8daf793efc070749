//! A pretend Salesforce: many orgs behind one address, one per access token, each with limits, faults and a ledger.
//! Not here: how Sluicegate talks to Salesforce (`crm`); this is the other side, written from Salesforce's documents
//! and from answers that others recorded.
//!
//! It has collections (create, upsert by an external-ID field, delete), reading by external ID, and the one kind of
//! query that looks up keys: `SELECT … FROM … WHERE field IN ('…')`. Related records are kept as they were given.
//! It is started, steered and questioned as the pretend HubSpot is (`simulated/control.rs`).

mod answer;
mod delete;
mod limits;
mod read;
mod request;
mod rules;
mod settings;
mod soql;
mod store;
mod write;

#[cfg(test)]
mod tests;

pub use rules::Salesforce;
pub use settings::{Limits, Settings};

pub type Accounts = crate::simulated::accounts::Accounts<Salesforce>;
pub type Running = crate::simulated::server::Running<Salesforce>;
pub type Serve = crate::simulated::server::Serve<Salesforce>;
pub type Server = crate::simulated::server::Server<Salesforce>;
type State = crate::simulated::account::State<Salesforce>;
pub use crate::simulated::server::serve_blocking;

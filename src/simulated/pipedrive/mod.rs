//! A pretend Pipedrive: many companies behind one address, one per access token, each with limits, faults and a ledger.
//! Not here: how Sluicegate talks to Pipedrive (`crm`); this is the other side, written from Pipedrive's documents and
//! from answers that others recorded.
//!
//! It has persons, organizations, deals and activities (v2) and leads (v1): created, read, changed and deleted one by one,
//! and searched by a custom field, which shows what was a while ago. No value is unique: what is created twice is there
//! twice, and [`Totals`](super::hubspot::Totals) counts it (`doubles`). Custom fields have keys that differ by account.
//! It is started, steered and questioned as the pretend HubSpot is (`simulated/control.rs`).

mod answer;
mod fields;
mod limits;
mod read;
mod request;
mod rules;
mod settings;
mod store;
mod write;

#[cfg(test)]
mod tests;

pub use crate::simulated::settings::Latency;
pub use rules::Pipedrive;
pub use settings::{Limits, Settings};

pub type Accounts = crate::simulated::accounts::Accounts<Pipedrive>;
pub type Running = crate::simulated::server::Running<Pipedrive>;
pub type Serve = crate::simulated::server::Serve<Pipedrive>;
pub type Server = crate::simulated::server::Server<Pipedrive>;
type State = crate::simulated::account::State<Pipedrive>;
pub use crate::simulated::server::serve_blocking;

//! A pretend Zoho CRM: many organisations behind one address, one per access token, each with limits, faults and a ledger.
//! Not here: how Sluicegate talks to Zoho (`crm`); this is the other side, written from Zoho's documents and from answers
//! that others recorded.
//!
//! It has upserts by `duplicate_check_fields`, creating, deleting by record id or by `X-EXTERNAL`, reading by either, and
//! the token endpoint of the accounts server, `/oauth/v2/token`. Lookups and subforms are kept as they were given.
//! It is started, steered and questioned as the pretend HubSpot is (`simulated/control.rs`).

mod answer;
mod delete;
mod limits;
mod matching;
mod read;
mod request;
mod rules;
mod settings;
mod store;
mod token;
mod write;

#[cfg(test)]
mod tests;

pub use crate::simulated::{
    grants::{Grant, TokenRules},
    server::serve_blocking,
};
pub use rules::Zoho;
pub use settings::{Limits, Settings};

pub type Accounts = crate::simulated::accounts::Accounts<Zoho>;
pub type Running = crate::simulated::server::Running<Zoho>;
pub type Serve = crate::simulated::server::Serve<Zoho>;
pub type Server = crate::simulated::server::Server<Zoho>;
type State = crate::simulated::account::State<Zoho>;

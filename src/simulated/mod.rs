//! Pretend CRMs: real HTTP servers with the limits, lags and faults of the real ones, that count what happened.
//! Not here: anything of `crm`: written from the CRMs' documents, so that a shared mistake cannot hide.
//!
//! A folder holds one CRM's rules (`pretend::Pretend`); what stands beside the folders serves all of them.

mod account;
mod accounts;
mod answer;
mod bomb;
mod clock;
mod control;
mod faults;
mod grants;
pub mod hubspot;
mod ledger;
mod line;
pub mod pipedrive;
mod pretend;
mod query;
mod rolling;
mod row;
pub mod salesforce;
mod server;
mod settings;
mod words;
pub mod zoho;

pub use accounts::Accounts;
pub use ledger::Totals;
pub use pretend::Pretend;
pub use server::{Running, Serve, Server, serve_blocking};
pub use words::Operation;

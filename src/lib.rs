//! Sluicegate applies business events from Kafka to customers' CRMs: at the rate each CRM allows, once per event,
//! in order per record, nothing lost, everything visible.
//! Not here: any code; this page is the map.
//!
//! The house, floor by floor; a module names only lower floors (`tests/tidy.rs` holds the table):
//!
//! | floor | modules | |
//! | --- | --- | --- |
//! | 0 words | `model` `fail_points` | passive data · where a test may end the process |
//! | 1 rules | `machine` `alerts` · `wire` `config` `telemetry` | pure decisions · bytes and text to words · names of metrics |
//! | 2 loops | `ports` `engine` | the world as traits · the loop |
//! | 3 world | `kafka` `embedded` `store` `crm` `credentials` `tenants` `simulated` | adapters, blind to one another |
//! | 4 faces | `ops` -> `cli` `web` | what an operator does · how it is typed · how it is served |
//! | – | `app` | wiring: the only module that knows every adapter |

pub mod alerts;
#[cfg(feature = "program")]
pub mod app;
#[cfg(feature = "program")]
pub mod cli;
pub mod config;
#[cfg(feature = "program")]
pub mod credentials;
#[cfg(feature = "program")]
pub mod crm;
#[cfg(feature = "rocksdb")]
pub mod embedded;
pub mod engine;
pub mod fail_points;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod machine;
pub mod model;
#[cfg(feature = "program")]
pub mod ops;
pub mod ports;
#[cfg(feature = "program")]
pub mod simulated;
#[cfg(feature = "rocksdb")]
pub mod store;
#[cfg(feature = "program")]
pub mod telemetry;
#[cfg(feature = "program")]
pub mod tenants;
#[cfg(feature = "program")]
pub mod web;
pub mod wire;

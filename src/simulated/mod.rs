//! Pretend CRMs: real HTTP servers with the limits, lags and faults of the real ones, that count what happened.
//! Not here: anything of `crm`: written from the CRMs' documents, so that a shared mistake cannot hide.

pub mod hubspot;

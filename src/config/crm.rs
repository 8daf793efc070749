//! What a connection of each CRM is when its settings do not say: address, batch size, documented limits.
//! Not here: how a CRM is called.

use crate::config::Limit;
use crate::model::Crm;
use std::time::Duration;

pub(super) struct CrmDefaults {
    pub(super) base_url: &'static str,
    /// The CRM's own property for our external id.
    pub(super) external_id_property: &'static str,
    /// Also the highest that can be set.
    pub(super) batch_max: usize,
    pub(super) limits: [Limit; 2],
}

/// CRMs of the contract that this version does not serve.
pub(super) const NOT_YET: [&str; 4] = ["zoho", "salesforce", "pipedrive", "http"];

pub(super) fn defaults(crm: Crm) -> CrmDefaults {
    match crm {
        // Private app on Free or Starter: the lowest of HubSpot's tiers
        // (https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
        Crm::HubSpot => CrmDefaults {
            base_url: "https://api.hubapi.com",
            external_id_property: "external_id",
            batch_max: 100,
            limits: [
                Limit { calls: 100, per: Duration::from_secs(10) },
                Limit { calls: 250_000, per: Duration::from_secs(86_400) },
            ],
        },
    }
}

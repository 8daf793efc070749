//! What a connection of each CRM is when its settings do not say: address, batch size, documented limits.
//! Not here: how a CRM is called.

use crate::model::{Crm, Key, Keys, Operations, Price, Tariff, Unit, Window, WindowName};
use std::time::Duration;

pub(super) struct CrmDefaults {
    /// None: each account has its own, and the settings must say it.
    pub(super) base_url: Option<&'static str>,
    /// What to write where there is no default.
    pub(super) base_url_hint: &'static str,
    /// The CRM's own property for our external id.
    pub(super) external_id_property: &'static str,
    /// Also the highest that can be set.
    pub(super) batch_max: usize,
    pub(super) limits: Vec<Window>,
    pub(super) tariff: Tariff,
    /// Most calls out at once, where the CRM bounds them.
    pub(super) calls_max: Option<usize>,
    pub(super) keys: Keys,
}

/// CRMs of the contract that this version does not serve.
pub(super) const NOT_YET: [&str; 1] = ["http"];

pub(super) fn defaults(crm: Crm) -> CrmDefaults {
    match crm {
        // Private app on Free or Starter: the lowest of HubSpot's tiers
        // (https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
        Crm::HubSpot => CrmDefaults {
            base_url: Some("https://api.hubapi.com"),
            base_url_hint: "add `base_url = \"https://api.hubapi.com\"`",
            external_id_property: "external_id",
            batch_max: 100,
            // Searches are exempt from the 10 seconds and have a window of their own. The day resets at midnight in
            // the account's time zone, which the API does not tell: it is taken for rolling, unless `resets_at` says.
            limits: vec![
                of(Operations::AllButSearches, Window::rolling(100, Duration::from_secs(10))),
                Window::rolling(250_000, Duration::from_hours(24)),
                of(Operations::Searches, Window::rolling(5, Duration::from_secs(1))),
            ],
            // An archive reads the record ids first.
            tariff: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(0) },
            calls_max: None,
            keys: Keys::UNIQUE,
        },
        // Enterprise and Professional without what each licence adds
        // (https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta). An org with less
        // says so with every answer, and is believed.
        Crm::Salesforce => CrmDefaults {
            base_url: None,
            base_url_hint: "add the org's own, such as `base_url = \"https://acme.my.salesforce.com\"`",
            external_id_property: "External_Id__c",
            batch_max: 200,
            limits: vec![Window::rolling(100_000, Duration::from_hours(24))],
            // An archive queries the record ids first.
            tariff: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(0) },
            // The CRM bounds only calls that run for 20 seconds; ours end after 10.
            calls_max: None,
            keys: Keys::UNIQUE,
        },
        // Credits of Standard and above without what each user adds; calls at once of the Free edition
        // (https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html). An organisation with fewer credits says so
        // once half of them are used, and is believed.
        Crm::Zoho => CrmDefaults {
            base_url: None,
            base_url_hint: "add the `api_domain` of the account's token answer, such as `base_url = \"https://www.zohoapis.eu\"`",
            external_id_property: "External_ID",
            batch_max: 100,
            limits: vec![credits(Window::rolling(50_000, Duration::from_hours(24)))],
            tariff: Tariff {
                upsert: Price { inputs_per_credit: 10, ..Price::calls(1) },
                archive: Price { credits: 1, ..Price::calls(1) },
                search: Price::calls(0),
            },
            calls_max: Some(5),
            keys: Keys::UNIQUE,
        },
        // An API token of the Lite plan with one seat (https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting).
        // A higher plan has more of the 2 seconds and of the day, which `limits` says; less is believed when told.
        Crm::Pipedrive => CrmDefaults {
            base_url: Some("https://api.pipedrive.com"),
            base_url_hint: "add `base_url = \"https://api.pipedrive.com\"`",
            external_id_property: "external_id",
            batch_max: 1,
            // The day resets at midnight of the server, wherever that is: it is taken for rolling.
            limits: vec![
                of(Operations::Searches, Window::rolling(10, Duration::from_secs(2))),
                Window::rolling(20, Duration::from_secs(2)),
                credits(Window::rolling(30_000, Duration::from_hours(24))),
            ],
            // The dearest: a lead is written for 10, a list of fields read for 10; a search is 20, and reading the two
            // records at most that it found.
            tariff: Tariff {
                upsert: Price { credits: 10, ..Price::calls(1) },
                archive: Price { credits: 10, ..Price::calls(1) },
                search: Price { searches: 1, credits: 24, ..Price::calls(2) },
            },
            calls_max: None,
            // Activities have no field of ours.
            keys: Keys { of: &[("call", Key::None), ("activities", Key::None)], others: Key::Searched },
        },
    }
}

fn credits(window: Window) -> Window {
    Window { name: WindowName { unit: Unit::Credits, ..window.name }, ..window }
}

fn of(operations: Operations, window: Window) -> Window {
    Window { name: WindowName { operations, ..window.name }, ..window }
}

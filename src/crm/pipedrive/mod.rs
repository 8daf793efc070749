//! Pipedrive: records created, changed and deleted one by one; found again by their own ids, or by a search.
//! Not here: sending, limits, what follows from a reply.
//!
//! There is no unique field, no upsert, no batch and no idempotency key: a creation that is repeated makes a second
//! record. A call is an activity, not a call log: call logs cannot be changed once they are made, and cost twice as much.

mod exchange;
mod fault;
mod fields;
mod found;
mod reply;
mod request;
mod schema;
mod usage;

use crate::crm::{Access, Connector, Exchange, Fact, Facts, LimitFact, Response};
use crate::model::{Call, Crm, Key, Keys, Operations, Price, Tariff, Usage};
use fields::Fields;
use std::sync::Arc;
use std::time::Duration;

static FACTS: Facts = Facts {
    crm: Crm::Pipedrive,
    base_url: Fact {
        value: Some("https://api.pipedrive.com"),
        source: "API v2 specification, servers; the company's own domain is quicker",
    },
    limits: &[
        Fact {
            value: LimitFact::calls(10, Duration::from_secs(2), Operations::Searches),
            source: "rate limiting guide: the search API, on all plans",
        },
        Fact {
            value: LimitFact::calls(20, Duration::from_secs(2), Operations::All),
            source: "rate limiting guide: an API token of the Lite plan; searches were seen to count too",
        },
        Fact {
            value: LimitFact::credits(30_000, Duration::from_hours(24)),
            source: "rate limiting guide: tokens of a day of the Lite plan with one seat, for the whole company",
        },
    ],
    tariff: Fact {
        value: Tariff {
            upsert: Price { credits: 10, ..Price::calls(1) },
            archive: Price { credits: 10, ..Price::calls(1) },
            search: Price { searches: 1, credits: 24, ..Price::calls(2) },
        },
        source: "x-token-cost in the specifications: 5 per write, 10 for a lead or a list of fields, 20 per search",
    },
    calls_max: Fact { value: None, source: "rate limiting guide: calls per time are bounded, not calls at once" },
    batch_max: Fact { value: 1, source: "API v2 specification: no writes of several records" },
    external_id_property: "external_id",
    keys: Fact {
        value: Keys { of: &[("call", Key::None), ("activities", Key::None)], others: Key::Searched },
        source: "specifications: no unique fields; itemSearch/field knows persons, organizations, deals, leads",
    },
    archive_repeats: Fact { value: true, source: "our own reading: 404 and 410 to a deletion are deleted already" },
};

/// The keys of custom fields, as far as they were looked up.
static FIELDS: Fields = Fields::new();

/// The connector; all it remembers is what custom fields are called.
pub(super) struct Pipedrive;

impl Connector for Pipedrive {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn usage(&self, response: &Response) -> Usage {
        usage::usage(response, false)
    }

    fn exchange(&self, call: Call, access: Arc<Access>) -> Box<dyn Exchange> {
        Box::new(exchange::Single::new(call, access, &FIELDS))
    }
}

#[cfg(test)]
mod tests;

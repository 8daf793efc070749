//! Zoho CRM: upserts by a unique field, and deletes by an external field, through the REST API v8.
//! Not here: sending, limits, what follows from a reply.

mod exchange;
mod fault;
mod items;
mod reply;
mod request;
mod schema;
mod usage;

use crate::crm::{Access, Connector, Exchange, Fact, Facts, LimitFact, Response};
use crate::model::{Call, Crm, Keys, Price, Tariff, Usage};
use std::sync::Arc;
use std::time::Duration;

/// Most records of an upsert or of a delete.
const BATCH_MAX: usize = 100;

static FACTS: Facts = Facts {
    crm: Crm::Zoho,
    base_url: Fact {
        value: None,
        source: "multi-DC guide: requests go to the api_domain of the token answer; an access token is unknown elsewhere",
    },
    limits: &[Fact {
        value: LimitFact::credits(50_000, Duration::from_hours(24)),
        source: "API limits: credits of Standard and above, without what each user adds; rolling; per organisation",
    }],
    tariff: Fact {
        value: Tariff {
            upsert: Price { credits: 0, inputs_per_credit: 10, ..Price::calls(1) },
            archive: ONE_CREDIT,
            search: Price::calls(0),
        },
        source: "API limits: insert, update and upsert cost 1 credit for every 10 records, a delete 1 as most calls do",
    },
    calls_max: Fact {
        value: Some(5),
        source: "API limits: at once per organisation and application 5 (Free) to 25, of heavy calls 10; 5 fits them all",
    },
    batch_max: Fact { value: BATCH_MAX, source: "upsert guide and delete guide: at most 100 records per call" },
    external_id_property: "External_ID",
    keys: Fact {
        value: Keys::UNIQUE,
        source: "upsert guide: a repeat finds the record by duplicate_check_fields and updates it",
    },
    archive_repeats: Fact {
        value: true,
        source: "delete by external ID guide: an ID that no record has is INVALID_DATA of its own row, so gone already",
    },
};

const ONE_CREDIT: Price = Price { credits: 1, ..Price::calls(1) };

/// The connector; it has no state.
pub(super) struct Zoho;

impl Connector for Zoho {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn usage(&self, response: &Response) -> Usage {
        usage::usage(response)
    }

    fn exchange(&self, call: Call, access: Arc<Access>) -> Box<dyn Exchange> {
        Box::new(exchange::Single::new(call, access))
    }
}

#[cfg(test)]
mod tests;

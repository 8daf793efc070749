//! HubSpot: batch upsert and archive by a unique property of the tenant's choice.
//! Not here: sending, limits, what follows from a reply.

mod archive;
mod fault;
mod items;
mod reply;
mod request;
mod schema;
mod upsert;
mod usage;

use crate::crm::{Access, Connector, Exchange, Fact, Facts, LimitFact, Response};
use crate::model::{Call, Crm, Keys, Operation, Operations, Price, Tariff, Usage};
use std::sync::Arc;
use std::time::Duration;

/// Most inputs of a batch call.
const BATCH_MAX: usize = 100;

static FACTS: Facts = Facts {
    crm: Crm::HubSpot,
    base_url: Fact { value: Some("https://api.hubapi.com"), source: "HubSpot API specification, servers" },
    limits: &[
        Fact {
            value: LimitFact::calls(100, Duration::from_secs(10), Operations::AllButSearches),
            source: "HubSpot usage guidelines: private app, Free and Starter, per app",
        },
        Fact {
            value: LimitFact::calls(250_000, Duration::from_hours(24), Operations::All),
            source: "HubSpot usage guidelines: Free and Starter, per account",
        },
        Fact {
            value: LimitFact::calls(5, Duration::from_secs(1), Operations::Searches),
            source: "HubSpot search guide: 5 requests per second per account, exempt from the 10 seconds",
        },
    ],
    tariff: Fact {
        value: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(0) },
        source: "our own requests: an archive reads the record ids, then archives them",
    },
    calls_max: Fact { value: None, source: "HubSpot bounds calls per time, not at once" },
    batch_max: Fact { value: BATCH_MAX, source: "HubSpot object guides: batch endpoints take 100 inputs" },
    external_id_property: "external_id",
    keys: Fact { value: Keys::UNIQUE, source: "HubSpot batch/upsert by a unique property: a repeat answers new=false" },
    archive_repeats: Fact { value: true, source: "HubSpot batch/archive: 204 also for what is archived already" },
};

/// The connector; it has no state.
pub(super) struct HubSpot;

impl Connector for HubSpot {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn usage(&self, response: &Response) -> Usage {
        usage::usage(response)
    }

    fn exchange(&self, call: Call, access: Arc<Access>) -> Box<dyn Exchange> {
        match call.operation {
            Operation::Upsert => Box::new(upsert::Upsert::new(call, access)),
            Operation::Archive => Box::new(archive::Archive::new(call, access)),
        }
    }
}

#[cfg(test)]
mod tests;

//! Salesforce: upserts of collections by an external-ID field, and deletes, through the REST API.
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

/// Most records of a collection.
const BATCH_MAX: usize = 200;

static FACTS: Facts = Facts {
    crm: Crm::Salesforce,
    base_url: Fact {
        value: None,
        source: "REST API guide: requests go to the instance_url of the org, its My Domain; there is no common one",
    },
    limits: &[Fact {
        value: LimitFact::calls(100_000, Duration::from_hours(24), Operations::All),
        source: "API request limits: Enterprise and Professional, without what each licence adds; rolling",
    }],
    tariff: Fact {
        value: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(0) },
        source: "our own requests: an archive queries the record ids, then deletes them; a collection is one request",
    },
    calls_max: Fact {
        value: None,
        source: "API request limits: only calls that run for 20 seconds are bounded; ours end after 10",
    },
    batch_max: Fact { value: BATCH_MAX, source: "REST API guide, sObject Collections: up to 200 records" },
    external_id_property: "External_Id__c",
    keys: Fact {
        value: Keys::UNIQUE,
        source: "REST API guide, upsert by external ID: a repeat finds the record and answers created=false",
    },
    archive_repeats: Fact { value: true, source: "our own requests: what the query does not find is deleted already" },
};

/// The connector; it has no state.
pub(super) struct Salesforce;

impl Connector for Salesforce {
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

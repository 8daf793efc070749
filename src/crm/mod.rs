//! The connectors: a call becomes HTTP, an answer becomes one reply per input.
//! Not here: limits, retries, order: the machine decides.

mod access;
mod calls;
mod connector;
mod http;
mod hubspot;
mod members;
mod percent;
mod pipedrive;
mod replies;
mod retry_after;
mod salesforce;
mod scrub;
mod whole;
mod zoho;

pub use access::{Access, Accesses, Authorization};
pub use calls::{CALL_DEADLINE, Events, HttpCrms, Now};
pub use connector::{Connector, Exchange, Fact, Facts, LimitFact, Next, Request, Response};
pub use http::{Http, HttpError, HttpLimits};
pub use scrub::{MESSAGE_BYTES_MAX, scrub};

use crate::model::Crm;

/// The connector of a CRM: the one line that a further CRM adds.
pub fn connector(crm: Crm) -> &'static dyn Connector {
    match crm {
        Crm::HubSpot => &hubspot::HubSpot,
        Crm::Salesforce => &salesforce::Salesforce,
        Crm::Zoho => &zoho::Zoho,
        Crm::Pipedrive => &pipedrive::Pipedrive,
    }
}

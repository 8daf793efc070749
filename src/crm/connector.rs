//! What a connector gives: facts about its CRM, and an exchange that turns a call into requests and answers.
//! Not here: sending (`http`), any CRM's own words (its folder).

use crate::crm::{Access, Authorization};
use crate::model::{Answer, Call, Cost, Crm, Keys, Operations, Tariff, Unit, Usage, Window, WindowName};
use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// One CRM. Pure: neither a clock nor IO, so that every answer can be tested as text.
pub trait Connector: Send + Sync {
    fn facts(&self) -> &'static Facts;

    /// What a response says of the account's limits. Called with every response.
    fn usage(&self, response: &Response) -> Usage;

    /// Begins the conversation that makes `call`. Cheap; called on the task of the call.
    fn exchange(&self, call: Call, access: Arc<Access>) -> Box<dyn Exchange>;
}

/// One call's conversation with a CRM: one request or several, then an answer.
/// An answer `Each` has one reply per input of the call, in their order.
pub trait Exchange: Send {
    /// The first request; or the answer, if nothing needs to be sent.
    fn begin(&mut self) -> Next;

    /// What follows from the response to the latest request.
    fn answered(&mut self, response: &Response) -> Next;

    /// What the response to the latest request says of the account's limits, where that depends on the request; asked
    /// before `answered`. None: what the connector says.
    fn usage(&self, _response: &Response) -> Option<Usage> {
        None
    }

    /// What its requests have come to. None: each is a call, and all together cost as much as the call's price.
    fn spent(&self) -> Option<Cost> {
        None
    }
}

/// What an exchange wants.
#[derive(Debug)]
pub enum Next {
    Send(Request),
    Ended(Answer),
}

/// A request of JSON, or without a body.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: String,
    pub authorization: Authorization,
    /// One that only this CRM knows.
    pub special: Option<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// The CRM's wish, from `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Whole, or empty where an error's body was over the bound.
    pub body: Bytes,
}

/// A value and where it is written.
#[derive(Clone, Copy, Debug)]
pub struct Fact<T> {
    pub value: T,
    pub source: &'static str,
}

/// A limit that holds where a connection names none: `cap` of `unit` in any `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitFact {
    pub cap: u32,
    pub unit: Unit,
    pub per: Duration,
    pub operations: Operations,
}

impl LimitFact {
    pub(super) const fn calls(cap: u32, per: Duration, operations: Operations) -> Self {
        Self { cap, unit: Unit::Calls, per, operations }
    }

    pub(super) const fn credits(cap: u32, per: Duration) -> Self {
        Self { cap, unit: Unit::Credits, per, operations: Operations::All }
    }

    /// The window of a connection that names no limits.
    pub fn window(&self) -> Window {
        let window = Window::rolling(self.cap, self.per);
        Window { name: WindowName { unit: self.unit, operations: self.operations, ..window.name }, ..window }
    }
}

/// What a CRM is like: defaults for configuration, and what may be repeated.
#[derive(Debug)]
pub struct Facts {
    pub crm: Crm,
    /// None: each account has its own.
    pub base_url: Fact<Option<&'static str>>,
    pub limits: &'static [Fact<LimitFact>],
    /// The most that a call can spend.
    pub tariff: Fact<Tariff>,
    /// Most calls out at once, where the CRM bounds them.
    pub calls_max: Fact<Option<usize>>,
    /// Most inputs in one call.
    pub batch_max: Fact<usize>,
    /// The property that holds our external ID, if a connection names none.
    pub external_id_property: &'static str,
    /// Whether the CRM finds records by our external ID: then an upsert whose answer was lost may be sent again.
    pub keys: Fact<Keys>,
    pub archive_repeats: Fact<bool>,
}

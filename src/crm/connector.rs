//! What a connector gives: facts about its CRM, and an exchange that turns a call into requests and answers.
//! Not here: sending (`http`), any CRM's own words (its folder).

use crate::crm::Access;
use crate::model::{Answer, Call, Crm, Keys, Operations, Tariff, Usage, Window, WindowName};
use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderValue};
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
    /// Marked sensitive, so that `Debug` hides it.
    pub authorization: HeaderValue,
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

/// A limit that holds where a connection names none: `calls` in any `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitFact {
    pub calls: u32,
    pub per: Duration,
    pub operations: Operations,
}

impl LimitFact {
    /// The window of a connection that names no limits.
    pub fn window(&self) -> Window {
        let window = Window::rolling(self.calls, self.per);
        Window { name: WindowName { operations: self.operations, ..window.name }, ..window }
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
    /// Most inputs in one call.
    pub batch_max: Fact<usize>,
    /// The property that holds our external ID, if a connection names none.
    pub external_id_property: &'static str,
    /// Whether the CRM finds records by our external ID: then an upsert whose answer was lost may be sent again.
    pub keys: Fact<Keys>,
    pub archive_repeats: Fact<bool>,
}

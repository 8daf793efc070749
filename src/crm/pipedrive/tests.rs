//! What is sent to Pipedrive and what its answers mean, as tables of text.
//! Not here: HTTP. Bodies are our own, of the shapes that public sources show.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test panics on purpose")]

mod answers;
mod fixtures;
mod requests;
mod usage;

use super::Pipedrive;
use crate::crm::{Access, Connector, Exchange, Next, Request, Response};
use crate::model::{
    Answer, Call, CallId, CallInput, Connection, ConnectionId, Crm, Fault, Finding, Millis, Object, Operation,
    Properties, Reply, Shard, TenantId,
};
use bytes::Bytes;
use http::header::HeaderMap;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// A custom field's key; given in place of its name, it needs no look-up.
const KEY: &str = "cfeeec2bba7701f08f4bf816fb1b660f47f0b337";

fn access(property: &str) -> Arc<Access> {
    Arc::new(Access {
        base_url: "https://acme.crm.test/".to_owned(),
        access_token: SecretString::from("v1u:secret"),
        external_id_property: property.to_owned(),
    })
}

fn call(object: &str, operation: Operation, inputs: &[(&str, Finding, &str)]) -> Call {
    let input = |(id, finding, properties): &(&str, Finding, &str)| CallInput {
        external_id: Arc::from(*id),
        finding: finding.clone(),
        properties: Properties(Arc::from(*properties)),
    };
    let facts = Pipedrive.facts();
    Call {
        id: CallId(42),
        shard: Shard(0),
        connection: Arc::new(Connection {
            id: ConnectionId { tenant: TenantId::from("acme"), name: Arc::from("pipedrive") },
            crm: Crm::Pipedrive,
            batch_max: 1,
            calls_max: None,
            windows: Arc::from([]),
            tariff: facts.tariff.value,
            keys: facts.keys.value,
        }),
        object: Object(Arc::from(object)),
        operation,
        inputs: inputs.iter().map(input).collect(),
        until: Millis(u64::MAX),
    }
}

fn by_id() -> Finding {
    Finding::ById(Arc::from("77"))
}

/// A conversation about a contact `c1`.
fn about(operation: Operation, finding: Finding) -> Box<dyn Exchange> {
    Pipedrive.exchange(call("contact", operation, &[("c1", finding, r#"{"name":"Ada"}"#)]), access(KEY))
}

fn begun(operation: Operation, finding: Finding) -> Box<dyn Exchange> {
    let mut exchange = about(operation, finding);
    request(exchange.begin());
    exchange
}

fn response(status: u16, body: &str) -> Response {
    let body = Bytes::from(body.replace('\n', " "));
    Response { status, headers: HeaderMap::new(), retry_after: None, body }
}

fn with_header(mut response: Response, name: &'static str, value: &'static str) -> Response {
    response.headers.insert(name, http::header::HeaderValue::from_static(value));
    response
}

fn request(next: Next) -> Request {
    match next {
        Next::Send(request) => request,
        Next::Ended(answer) => panic!("ended with {answer:?}"),
    }
}

fn ended(next: Next) -> Answer {
    match next {
        Next::Ended(answer) => answer,
        Next::Send(request) => panic!("sends {request:?}"),
    }
}

/// An answer in short: `applied 7`, `created 7`, `permanent bad_request CODE`, `refused …`, `failed …`.
fn shown(answer: &Answer) -> String {
    let of = |kind: &str, it: &Fault| match &it.code {
        Some(code) => format!("{kind} {} {code}", it.reason),
        None => format!("{kind} {}", it.reason),
    };
    match answer {
        Answer::Unsent => "unsent".to_owned(),
        Answer::Refused(it) => of("refused", it),
        Answer::Failed(it) => of("failed", it),
        Answer::Each(replies) => match replies.as_slice() {
            [Reply::Applied { record_id, created: true }] => format!("created {record_id}"),
            [Reply::Applied { record_id, created: false }] => format!("applied {record_id}"),
            [Reply::Transient(it)] => of("transient", it),
            [Reply::Gone(it)] => of("gone", it),
            [Reply::Permanent(it)] => of("permanent", it),
            [Reply::Account(it)] => of("account", it),
            several => format!("{} replies", several.len()),
        },
    }
}

/// What the first request's answer makes of it.
fn answered(operation: Operation, finding: Finding, status: u16, body: &str) -> String {
    shown(&ended(begun(operation, finding).answered(&response(status, body))))
}

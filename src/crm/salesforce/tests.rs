//! What is sent to Salesforce and what its answers mean, as tables of text.
//! Not here: HTTP. Bodies are our own, of the shapes that public sources show.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test panics on purpose")]

mod answers;
mod archives;
mod fixtures;
mod requests;
mod usage;

use crate::crm::{Access, Connector, Exchange, Next, Request, Response};
use crate::model::{
    Answer, Call, CallId, CallInput, Connection, ConnectionId, Crm, Finding, Keys, Millis, Object, Operation,
    Properties, Shard, Tariff, TenantId,
};
use bytes::Bytes;
use http::header::HeaderMap;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

fn access() -> Arc<Access> {
    Arc::new(Access {
        base_url: "https://acme.my.crm.test/".to_owned(),
        access_token: SecretString::from("00D-secret"),
        external_id_property: "Ext__c".to_owned(),
    })
}

fn call(object: &str, operation: Operation, inputs: &[(&str, &str)]) -> Call {
    let input = |(id, properties): &(&str, &str)| CallInput {
        external_id: Arc::from(*id),
        finding: Finding::ByKey,
        properties: Properties(Arc::from(*properties)),
    };
    Call {
        id: CallId(42),
        shard: Shard(0),
        connection: Arc::new(Connection {
            id: ConnectionId { tenant: TenantId::from("acme"), name: Arc::from("salesforce") },
            crm: Crm::Salesforce,
            batch_max: 200,
            calls_max: None,
            windows: Arc::from([]),
            tariff: Tariff::ONE_CALL,
            keys: Keys::UNIQUE,
        }),
        object: Object(Arc::from(object)),
        operation,
        inputs: inputs.iter().map(input).collect(),
        until: Millis(u64::MAX),
    }
}

fn exchange(call: Call) -> Box<dyn Exchange> {
    super::Salesforce.exchange(call, access())
}

/// A call for contacts named `c0`, `c1`, … whose first request has been sent.
fn sent(operation: Operation, count: usize) -> Box<dyn Exchange> {
    let ids: Vec<String> = (0..count).map(|it| format!("c{it}")).collect();
    let inputs: Vec<(&str, &str)> = ids.iter().map(|it| (&**it, "{}")).collect();
    let mut exchange = exchange(call("contact", operation, &inputs));
    request(exchange.begin());
    exchange
}

fn response(status: u16, body: &str) -> Response {
    let body = Bytes::from(body.replace('\n', " "));
    Response { status, headers: HeaderMap::new(), retry_after: None, body }
}

fn response_after(status: u16, seconds: u64, body: &str) -> Response {
    Response { retry_after: Some(Duration::from_secs(seconds)), ..response(status, body) }
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
fn shown(answer: &Answer) -> Vec<String> {
    use crate::model::{Fault, Reply};
    let fault = |kind: &str, it: &Fault| match &it.code {
        Some(code) => format!("{kind} {} {code}", it.reason),
        None => format!("{kind} {}", it.reason),
    };
    match answer {
        Answer::Unsent => vec!["unsent".to_owned()],
        Answer::Refused(it) => vec![fault("refused", it)],
        Answer::Failed(it) => vec![fault("failed", it)],
        Answer::Each(replies) => replies
            .iter()
            .map(|reply| match reply {
                Reply::Applied { record_id, created: true } => format!("created {record_id}"),
                Reply::Applied { record_id, created: false } => format!("applied {record_id}"),
                Reply::Transient(it) => fault("transient", it),
                Reply::Gone(it) => fault("gone", it),
                Reply::Permanent(it) => fault("permanent", it),
                Reply::Account(it) => fault("account", it),
            })
            .collect(),
    }
}

fn upserted(count: usize, status: u16, body: &str) -> Vec<String> {
    shown(&ended(sent(Operation::Upsert, count).answered(&response(status, body))))
}

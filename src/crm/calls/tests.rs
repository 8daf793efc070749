//! Every call ends exactly once: answered, failed, past its deadline, panicking, or with its runtime gone.
//! Not here: what answers mean.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use crate::crm::HttpLimits;
use crate::model::{
    CallInput, Connection, ConnectionId, Crm, Finding, Keys, Object, Operation, Properties, Tariff, TenantId,
};
use axum::Router;
use axum::routing::post;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

fn connection(name: &str) -> Arc<Connection> {
    let id = ConnectionId { tenant: TenantId::from("acme"), name: Arc::from(name) };
    Arc::new(Connection {
        id,
        crm: Crm::HubSpot,
        batch_max: 100,
        calls_max: None,
        windows: Arc::from([]),
        tariff: Tariff::ONE_CALL,
        keys: Keys::UNIQUE,
    })
}

fn call(id: u64, connection: &Arc<Connection>) -> Call {
    let input = |id: &str| CallInput {
        external_id: Arc::from(id),
        finding: Finding::ByKey,
        properties: Properties(Arc::from("{}")),
    };
    Call {
        id: CallId(id),
        shard: Shard(3),
        connection: Arc::clone(connection),
        object: Object(Arc::from("contact")),
        operation: Operation::Upsert,
        inputs: vec![input("a"), input("b")],
        until: Millis(u64::MAX),
    }
}

fn crms(runtime: &Handle, connection: &Connection, url: &str) -> (HttpCrms, Receiver<CallEnded>) {
    let access = Access {
        base_url: url.to_owned(),
        access_token: SecretString::from("pat-secret"),
        external_id_property: "ext_id".to_owned(),
    };
    let accesses = Accesses::new(BTreeMap::from([(connection.id.clone(), Arc::new(access))]));
    let (sender, ended) = channel();
    let events: Events = Arc::new(move |event| match event {
        Event::CallEnded(it) => sender.send(it).unwrap(),
        Event::Log(_) | Event::AccessChanged(_) | Event::Tenants(_) | Event::Explain(_) | Event::Drain => {
            panic!("{event:?}")
        }
    });
    (
        HttpCrms::new(
            runtime.clone(),
            Http::new(&HttpLimits::default()).unwrap(),
            accesses,
            events,
            Arc::new(|| Millis(0)),
        ),
        ended,
    )
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }));
    url
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

#[test]
fn many_calls_at_once_each_end_once_with_their_own_answer() {
    let runtime = runtime();
    let routes = Router::new().route(UPSERT, post(echo));
    let url = runtime.block_on(serve(routes));
    let connection = connection("hubspot");
    let (mut crms, ended) = crms(runtime.handle(), &connection, &url);
    for id in 0..500 {
        crms.start(call(id, &connection));
    }
    let mut ids = Vec::new();
    for _ in 0..500 {
        let it = ended.recv_timeout(PATIENCE).unwrap();
        assert_eq!(it.shard, Shard(3));
        let id = it.id.0;
        let reply = |input| Reply::Applied { record_id: format!("{id}-{input}"), created: true };
        assert_eq!(it.answer, Answer::Each(vec![reply(0), reply(1)]));
        ids.push(id);
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..500).collect::<Vec<_>>());
    drop(runtime);
    assert!(ended.try_recv().is_err());
}

/// Answers as HubSpot would: each input created, its trace id its record id.
async fn echo(body: String) -> String {
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let results: Vec<serde_json::Value> = body
        .get("inputs")
        .and_then(|it| it.as_array())
        .unwrap()
        .iter()
        .rev()
        .map(|input| {
            let trace = input.get("objectWriteTraceId").unwrap();
            serde_json::json!({"id": trace, "objectWriteTraceId": trace, "new": true, "properties": {}})
        })
        .collect();
    serde_json::json!({"status": "COMPLETE", "results": results}).to_string()
}

#[test]
fn a_connection_that_has_no_access_is_held_and_not_called() {
    let runtime = runtime();
    let (mut crms, ended) = crms(runtime.handle(), &connection("other"), "http://127.0.0.1:9");
    crms.start(call(1, &connection("hubspot")));
    match ended.recv_timeout(PATIENCE).unwrap().answer {
        Answer::Each(replies) => {
            assert!(replies.len() == 2 && replies.iter().all(|it| matches!(it, Reply::Account(_))))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_is_over_at_its_deadline() {
    let runtime = runtime();
    let routes = Router::new().route(UPSERT, post(|| async { std::future::pending::<String>().await }));
    let url = runtime.block_on(serve(routes));
    let connection = connection("hubspot");
    let (mut crms, ended) = crms(runtime.handle(), &connection, &url);
    crms.deadline = Duration::from_millis(150);
    crms.start(call(1, &connection));
    let it = ended.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(it.answer, Answer::Failed(Fault { reason: Reason::Timeout, .. })), "{:?}", it.answer);
    assert!(Duration::from_millis(150) <= it.took && it.took < PATIENCE);
}

#[test]
fn a_call_ends_when_its_runtime_does_and_when_there_is_none_any_more() {
    let runtime = runtime();
    let routes = Router::new().route(UPSERT, post(|| async { std::future::pending::<String>().await }));
    let url = runtime.block_on(serve(routes));
    let connection = connection("hubspot");
    let (mut crms, ended) = crms(runtime.handle(), &connection, &url);
    crms.start(call(1, &connection));
    drop(runtime);
    crms.start(call(2, &connection));
    for id in [1, 2] {
        let it = ended.recv_timeout(PATIENCE).unwrap();
        assert_eq!(it.id, CallId(id));
        assert!(matches!(it.answer, Answer::Failed(_)));
    }
    assert!(ended.try_recv().is_err());
}

#[test]
fn a_task_that_panics_still_ends_its_call() {
    let runtime = runtime();
    let connection = connection("hubspot");
    let (crms, ended) = crms(runtime.handle(), &connection, "http://127.0.0.1:9");
    let ending = Ending::new(&call(7, &connection), Arc::clone(&crms.events));
    let task = runtime.spawn(async move {
        let _ending = ending;
        panic!("on purpose");
    });
    assert!(runtime.block_on(task).unwrap_err().is_panic());
    let it = ended.recv_timeout(PATIENCE).unwrap();
    assert_eq!(it.id, CallId(7));
    assert!(matches!(it.answer, Answer::Failed(_)));
    assert!(ended.try_recv().is_err());
}

#[test]
fn replies_that_are_too_few_fail_the_call() {
    let reply = Reply::Applied { record_id: "1".to_owned(), created: false };
    assert!(matches!(whole(Answer::Each(vec![reply.clone()]), 2), Answer::Failed(_)));
    assert!(matches!(whole(Answer::Each(vec![reply]), 1), Answer::Each(_)));
}

#[test]
fn a_call_whose_lease_has_ended_is_not_sent() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let connection = connection("hubspot");
    // Nobody listens there: a call that was sent would fail.
    let (mut crms, ended) = crms(runtime.handle(), &connection, "http://127.0.0.1:9");
    crms.start(Call { until: Millis(0), ..call(1, &connection) });
    assert_eq!(ended.recv().unwrap().answer, Answer::Unsent);
}

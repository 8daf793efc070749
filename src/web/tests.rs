//! The listener on a free port, asked over real connections.
//! Not here: the shapes of bodies (`ops::body`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

mod door;
mod ends;
mod open;
mod operate;

use crate::model::{Because, ConnectionId, Crm, Millis, Shard, TenantId};
use crate::ops::tests::{Mood, PaperLog, SHARDS};
use crate::ops::{
    AboutStatus, AlertStatus, Alerts, ConnectionStatus, Explaining, Instance, InstanceFacts, Liveness, Readiness,
    ShardStatus, Status, TenantsStatus, Totals, Unready,
};
use crate::ports::{Explained, StandingLine, Waiters};
use crate::telemetry::Metrics;
use crate::web::{Faces, Limits, bind};
use secrecy::SecretString;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(super) const TOKEN: &str = "a-long-token";

/// The core loop, as the test wants it.
#[derive(Default)]
pub(super) struct PaperInstance {
    beat_age: Mutex<Duration>,
    unready: Mutex<Vec<Unready>>,
}

impl Instance for PaperInstance {
    fn alive(&self) -> Liveness {
        Liveness { beat_age: *self.beat_age.lock().unwrap() }
    }

    fn readiness(&self) -> Readiness {
        Readiness::unless(self.unready.lock().unwrap().clone())
    }

    fn status(&self) -> Status {
        Status {
            pauses: Vec::new(),
            holds: Vec::new(),
            instance: InstanceFacts {
                id: "sluicegate-0".to_owned(),
                version: "0.1.0".to_owned(),
                log: "embedded".to_owned(),
                uptime_seconds: 3,
            },
            readiness: self.readiness(),
            totals: Totals { shards_owned: 2, shards_running: 1, waiting: 7, ..Totals::default() },
            shards: vec![ShardStatus { shard: 4, phase: "running".into() }],
            tenants: TenantsStatus::default(),
            connections: vec![ConnectionStatus { connection: "acme/hubspot".to_owned(), waiting: 7 }],
        }
    }

    fn shards(&self) -> u32 {
        SHARDS
    }

    /// Knows one tenant; of another the loop has ended.
    fn explain(&self, tenant: TenantId, connection: Option<Arc<str>>) -> Explaining<'_> {
        let known = tenant == TenantId::from("acme");
        let id = ConnectionId { tenant, name: connection.unwrap_or_else(|| "hubspot".into()) };
        let line = StandingLine {
            id,
            connection: None,
            hold: None,
            pauses: Vec::new(),
            waiting: BTreeMap::from([(Because::Order, Waiters { count: 3, ..Waiters::default() })]),
            ready: 0,
            calls: 0,
        };
        let explained = Explained {
            now: Millis(0),
            home: Some(Shard(1)),
            phase: Some("running"),
            connections: vec![line],
            latecomers: 0,
            attempts_max: 6,
        };
        Box::pin(async move { known.then_some(explained) })
    }

    fn alerts(&self) -> Alerts {
        Alerts {
            firing: vec![AlertStatus {
                alert: "SyncLag".to_owned(),
                since: "2026-01-31T12:00:00.000Z".to_owned(),
                cause: "it is late".to_owned(),
                about: vec![AboutStatus { who: "acme/hubspot".to_owned(), what: "3 min old, retry".to_owned() }],
                more: 2,
                next: "it goes on".to_owned(),
                todo: "look".to_owned(),
            }],
            quiet: vec!["RetryRate".to_owned()],
        }
    }
}

/// A listener that serves until it is told to stop.
pub(super) struct Served {
    pub address: SocketAddr,
    pub instance: Arc<PaperInstance>,
    pub log: Arc<PaperLog>,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

pub(super) async fn serve() -> Served {
    serve_with(None, Limits::default()).await
}

pub(super) async fn serve_with(token: Option<&str>, limits: Limits) -> Served {
    let instance = Arc::new(PaperInstance::default());
    let log = Arc::new(PaperLog::new(Mood::Good));
    let metrics = Metrics::new("0.1.0").unwrap();
    metrics.waits(Crm::HubSpot, Because::Retry);
    let bound = bind("127.0.0.1:0".parse().unwrap(), token.map(SecretString::from), limits).await.unwrap();
    let address = bound.address();
    let (stop, stopped) = oneshot::channel();
    let faces = Faces { instance: Arc::<PaperInstance>::clone(&instance), log: Arc::<PaperLog>::clone(&log), metrics };
    let until = async move { drop(stopped.await) };
    let serving = Some(tokio::spawn(bound.serve(faces, until)));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    Served { address, instance, log, client, stop: Some(stop), serving }
}

impl Served {
    pub(super) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(super) async fn ended(&mut self) {
        self.serving.take().unwrap().await.unwrap();
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(super) fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client.post(self.url("/v1/jobs")).body(body)
    }

    pub(super) fn post_to(&self, path: &str, body: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path)).body(body.to_owned())
    }

    /// A bare connection on which `text` was sent.
    pub(super) async fn say(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// Status, `Retry-After`, and the JSON body.
pub(super) async fn told(request: reqwest::RequestBuilder) -> (u16, Option<String>, Value) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["cache-control"], "no-store");
    let later = headers.get("retry-after").map(|it| it.to_str().unwrap().to_owned());
    (status, later, answer.json().await.unwrap())
}

/// Everything until the other side closes; also if it does so rudely.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    while let Ok(1..) = stream.read(&mut part).await.inspect(|count| all.extend_from_slice(&part[..*count])) {}
    String::from_utf8(all).unwrap()
}

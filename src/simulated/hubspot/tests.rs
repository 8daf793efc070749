//! The pretend HubSpot, seen by a client: every rule and every fault through real HTTP.
//! Not here: Sluicegate's own client, which must not teach this server its mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod batches;
mod faults;
mod ledger;
mod limits;
mod records;
mod steering;

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, Response, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

use super::{Limits, Recording, Running, Server, Settings};

const TOKEN: &str = "pat-acme";
const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

/// A client of the account `TOKEN`.
struct Caller {
    http: Client,
    url: String,
}

/// An answer, read.
struct Seen {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Caller {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    async fn post(&self, path: &str, body: Value) -> Seen {
        seen(self.send(Method::POST, path, Some(&body)).await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Seen {
        seen(self.send(Method::GET, path, None).await.unwrap()).await
    }

    /// Upserts contacts by `external_id`, with trace ids.
    async fn upsert(&self, records: &[(&str, Value)]) -> Seen {
        self.post(UPSERT, inputs(records, true)).await
    }

    async fn try_upsert(&self, external_id: &str) -> reqwest::Result<String> {
        let body = inputs(&[(external_id, json!({ "firstname": "Ada" }))], true);
        self.send(Method::POST, UPSERT, Some(&body)).await?.text().await
    }
}

async fn seen(response: Response) -> Seen {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Seen { status, headers, text: response.text().await.unwrap() }
}

fn inputs(records: &[(&str, Value)], traced: bool) -> Value {
    let inputs: Vec<Value> = records
        .iter()
        .map(|(id, properties)| {
            let mut input = json!({ "id": id, "idProperty": "external_id", "properties": properties });
            if traced {
                input["objectWriteTraceId"] = json!(format!("trace-{id}"));
            }
            input
        })
        .collect();
    json!({ "inputs": inputs })
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn unlimited() -> Settings {
    Settings { limits: Limits::none(), recording: Recording::full(), ..Settings::default() }
}

/// A server, and a client of its account `TOKEN`, which is open from the start.
async fn start(settings: Settings) -> (Running, Caller) {
    let running = Server::start(anywhere(), settings.clone()).await.unwrap();
    running.accounts.open(TOKEN, settings);
    let caller = caller(&running);
    (running, caller)
}

fn caller(running: &Running) -> Caller {
    let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
    Caller { http, url: running.url() }
}

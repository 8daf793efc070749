//! The pretend Pipedrive, seen by a client: every rule and every fault through real HTTP.
//! Not here: Sluicegate's own client, which must not teach this server its mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod faults;
mod records;
mod searching;

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

use super::{Limits, Running, Server, Settings};
use crate::simulated::settings::Latency;

const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

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

    fn data(&self) -> Value {
        assert_eq!(self.json()["success"], true, "{}", self.text);
        self.json()["data"].clone()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Caller {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Seen> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).header("x-api-token", TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Seen { status, headers, text: response.text().await? })
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, object: &str, body: &Value) -> Seen {
        self.send(Method::POST, &format!("/api/v2/{object}"), Some(body)).await.unwrap()
    }

    async fn patch(&self, path: &str, body: &Value) -> Seen {
        self.send(Method::PATCH, path, Some(body)).await.unwrap()
    }

    async fn delete(&self, path: &str) -> Seen {
        self.send(Method::DELETE, path, None).await.unwrap()
    }

    /// The key of the field `external_id` of this list.
    async fn key(&self, list: &str) -> String {
        let fields = self.get(&format!("/api/v2/{list}?limit=500")).await.data();
        let field = fields.as_array().unwrap().iter().find(|it| it["field_name"] == "external_id").unwrap();
        field["field_code"].as_str().unwrap().to_owned()
    }

    /// Creates a person, and says under which id.
    async fn person(&self, external_id: &str) -> u64 {
        let key = self.key("personFields").await;
        let body = json!({ "name": "Ada", "event_number": 1, "custom_fields": { key: external_id } });
        self.post("persons", &body).await.data()["id"].as_u64().unwrap()
    }

    async fn search(&self, entity: &str, field: &str, term: &str) -> Seen {
        let query = format!("term={term}&entity_type={entity}&field={field}&match=exact");
        self.get(&format!("/api/v2/itemSearch/field?{query}")).await
    }

    /// The ids of persons that a search shows.
    async fn found(&self, term: &str) -> Vec<u64> {
        let key = self.key("personFields").await;
        let items = self.search("person", &key, term).await.data();
        items.as_array().unwrap().iter().map(|it| it["item"]["id"].as_u64().unwrap()).collect()
    }
}

/// No limits, and searches that see everything at once.
fn calm() -> Settings {
    Settings { limits: Limits::none(), search_lag: Latency::default(), ..Settings::default() }
}

/// A server, and a client of its account `TOKEN`, which is open from the start.
async fn start(settings: Settings) -> (Running, Caller) {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = Server::start(anywhere, settings.clone()).await.unwrap();
    running.accounts.open(TOKEN, settings);
    let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
    let url = running.url();
    (running, Caller { http, url })
}

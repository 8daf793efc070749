//! The pretend Zoho, seen by a client: every rule and every fault through real HTTP.
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
mod tokens;

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

use super::{Running, Server, Settings};

const TOKEN: &str = "1000.acme";

/// A client of the organisation `TOKEN`.
struct Caller {
    http: Client,
    url: String,
    token: String,
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

    /// The code of a whole request's error, or of the rows, in order; of success its action or message.
    fn codes(&self) -> Vec<String> {
        let code = |it: &Value| match (it["code"].as_str(), it["action"].as_str()) {
            (Some("SUCCESS"), Some(action)) => action.to_owned(),
            (Some("SUCCESS"), None) => it["message"].as_str().unwrap().to_owned(),
            (Some(code), _) => code.to_owned(),
            (None, _) => it.to_string(),
        };
        let body = self.json();
        body["data"].as_array().map_or_else(|| vec![code(&body)], |rows| rows.iter().map(code).collect())
    }
}

impl Caller {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Seen> {
        let authorization = format!("Zoho-oauthtoken {}", self.token);
        let mut request =
            self.http.request(method, format!("{}{path}", self.url)).header("authorization", authorization);
        if path.contains("ids=") || path.contains("Contacts/c") {
            request = request.header("X-EXTERNAL", "Contacts.External_ID");
        }
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

    async fn delete(&self, ids: &str) -> Seen {
        self.send(Method::DELETE, &format!("/crm/v8/Contacts?ids={ids}"), None).await.unwrap()
    }

    /// Upserts contacts by `External_ID`.
    async fn upsert(&self, records: &[(&str, Value)]) -> Seen {
        self.send(Method::POST, "/crm/v8/Contacts/upsert", Some(&given(records))).await.unwrap()
    }

    /// Upserts one contact that is as it should be.
    async fn one(&self, key: &str) -> Seen {
        self.upsert(&[(key, json!({ "Last_Name": "Lovelace" }))]).await
    }
}

fn given(records: &[(&str, Value)]) -> Value {
    let record = |(key, fields): &(&str, Value)| {
        let mut record = fields.clone();
        record["External_ID"] = json!(key);
        record
    };
    json!({ "data": records.iter().map(record).collect::<Vec<_>>(), "duplicate_check_fields": ["External_ID"] })
}

/// A server, and a client of its organisation `TOKEN`, which is open from the start.
async fn start(settings: Settings) -> (Running, Caller) {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = Server::start(anywhere, settings.clone()).await.unwrap();
    running.accounts.open(TOKEN, settings);
    let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
    let url = running.url();
    (running, Caller { http, url, token: TOKEN.to_owned() })
}

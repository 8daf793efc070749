//! The pretend Salesforce, seen by a client: every rule and every fault through real HTTP.
//! Not here: Sluicegate's own client, which must not teach this server its mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod collections;
mod faults;
mod reading;

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

use super::{Limits, Running, Server, Settings};

const TOKEN: &str = "00D-acme";
const UPSERT: &str = "/services/data/v66.0/composite/sobjects/Contact/External_Id__c";

/// A client of the org `TOKEN`.
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

    /// The code of a whole request's error, or of the results, in order; `ok` for success.
    fn codes(&self) -> Vec<String> {
        let code = |it: &Value| match (&it["errorCode"], &it["errors"][0]["statusCode"]) {
            (Value::String(code), _) | (_, Value::String(code)) => code.clone(),
            _ if it["success"] == true => "ok".to_owned(),
            _ => it.to_string(),
        };
        self.json().as_array().unwrap().iter().map(code).collect()
    }
}

impl Caller {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Seen> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN);
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
        let path = format!("/services/data/v66.0/composite/sobjects?ids={ids}&allOrNone=false");
        self.send(Method::DELETE, &path, None).await.unwrap()
    }

    async fn query(&self, field: &str, values: &str) -> Seen {
        let soql = format!("SELECT%20Id,{field}%20FROM%20Contact%20WHERE%20{field}%20IN%20({values})");
        self.get(&format!("/services/data/v66.0/query?q={soql}")).await
    }

    /// Upserts contacts by `External_Id__c`.
    async fn upsert(&self, records: &[(&str, Value)]) -> Seen {
        self.send(Method::PATCH, UPSERT, Some(&collection(records, false))).await.unwrap()
    }

    /// Upserts one contact that is as it should be.
    async fn one(&self, key: &str) -> Seen {
        self.upsert(&[(key, json!({ "LastName": "Lovelace" }))]).await
    }
}

fn collection(records: &[(&str, Value)], all_or_none: bool) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|(key, fields)| {
            let mut record = fields.clone();
            record["attributes"] = json!({ "type": "Contact" });
            record["External_Id__c"] = json!(key);
            record
        })
        .collect();
    json!({ "allOrNone": all_or_none, "records": records })
}

/// A server, and a client of its org `TOKEN`, which is open from the start.
async fn start(settings: Settings) -> (Running, Caller) {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = Server::start(anywhere, settings.clone()).await.unwrap();
    running.accounts.open(TOKEN, settings);
    let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
    let url = running.url();
    (running, Caller { http, url })
}

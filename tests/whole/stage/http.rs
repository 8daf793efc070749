//! JSON over HTTP from a test's own thread.
//! Not here: who is asked what.

use serde_json::Value;
use std::time::Duration;

/// The body of a 200, else the fault in words.
pub(crate) fn get(url: &str) -> Result<String, String> {
    ask(reqwest::Client::new().get(url))
}

/// Fails unless the answer is a 200.
pub(crate) fn post(url: &str, body: &Value) {
    let request = reqwest::Client::new().post(url).body(body.to_string());
    ask(request).unwrap_or_else(|fault| panic!("{url}: {fault}"));
}

fn ask(request: reqwest::RequestBuilder) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request.timeout(Duration::from_secs(20)).send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body = answer.text().await.map_err(|error| error.to_string())?;
        if status.as_u16() == 200 { Ok(body) } else { Err(format!("{status}: {body}")) }
    })
}

//! What can be had at best: the same calls from a loop that does nothing but send them and read the answers.
//! Not here: Kafka, order, limits, repeats, state. Nobody could run this.

use crate::process::cpu_of;
use crate::scene::{external_id, properties, token};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Calls per second, and CPU seconds of the client per 1,000 calls.
pub(crate) struct Bare {
    pub(crate) rate: f64,
    pub(crate) cpu: f64,
}

/// Makes `calls` calls of `inputs` inputs, `in_flight` at once, for `tenants` accounts in turn.
pub(crate) fn run(url: &str, (tenants, in_flight): (u64, u64), (calls, inputs): (u64, u64)) -> Bare {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = reqwest::Client::builder().no_proxy().http1_only().pool_max_idle_per_host(1024).build().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let (began, cpu) = (Instant::now(), cpu_of("self"));
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, next) = (client.clone(), Arc::clone(&next));
            let url = format!("{url}/crm/v3/objects/contacts/batch/upsert");
            runtime.spawn(async move {
                loop {
                    let call = next.fetch_add(1, Ordering::Relaxed);
                    if calls <= call {
                        return;
                    }
                    let request = client.post(&url).bearer_auth(token(call % tenants)).json(&body(call, inputs));
                    let response = request.send().await.unwrap();
                    assert!(response.status().is_success(), "the pretend HubSpot refuses: {}", response.status());
                    response.bytes().await.unwrap();
                }
            })
        })
        .collect();
    runtime.block_on(async {
        for worker in workers {
            worker.await.unwrap();
        }
    });
    let took = began.elapsed().as_secs_f64();
    Bare { rate: calls as f64 / took, cpu: (cpu_of("self") - cpu) * 1000.0 / calls as f64 }
}

fn body(call: u64, inputs: u64) -> Value {
    let input = |at: u64| {
        let job = call * inputs + at;
        json!({
            "id": external_id(job),
            "idProperty": "external_id",
            "objectWriteTraceId": format!("{call}-{at}"),
            "properties": properties(job),
        })
    };
    json!({ "inputs": (0..inputs).map(input).collect::<Vec<_>>() })
}

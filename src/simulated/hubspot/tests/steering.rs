//! Steering from another process, and stopping and starting again.
//! Not here: the in-process handle, which the other tests use.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{Server, TOKEN, UPSERT, anywhere, caller, inputs, seen, start, unlimited};
use crate::simulated::hubspot::{Accounts, RecordLedger, Serve, Settings, Summary, serve_blocking};

#[tokio::test]
async fn another_process_opens_steers_and_reads_accounts() {
    let running = Server::start_with(anywhere(), Accounts::new()).await.unwrap();
    let caller = caller(&running);
    assert_eq!(caller.get("/_control/health").await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 401);
    let open = json!({ "account": TOKEN, "settings": { "search_lag_ms": 0, "limits": { "burst": null } } });
    assert_eq!(caller.post("/_control/accounts", open).await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({ "event_number": "1" }))]).await.status, 200);

    let faults = json!({ "account": TOKEN, "rules": [{ "fault": { "kind": "status", "status": 503 }, "times": 1 }] });
    assert_eq!(caller.post("/_control/faults", faults).await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 503);
    let script = json!({ "account": TOKEN, "scripts": [{
        "external_id": "c_1", "first": 1, "answer": { "to": "call", "fault": { "kind": "html", "status": 502 } }
    }] });
    assert_eq!(caller.post("/_control/scripts", script).await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 502);

    let record = caller.get(&format!("/_control/record?account={TOKEN}&object=contacts&external_id=c_1")).await;
    let record: RecordLedger = serde_json::from_str(&record.text).unwrap();
    assert_eq!((record.markers(), record.attempts.len()), (vec!["1"], 3));
    let summary: Summary = serde_json::from_str(&caller.get("/_control/summary").await.text).unwrap();
    assert_eq!((summary.accounts, summary.strangers, summary.totals.calls), (1, 1, 3));
    assert_eq!(summary.totals.calls_by_status[&502], 1);
    let ledger = caller.get(&format!("/_control/ledger?account={TOKEN}")).await.json();
    assert_eq!(ledger["records"][0]["external_id"], "c_1");

    assert_eq!(caller.post("/_control/reset", json!({ "account": TOKEN })).await.status, 200);
    let totals = caller.get(&format!("/_control/totals?account={TOKEN}")).await.json();
    assert_eq!((&totals["calls"], &totals["effects"]), (&json!(0), &json!(0)));
    assert_eq!(caller.post("/_control/close", json!({ "account": TOKEN })).await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 401);
}

#[tokio::test]
async fn settings_change_while_it_runs_member_by_member() {
    let (running, caller) = start(unlimited()).await;
    let change = json!({ "account": TOKEN, "change": { "limits": { "burst": 1 } } });
    assert_eq!(caller.post("/_control/settings", change).await.status, 200);
    let settings = running.accounts.settings(TOKEN).unwrap();
    assert_eq!((settings.limits.burst, settings.limits.daily), (Some(1), None));
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 200);
    assert_eq!(caller.upsert(&[("c_1", json!({}))]).await.status, 429);
    assert_eq!(caller.post("/_control/settings", json!({ "change": { "poison": "x" } })).await.status, 200);
    assert_eq!(running.accounts.settings(TOKEN).unwrap().poison.as_deref(), Some("x"));
}

#[tokio::test]
async fn control_requests_with_faults_change_nothing_and_say_why() {
    let (running, caller) = start(unlimited()).await;
    let before = running.accounts.settings(TOKEN).unwrap();
    for (path, body, status) in [
        ("/_control/settings", json!({ "change": { "limits": { "burts": 1 } } }), 400),
        ("/_control/settings", json!({ "account": "nobody", "change": {} }), 404),
        ("/_control/faults", json!({ "rules": [{ "fault": { "kind": "earthquake" } }] }), 400),
        ("/_control/scripts", json!({ "scripts": {} }), 400),
        ("/_control/nonsense", json!({}), 404),
        ("/_control/close", json!({}), 404),
    ] {
        let answer = caller.post(path, body).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(caller.get("/_control/ledger?account=nobody").await.status, 404);
    assert_eq!(running.accounts.settings(TOKEN).unwrap(), before);
}

#[tokio::test]
async fn a_stopped_server_refuses_connections_and_another_goes_on_with_its_accounts() {
    let (running, caller) = start(unlimited()).await;
    caller.upsert(&[("c_1", json!({}))]).await;
    let (address, accounts) = (running.address, running.accounts.clone());
    running.stop().await;
    assert!(caller.try_upsert("c_1").await.unwrap_err().is_connect());
    let _running = Server::start_with(address, accounts).await.unwrap();
    let url = format!("{}{UPSERT}", caller.url);
    let body: Value = inputs(&[("c_1", json!({}))], true);
    let again = seen(caller.http.post(url).bearer_auth(TOKEN).json(&body).send().await.unwrap()).await;
    assert_eq!(again.json()["results"][0]["new"], false);
}

const CHILD: &str = "SLUICEGATE_TEST_PRETEND_CHILD";

/// The test runs itself once more as the other process.
#[test]
fn it_serves_in_a_process_of_its_own_until_told_to_stop() {
    if std::env::var(CHILD).is_ok() {
        let serve = Serve { listen: anywhere(), prefix: "pat-".to_owned(), settings: Settings::default(), threads: 1 };
        serve_blocking(serve, |address| writeln!(std::io::stdout(), "\naddress={address}").unwrap()).unwrap();
        return;
    }
    let name = "simulated::hubspot::tests::steering::it_serves_in_a_process_of_its_own_until_told_to_stop";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.strip_prefix("address=").map(str::to_owned)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}{UPSERT}");
        let body = inputs(&[("c_1", json!({}))], true);
        assert_eq!(http.post(&url).bearer_auth("other").json(&body).send().await.unwrap().status(), 401);
        assert_eq!(http.post(&url).bearer_auth(TOKEN).json(&body).send().await.unwrap().status(), 200);
    });
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

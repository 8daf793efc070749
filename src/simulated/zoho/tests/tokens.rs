//! The token endpoint, as a client sees it.
//! Not here: the arithmetic of access tokens (`grants`).

use serde_json::{Value, json};

use super::{Caller, Settings, TOKEN, start};
use crate::simulated::zoho::{Grant, TokenRules};

async fn refresh(caller: &Caller, refresh_token: &str, secret: &str) -> (u16, Value) {
    let form = format!("refresh_token={refresh_token}&client_id=id&client_secret={secret}&grant_type=refresh_token");
    let request = caller.http.post(format!("{}/oauth/v2/token", caller.url));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

fn grant() -> Grant {
    Grant { client_id: "id".to_owned(), client_secret: "s".to_owned(), account: TOKEN.to_owned() }
}

#[tokio::test]
async fn a_refresh_token_gives_an_access_token_to_its_account() {
    let (running, mut caller) = start(Settings::default()).await;
    running.accounts.grant("1000.refresh", grant());
    let (status, answer) = refresh(&caller, "1000.refresh", "s").await;
    assert_eq!((status, &answer["expires_in"], &answer["api_domain"]), (200, &json!(3_600), &json!(caller.url)));
    caller.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(caller.one("c_1").await.status, 200);
    assert_eq!(running.accounts.totals(TOKEN).unwrap().created, 1, "it is the same account");
    running.accounts.expire("1000.refresh");
    assert_eq!(caller.one("c_1").await.codes(), ["INVALID_TOKEN"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_refresh_token_is_said_with_status_200() {
    let (running, caller) = start(Settings::default()).await;
    running.accounts.grant("1000.refresh", grant());
    assert_eq!(refresh(&caller, "1000.refresh", "other").await, (200, json!({ "error": "invalid_client" })));
    running.accounts.revoke("1000.refresh");
    assert_eq!(refresh(&caller, "1000.refresh", "s").await, (200, json!({ "error": "invalid_code" })));
    assert_eq!(refresh(&caller, "", "s").await, (200, json!({ "error": "invalid_code" })));
}

#[tokio::test]
async fn too_many_refreshes_are_refused_and_cost_no_access_token_its_life() {
    let tokens = TokenRules { issued_max: 2, ..TokenRules::default() };
    let (_running, mut caller) = start(Settings { tokens, ..Settings::default() }).await;
    let (_, first) = refresh(&caller, "anybody", "s").await;
    refresh(&caller, "anybody", "s").await;
    let (status, refused) = refresh(&caller, "anybody", "s").await;
    assert_eq!((status, &refused["error"]), (400, &json!("Access Denied")));
    caller.token = first["access_token"].as_str().unwrap().to_owned();
    assert_eq!(caller.one("c_1").await.status, 200, "an account that opened for the refresh token");
}

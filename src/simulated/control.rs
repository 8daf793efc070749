//! Steering and questioning a pretend CRM from another process: JSON under `/_control/`.
//! Not here: anything that the real one has.
//!
//! | | |
//! | --- | --- |
//! | `GET health` | `{"status":"ok"}` |
//! | `GET summary` | [`Summary`](super::Summary) of all accounts |
//! | `GET totals?account=T` | [`Totals`](super::Totals) |
//! | `GET ledger?account=T` | [`AccountLedger`](super::AccountLedger); without an account a list of all |
//! | `GET record?account=T&object=contacts&external_id=X` | [`RecordLedger`](super::RecordLedger) |
//! | `GET settings?account=T` | its settings |
//! | `POST accounts` `{account, settings}` | opens an account |
//! | `POST rules` `{prefix, settings}` | opens accounts by prefix of the access token |
//! | `POST close` `{account}` | revokes it |
//! | `POST settings` `{account?, change}` | sets the named members only |
//! | `POST faults` `{account?, rules}` | replaces the rules; `[]` ends them |
//! | `POST scripts` `{account?, scripts}` | adds scripts |
//! | `POST clear` `{account?}` | ends rules and scripts |
//! | `POST consume` `{account, calls}` | another application calls |
//! | `POST reset` `{account?}` | empties it |
//!
//! Without `account`: all. Answers: 200, 400 with the fault, 404 for an unknown account or path.

use axum::{
    body::Body,
    http::{HeaderMap, Method, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    accounts::Accounts,
    answer::Answer,
    faults::{FaultRule, Script},
    pretend::Pretend,
    query::pairs,
};

/// Where all of this lies.
pub(super) const PREFIX: &str = "/_control/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open<S> {
    account: String,
    #[serde(default)]
    settings: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule<S> {
    prefix: String,
    #[serde(default)]
    settings: S,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    account: Option<String>,
    change: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    account: Option<String>,
    rules: Vec<FaultRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripts {
    account: Option<String>,
    scripts: Vec<Script>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consume {
    account: String,
    calls: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    account: Option<String>,
}

/// Answers one control request.
pub(super) fn answer<P: Pretend>(
    accounts: &Accounts<P>,
    method: &Method,
    (path, query): (&str, &str),
    body: &[u8],
) -> Response<Body> {
    let name = path.strip_prefix(PREFIX).unwrap_or_default();
    let answer = match *method {
        Method::GET => question(accounts, name, query),
        Method::POST => command(accounts, name, body).unwrap_or_else(|text| fault(400, &text)),
        _ => fault(405, "use GET or POST"),
    };
    answer.into_response(HeaderMap::new())
}

fn question<P: Pretend>(accounts: &Accounts<P>, name: &str, query: &str) -> Answer {
    let query = pairs(query);
    let text = |name: &str| query.get(name).map(String::as_str);
    let account = text("account");
    match (name, account) {
        ("health", _) => Answer::json(200, &json!({ "status": "ok" })),
        ("summary", _) => Answer::json(200, &accounts.summary()),
        ("ledger", None) => Answer::json(200, &accounts.ledgers()),
        ("ledger", Some(account)) => found(accounts.ledger(account)),
        ("totals", Some(account)) => found(accounts.totals(account)),
        ("settings", Some(account)) => found(accounts.settings(account)),
        ("record", Some(account)) => {
            let (object, external_id) = (text("object").unwrap_or_default(), text("external_id").unwrap_or_default());
            found(accounts.record(account, object, external_id))
        }
        _ => fault(404, "no such question, or it needs an account"),
    }
}

fn command<P: Pretend>(accounts: &Accounts<P>, name: &str, body: &[u8]) -> Result<Answer, String> {
    let is_known = match name {
        "accounts" => {
            let Open { account, settings } = read::<Open<P::Settings>>(body)?;
            accounts.open(&account, settings);
            true
        }
        "rules" => {
            let Rule { prefix, settings } = read::<Rule<P::Settings>>(body)?;
            accounts.open_by_prefix(&prefix, settings);
            true
        }
        "close" => read::<Which>(body)?.account.is_some_and(|account| accounts.close(&account)),
        "settings" => change(accounts, &read(body)?)?,
        "faults" => {
            let Rules { account, rules } = read(body)?;
            accounts.set_faults(account.as_deref(), rules)
        }
        "scripts" => {
            let Scripts { account, scripts } = read(body)?;
            scripts.into_iter().all(|script| accounts.add_script(account.as_deref(), script))
        }
        "clear" => accounts.clear_faults(read::<Which>(body)?.account.as_deref()),
        "consume" => {
            let Consume { account, calls } = read(body)?;
            accounts.consume(&account, calls)
        }
        "reset" => accounts.reset(read::<Which>(body)?.account.as_deref()),
        _ => return Ok(fault(404, "no such command")),
    };
    Ok(if is_known { Answer::json(200, &json!({ "status": "ok" })) } else { fault(404, "no such account") })
}

/// Sets the members named in `change`; all or none.
fn change<P: Pretend>(accounts: &Accounts<P>, Change { account, change }: &Change) -> Result<bool, String> {
    let changed = |settings: &P::Settings| -> Result<P::Settings, serde_json::Error> {
        let mut value = serde_json::to_value(settings)?;
        merge(&mut value, change);
        serde_json::from_value(value)
    };
    changed(&P::Settings::default()).map_err(|error| error.to_string())?;
    Ok(accounts.change(account.as_deref(), |settings| {
        if let Ok(new) = changed(settings) {
            *settings = new;
        }
    }))
}

fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn found(answer: Option<impl Serialize>) -> Answer {
    answer.map_or_else(|| fault(404, "no such account or record"), |answer| Answer::json(200, &answer))
}

fn fault(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({ "error": text }))
}

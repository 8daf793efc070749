//! A request as Zoho reads it: which operation on which module, and its body.
//! Not here: whether it is allowed, or what it does (`write`, `delete`, `read`).

use axum::http::{Method, request::Parts};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::simulated::{
    pretend::Asked,
    query::{decode, pairs},
    words::Operation,
};

/// One request, read.
#[derive(Debug)]
pub struct Call {
    pub(super) operation: Operation,
    /// The module's API name.
    pub(super) module: String,
    /// `X-EXTERNAL`: module and field that ids are of.
    pub(super) external: Option<String>,
    pub(super) body: Body,
    /// The keys of the inputs, as far as the request names them.
    keys: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Body {
    Absent,
    Records {
        records: Vec<Record>,
        /// `None`: the request does not say.
        check: Option<Vec<String>>,
    },
    Ids(Vec<String>),
    /// Not what the operation takes; the text says where.
    Malformed(String),
}

/// The fields of one record.
pub(super) type Record = Map<String, Value>;

#[derive(Deserialize)]
struct Given {
    data: Vec<Record>,
    #[serde(default)]
    duplicate_check_fields: Option<Vec<String>>,
}

impl Call {
    /// Reads a request. Never fails: what it cannot read is `Unknown` or `Malformed`.
    pub(super) fn read(head: &Parts, bytes: &[u8]) -> Self {
        let segments: Vec<&str> = head.uri.path().split('/').skip(1).collect();
        let (operation, module, value) = match segments.as_slice() {
            ["crm", "v8", rest @ ..] => route(&head.method, rest),
            _ => (Operation::Unknown, "", None),
        };
        let query = pairs(head.uri.query().unwrap_or_default());
        let ids = || query.get("ids").map(|ids| ids.split(',').map(str::to_owned).collect()).unwrap_or_default();
        let body = match operation {
            Operation::BatchUpsert | Operation::BatchCreate => records(bytes),
            Operation::BatchArchive | Operation::Read => Body::Ids(value.map_or_else(ids, |value| vec![decode(value)])),
            _ => Body::Absent,
        };
        let external = head.headers.get("x-external").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let keys = keys(&body);
        Self { operation, module: decode(module), external, body, keys }
    }
}

impl Asked for Call {
    fn operation(&self) -> Operation {
        self.operation
    }

    fn object(&self) -> &str {
        &self.module
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

/// The value of a field as text; empty: it has none. Names of fields have case.
pub(super) fn text(record: &Record, field: &str) -> String {
    record.get(field).map(shown).unwrap_or_default()
}

/// A value as the ledger shows it; `null` is no value.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn route<'a>(method: &Method, rest: &[&'a str]) -> (Operation, &'a str, Option<&'a str>) {
    match rest {
        [module, "upsert"] if method == Method::POST => (Operation::BatchUpsert, module, None),
        [module] if method == Method::POST => (Operation::BatchCreate, module, None),
        [module] if method == Method::DELETE => (Operation::BatchArchive, module, None),
        [module, value] if method == Method::DELETE => (Operation::BatchArchive, module, Some(value)),
        [module, value] if method == Method::GET => (Operation::Read, module, Some(value)),
        _ => (Operation::Unknown, "", None),
    }
}

fn records(bytes: &[u8]) -> Body {
    match serde_json::from_slice::<Given>(bytes) {
        Ok(given) => Body::Records { records: given.data, check: given.duplicate_check_fields },
        Err(error) => Body::Malformed(error.to_string()),
    }
}

/// The ledger files records under the value of the first field that tells them apart.
fn keys(body: &Body) -> Vec<String> {
    match body {
        Body::Records { records, check } => {
            let field = check.as_ref().and_then(|it| it.first()).map(String::as_str).unwrap_or_default();
            records.iter().map(|record| text(record, field)).collect()
        }
        Body::Ids(ids) => ids.clone(),
        Body::Absent | Body::Malformed(_) => Vec::new(),
    }
}

//! A request as Salesforce reads it: which operation on which object, and its body.
//! Not here: whether it is allowed, or what it does (`write`, `delete`, `read`).

use axum::http::{Method, Uri};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::simulated::{
    pretend::Asked,
    query::{decode, pairs},
    words::Operation,
};

/// URI and headers together may have so many bytes; the headers are not looked at.
const URI_MAX: usize = 16_384;

/// One request, read.
#[derive(Debug)]
pub struct Call {
    pub(super) operation: Operation,
    /// The object's API name; empty where records name their own.
    pub(super) object: String,
    /// The field by which records are named.
    pub(super) field: String,
    pub(super) body: Body,
    /// The keys of the inputs, as far as the request names them.
    keys: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Body {
    Absent,
    Records {
        all_or_none: bool,
        records: Vec<Record>,
    },
    Ids(Vec<String>),
    Soql(String),
    /// The value of the field in the path.
    Value(String),
    /// Not what the operation takes; the text says where.
    Malformed(String),
    UriTooLong,
}

/// One record of a collection.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) object: String,
    pub(super) fields: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Collection {
    #[serde(default)]
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

impl Call {
    /// Reads a request. Never fails: what it cannot read is `Unknown` or `Malformed`.
    pub(super) fn read(method: &Method, uri: &Uri, bytes: &[u8]) -> Self {
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let query = pairs(uri.query().unwrap_or_default());
        let text = |name: &str| query.get(name).cloned().unwrap_or_default();
        let (operation, object, field, value) = match segments.as_slice() {
            ["services", "data", version, rest @ ..] if version.starts_with('v') => route(method, rest),
            _ => (Operation::Unknown, "", "", ""),
        };
        let body = match operation {
            _ if URI_MAX < uri.to_string().len() => Body::UriTooLong,
            Operation::BatchUpsert | Operation::BatchCreate => collection(bytes),
            Operation::BatchArchive => Body::Ids(text("ids").split(',').map(str::to_owned).collect()),
            Operation::Query => Body::Soql(text("q")),
            Operation::Read => Body::Value(decode(value)),
            _ => Body::Absent,
        };
        let mut call = Self { operation, object: decode(object), field: decode(field), body, keys: Vec::new() };
        call.keys = call.named();
        call
    }

    fn named(&self) -> Vec<String> {
        match &self.body {
            Body::Records { records, .. } => records.iter().map(|record| record.text(&self.field)).collect(),
            Body::Ids(ids) => ids.clone(),
            Body::Absent | Body::Soql(_) | Body::Value(_) | Body::Malformed(_) | Body::UriTooLong => Vec::new(),
        }
    }
}

impl Asked for Call {
    fn operation(&self) -> Operation {
        self.operation
    }

    fn object(&self) -> &str {
        &self.object
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

impl Record {
    /// The value of a field as text; empty: it has none. Names of fields have no case.
    pub(super) fn text(&self, field: &str) -> String {
        let found = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
        found.map(|(_, value)| shown(value)).unwrap_or_default()
    }
}

/// A value as the ledger shows it; `null` is no value.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn route<'a>(method: &Method, rest: &[&'a str]) -> (Operation, &'a str, &'a str, &'a str) {
    match rest {
        ["composite", "sobjects", object, field] if method == Method::PATCH => {
            (Operation::BatchUpsert, object, field, "")
        }
        ["composite", "sobjects"] if method == Method::POST => (Operation::BatchCreate, "", "", ""),
        ["composite", "sobjects"] if method == Method::DELETE => (Operation::BatchArchive, "", "", ""),
        ["query"] if method == Method::GET => (Operation::Query, "", "", ""),
        ["sobjects", object, field, value] if method == Method::GET => (Operation::Read, object, field, value),
        _ => (Operation::Unknown, "", "", ""),
    }
}

fn collection(bytes: &[u8]) -> Body {
    let collection: Collection = match serde_json::from_slice(bytes) {
        Ok(collection) => collection,
        Err(error) => return Body::Malformed(error.to_string()),
    };
    let mut records = Vec::with_capacity(collection.records.len());
    for mut fields in collection.records {
        let attributes = fields.remove("attributes").unwrap_or_default();
        let Some(object) = attributes.get("type").and_then(Value::as_str) else {
            return Body::Malformed("a record has no attributes.type".to_owned());
        };
        if fields.values().any(Value::is_array) {
            return Body::Malformed("Cannot deserialize a field from START_ARRAY".to_owned());
        }
        records.push(Record { object: object.to_owned(), fields });
    }
    Body::Records { all_or_none: collection.all_or_none, records }
}

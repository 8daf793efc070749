//! A request as Pipedrive reads it: which operation on which record of which object, and its body.
//! Not here: whether it is allowed, or what it does (`write`, `read`, `fields`).

use std::collections::BTreeMap;

use axum::http::{Method, Uri};
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
    /// As paths name it: `persons`; of lists of fields the list's name.
    pub(super) object: String,
    /// The record's own id.
    pub(super) id: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Body,
    /// What stands in its custom field, if it has just one, else its own id.
    key: Option<String>,
}

#[derive(Debug)]
pub(super) enum Body {
    Absent,
    Record(Map<String, Value>),
    /// The text says where.
    Malformed(String),
}

impl Call {
    /// Reads a request. Never fails: what it cannot read is `Unknown` or `Malformed`.
    pub(super) fn read(method: &Method, uri: &Uri, bytes: &[u8]) -> Self {
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let (operation, object, id) = match segments.as_slice() {
            ["api", version @ ("v1" | "v2"), rest @ ..] => route(method, version, rest),
            _ => (Operation::Unknown, "", ""),
        };
        let body = match operation {
            Operation::Create | Operation::Update => match serde_json::from_slice(bytes) {
                Ok(Value::Object(members)) => Body::Record(members),
                Ok(_) => Body::Malformed("the body is no object".to_owned()),
                Err(error) => Body::Malformed(error.to_string()),
            },
            _ => Body::Absent,
        };
        let mut call = Self {
            operation,
            object: object.to_owned(),
            id: decode(id),
            query: pairs(uri.query().unwrap_or_default()),
            body,
            key: None,
        };
        call.key = call.named();
        call
    }

    /// A call that some other application makes.
    pub(super) fn of_another() -> Self {
        let (object, id, query, body) = ("persons".to_owned(), String::new(), BTreeMap::new(), Body::Absent);
        Self { operation: Operation::Update, object, id, query, body, key: None }
    }

    /// Its cost in tokens of the day: version 1 is twice as dear as version 2.
    pub(super) fn tokens(&self) -> u64 {
        let dear = if self.object == "leads" { 2 } else { 1 };
        dear * match self.operation {
            Operation::Create | Operation::Update => 5,
            Operation::Read => 1,
            Operation::Archive => 3,
            Operation::Search => 20 / dear,
            Operation::PropertyList => 10,
            _ => 0,
        }
    }

    fn named(&self) -> Option<String> {
        let Body::Record(members) = &self.body else {
            return Some(self.id.clone()).filter(|_| self.operation == Operation::Archive);
        };
        let custom = match members.get("custom_fields") {
            Some(Value::Object(custom)) => custom,
            _ => members,
        };
        let mut texts = custom.iter().filter(|(name, _)| is_key(name)).filter_map(|(_, value)| value.as_str());
        let only = texts.next().filter(|_| texts.next().is_none());
        Some(only.unwrap_or(&self.id).to_owned())
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
        self.key.iter().map(String::as_str)
    }
}

/// The key of a custom field.
pub(super) fn is_key(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn route<'a>(method: &Method, version: &str, rest: &[&'a str]) -> (Operation, &'a str, &'a str) {
    let unknown = (Operation::Unknown, "", "");
    match rest {
        ["itemSearch", "field"] if method == Method::GET && version == "v2" => (Operation::Search, "itemSearch", ""),
        [list @ ("personFields" | "organizationFields" | "dealFields")] if method == Method::GET => {
            (Operation::PropertyList, list, "")
        }
        [object, rest @ ..] if is_served(object, version) => match (rest, method) {
            ([], &Method::POST) => (Operation::Create, object, ""),
            ([id], &Method::GET) => (Operation::Read, object, id),
            ([id], &Method::PATCH) => (Operation::Update, object, id),
            ([id], &Method::DELETE) => (Operation::Archive, object, id),
            _ => unknown,
        },
        _ => unknown,
    }
}

/// Leads are written by version 1 alone; the rest of it is out of support.
fn is_served(object: &str, version: &str) -> bool {
    match object {
        "persons" | "organizations" | "deals" | "activities" => version == "v2",
        "leads" => version == "v1",
        _ => false,
    }
}

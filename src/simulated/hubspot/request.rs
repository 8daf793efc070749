//! A request as HubSpot reads it: which operation on which object, and its body.
//! Not here: whether it is allowed (`account`) or what it does (`write`, `read`, `search`, `properties`).

use std::collections::BTreeMap;

use axum::http::{Method, Uri};
use serde::Deserialize;

use crate::simulated::{
    pretend::Asked,
    query::{decode, pairs},
    words::Operation,
};

/// One request, read.
#[derive(Debug)]
pub struct Call {
    pub(super) operation: Operation,
    /// The object's plural API name (`contacts`), whatever name or type id was used.
    pub(super) object: String,
    /// The record's id or key, or the property's name.
    pub(super) id: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Absent,
    Batch(Batch),
    Search(Search),
    Property(serde_json::Value),
    /// Not what the operation takes; the text says where.
    Malformed(String),
}

/// The body of every batch operation; a single write is a batch of one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Batch {
    pub(super) inputs: Vec<Input>,
    pub(super) id_property: Option<String>,
    pub(super) properties: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Input {
    pub(super) id: String,
    pub(super) id_property: Option<String>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) object_write_trace_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Search {
    pub(super) filter_groups: Vec<FilterGroup>,
    pub(super) properties: Vec<String>,
    pub(super) limit: Option<usize>,
    pub(super) after: Option<serde_json::Value>,
    pub(super) query: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FilterGroup {
    pub(super) filters: Vec<Filter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Filter {
    pub(super) property_name: String,
    pub(super) operator: String,
    pub(super) value: Option<String>,
    pub(super) high_value: Option<String>,
    pub(super) values: Vec<String>,
}

impl Call {
    /// Reads a request. Never fails: what it cannot read is `Unknown` or `Malformed`.
    pub(super) fn read(method: &Method, uri: &Uri, bytes: &[u8]) -> Self {
        let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
        let (operation, object, id) = route(method, &segments);
        let mut call = Self {
            operation,
            object: plural(&decode(object)),
            id: decode(id),
            query: pairs(uri.query().unwrap_or_default()),
            body: Body::Absent,
        };
        call.body = call.read_body(bytes);
        call
    }

    /// The inputs of a batch; empty for other operations.
    pub(super) fn inputs(&self) -> &[Input] {
        match &self.body {
            Body::Batch(batch) => &batch.inputs,
            Body::Absent | Body::Search(_) | Body::Property(_) | Body::Malformed(_) => &[],
        }
    }

    fn read_body(&self, bytes: &[u8]) -> Body {
        use Operation::{
            Archive, BatchArchive, BatchCreate, BatchRead, BatchUpdate, BatchUpsert, Create, PropertyCreate,
            PropertyList, PropertyRead, Query, Read, Search, Unknown, Update,
        };
        let read = match self.operation {
            BatchUpsert | BatchCreate | BatchUpdate | BatchRead | BatchArchive => {
                serde_json::from_slice(bytes).map(Body::Batch)
            }
            Create | Update => serde_json::from_slice(bytes).map(|input| self.alone(input)),
            Search => serde_json::from_slice(bytes).map(Body::Search),
            PropertyCreate => serde_json::from_slice(bytes).map(Body::Property),
            Read | Archive | PropertyRead | PropertyList | Query | Unknown => Ok(Body::Absent),
        };
        read.unwrap_or_else(|error| Body::Malformed(error.to_string()))
    }

    fn alone(&self, input: Input) -> Body {
        let id_property = self.query.get("idProperty").cloned();
        let input = Input { id: self.id.clone(), id_property, ..input };
        Body::Batch(Batch { inputs: vec![input], ..Batch::default() })
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
        self.inputs().iter().map(|input| input.id.as_str())
    }
}

/// Both ways to write a path: `/crm/v3/objects/contacts/…` and `/crm/objects/2026-09/contacts/…`.
fn route<'a>(method: &Method, segments: &[&'a str]) -> (Operation, &'a str, &'a str) {
    match segments {
        ["crm", "v3", "objects", rest @ ..] => object_route(method, rest),
        ["crm", "objects", date, rest @ ..] if is_version(date) => object_route(method, rest),
        ["crm", "v3", "properties", rest @ ..] => property_route(method, rest),
        ["crm", "properties", date, rest @ ..] if is_version(date) => property_route(method, rest),
        _ => (Operation::Unknown, "", ""),
    }
}

fn object_route<'a>(method: &Method, rest: &[&'a str]) -> (Operation, &'a str, &'a str) {
    let (get, post) = (method == Method::GET, method == Method::POST);
    match rest {
        [object, "batch", "upsert"] if post => (Operation::BatchUpsert, object, ""),
        [object, "batch", "create"] if post => (Operation::BatchCreate, object, ""),
        [object, "batch", "update"] if post => (Operation::BatchUpdate, object, ""),
        [object, "batch", "read"] if post => (Operation::BatchRead, object, ""),
        [object, "batch", "archive"] if post => (Operation::BatchArchive, object, ""),
        [object, "search"] if post => (Operation::Search, object, ""),
        [object] if post => (Operation::Create, object, ""),
        [object, id] if get => (Operation::Read, object, id),
        [object, id] if method == Method::PATCH => (Operation::Update, object, id),
        [object, id] if method == Method::DELETE => (Operation::Archive, object, id),
        _ => (Operation::Unknown, "", ""),
    }
}

fn property_route<'a>(method: &Method, rest: &[&'a str]) -> (Operation, &'a str, &'a str) {
    match rest {
        [object] if method == Method::POST => (Operation::PropertyCreate, object, ""),
        [object] if method == Method::GET => (Operation::PropertyList, object, ""),
        [object, name] if method == Method::GET => (Operation::PropertyRead, object, name),
        _ => (Operation::Unknown, "", ""),
    }
}

fn is_version(segment: &str) -> bool {
    segment.len() == 7 && segment.starts_with("20")
}

/// Names and type ids of the standard objects mean the same; any other name stands for itself.
fn plural(object: &str) -> String {
    let lower = object.to_ascii_lowercase();
    match lower.as_str() {
        "0-1" | "contact" | "contacts" => "contacts",
        "0-2" | "company" | "companies" => "companies",
        "0-3" | "deal" | "deals" => "deals",
        "0-48" | "call" | "calls" => "calls",
        "0-136" | "lead" | "leads" => "leads",
        other => other,
    }
    .to_owned()
}

/// The type id in some error texts.
pub(super) fn type_id(object: &str) -> &str {
    match object {
        "contacts" => "0-1",
        "companies" => "0-2",
        "deals" => "0-3",
        "calls" => "0-48",
        "leads" => "0-136",
        other => other,
    }
}

//! Writes Salesforce's requests: upsert of a collection, query of record ids, delete of a collection.
//! Not here: what comes back, sending.

use super::schema::{Record, name, quoted};
use crate::crm::percent::percent_encoded;
use crate::crm::replies::Replies;
use crate::crm::{Access, Request};
use crate::model::{Call, Fault, Reason, Reply};
use http::Method;
use serde::Serialize;

/// Spring '26. Salesforce keeps a version for at least three years.
const VERSION: &str = "v66.0";
/// URI and headers together may have 16,384 bytes; the access token is among the headers.
const URL_BYTES_MAX: usize = 12_000;
/// The longest value of a text field that can be an external ID.
const EXTERNAL_ID_CHARS_MAX: usize = 255;

/// Upserts the open inputs by the external-ID field. An input whose properties cannot be told to Salesforce gets its
/// reply here and is left out; none, if no input is left.
///
/// # Errors
/// The call as a whole cannot be sent: the reply for every input still open.
pub(super) fn upsert(call: &Call, access: &Access, replies: &mut Replies) -> Result<Option<Request>, Reply> {
    let object = name(&call.object).map_err(wrong)?;
    let id_field = &*access.external_id_property;
    let mut records = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        let record = named(&input.external_id)
            .and_then(|external_id| Record::read(&input.properties.0, object, (id_field, external_id)));
        match record {
            Ok(record) => records.push(record),
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    let mut body = Vec::with_capacity(size(call));
    let collection = Collection { all_or_none: false, records };
    serde_json::to_writer(&mut body, &collection).map_err(|_| wrong("the inputs cannot be written as JSON"))?;
    let url = url(access, &format!("composite/sobjects/{object}/{id_field}"));
    Ok(Some(Request { method: Method::PATCH, url, authorization: access.bearer()?, special: None, body }))
}

/// A query, or that its inputs are too many for one.
pub(super) enum Query {
    Fits(Box<Request>),
    TooLong,
    /// No input is left to ask for.
    Nothing,
}

/// Reads the record ids of the inputs by the external-ID field. By a query: in a path, values that end like a file's
/// name (`.inc`) are not found.
///
/// # Errors
/// As `upsert`.
pub(super) fn query(call: &Call, access: &Access, replies: &mut Replies) -> Result<Query, Reply> {
    let object = name(&call.object).map_err(wrong)?;
    let id_field = &*access.external_id_property;
    let mut values = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        match named(&input.external_id).and_then(short) {
            Ok(external_id) => values.push(quoted(external_id)),
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    if values.is_empty() {
        return Ok(Query::Nothing);
    }
    let soql = format!("SELECT Id,{id_field} FROM {object} WHERE {id_field} IN ({})", values.join(","));
    let url = url(access, &format!("query?q={}", percent_encoded(&soql)));
    if URL_BYTES_MAX < url.len() && 1 < values.len() {
        return Ok(Query::TooLong);
    }
    Ok(Query::Fits(Box::new(Request {
        method: Method::GET,
        url,
        authorization: access.bearer()?,
        special: None,
        body: Vec::new(),
    })))
}

/// Deletes records by their own ids: letters and digits, each once.
///
/// # Errors
/// As `upsert`.
pub(super) fn delete(access: &Access, records: &[&str]) -> Result<Request, Reply> {
    let url = url(access, &format!("composite/sobjects?ids={}&allOrNone=false", records.join(",")));
    Ok(Request { method: Method::DELETE, url, authorization: access.bearer()?, special: None, body: Vec::new() })
}

#[derive(Serialize)]
struct Collection<'a> {
    #[serde(rename = "allOrNone")]
    all_or_none: bool,
    records: Vec<Record<'a>>,
}

fn url(access: &Access, path: &str) -> String {
    format!("{}/services/data/{VERSION}/{path}", access.base_url.trim_end_matches('/'))
}

fn named(external_id: &str) -> Result<&str, &'static str> {
    if external_id.is_empty() { Err("the external id is empty") } else { Ok(external_id) }
}

fn short(external_id: &str) -> Result<&str, &'static str> {
    let fits = external_id.chars().count() <= EXTERNAL_ID_CHARS_MAX;
    if fits { Ok(external_id) } else { Err("the external id is longer than 255 characters") }
}

/// About how long the body gets.
fn size(call: &Call) -> usize {
    call.inputs.iter().map(|input| input.properties.0.len() + input.external_id.len() + 96).sum()
}

fn wrong(why: &'static str) -> Reply {
    let (reason, message) = (Reason::BadRequest, why.to_owned());
    Reply::Permanent(Fault { reason, status: None, code: None, message, retry_after: None })
}

//! Writes Zoho's requests: an upsert of up to 100 records, a delete of as many by their external IDs.
//! Not here: what comes back, sending.

use super::schema::{Record, module};
use crate::crm::percent::percent_encoded;
use crate::crm::replies::Replies;
use crate::crm::{Access, Request};
use crate::model::{Call, Fault, Operation, Reason, Reply};
use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde::Serialize;

const SCHEME: &str = "Zoho-oauthtoken";
/// Names the field that ids are of: `X-EXTERNAL: Contacts.External_ID`.
const EXTERNAL: HeaderName = HeaderName::from_static("x-external");
/// Common servers refuse longer request lines; Zoho's bound is not documented.
const URL_BYTES_MAX: usize = 8_000;
/// The longest value of a single-line field.
const EXTERNAL_ID_CHARS_MAX: usize = 255;

/// A request; or that its inputs are too many for one, or none.
pub(super) enum Written {
    Fits(Box<Request>),
    TooLong,
    /// No input is left to send.
    Nothing,
}

/// The request that makes `call`. An input that cannot be told to Zoho gets its reply here and is left out.
///
/// # Errors
/// The call as a whole cannot be sent: the reply for every input still open.
pub(super) fn written(call: &Call, access: &Access, replies: &mut Replies) -> Result<Written, Reply> {
    let module = module(&call.object).map_err(wrong)?;
    match call.operation {
        Operation::Upsert => upsert(call, access, (module, replies)),
        Operation::Archive => delete(call, access, (module, replies)),
    }
}

#[derive(Serialize)]
struct Upsert<'a> {
    data: Vec<Record<'a>>,
    /// Without it, records of equal e-mail or name would become one.
    duplicate_check_fields: [&'a str; 1],
}

fn upsert(call: &Call, access: &Access, (module, replies): (&str, &mut Replies)) -> Result<Written, Reply> {
    let id_field = &*access.external_id_property;
    let mut data = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        let record = named(&input.external_id).and_then(|it| Record::read(&input.properties.0, (id_field, it)));
        match record {
            Ok(record) => data.push(record),
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    if data.is_empty() {
        return Ok(Written::Nothing);
    }
    let mut body = Vec::with_capacity(size(call));
    let written = serde_json::to_writer(&mut body, &Upsert { data, duplicate_check_fields: [id_field] });
    written.map_err(|_| wrong("the inputs cannot be written as JSON"))?;
    let url = url(access, &format!("{module}/upsert"));
    let authorization = access.authorization(SCHEME)?;
    Ok(Written::Fits(Box::new(Request { method: Method::POST, url, authorization, special: None, body })))
}

/// By the external field, as the CRM itself holds it: a search could miss what was written a moment ago.
fn delete(call: &Call, access: &Access, (module, replies): (&str, &mut Replies)) -> Result<Written, Reply> {
    let mut ids = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        match named(&input.external_id).and_then(listable) {
            Ok(external_id) => ids.push(percent_encoded(external_id)),
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    if ids.is_empty() {
        return Ok(Written::Nothing);
    }
    let url = url(access, &format!("{module}?ids={}", ids.join(",")));
    if URL_BYTES_MAX < url.len() && 1 < ids.len() {
        return Ok(Written::TooLong);
    }
    let field = HeaderValue::try_from(format!("{module}.{}", access.external_id_property));
    let field = field.map_err(|_| wrong("the external-id property fits no header; check external_id_property"))?;
    let (authorization, special) = (access.authorization(SCHEME)?, Some((EXTERNAL, field)));
    Ok(Written::Fits(Box::new(Request { method: Method::DELETE, url, authorization, special, body: Vec::new() })))
}

fn url(access: &Access, path: &str) -> String {
    format!("{}/crm/v8/{path}", access.base_url.trim_end_matches('/'))
}

fn named(external_id: &str) -> Result<&str, &'static str> {
    if external_id.is_empty() { Err("the external id is empty") } else { Ok(external_id) }
}

/// A comma would end it, and the rest of it name another record.
fn listable(external_id: &str) -> Result<&str, &'static str> {
    if external_id.contains(',') {
        return Err(
            "the external id holds a comma, which ends an id where Zoho is told what to delete; delete it there",
        );
    }
    let fits = external_id.chars().count() <= EXTERNAL_ID_CHARS_MAX;
    if fits { Ok(external_id) } else { Err("the external id is longer than 255 characters") }
}

/// About how long the body gets.
fn size(call: &Call) -> usize {
    call.inputs.iter().map(|input| input.properties.0.len() + input.external_id.len() + 48).sum::<usize>() + 64
}

fn wrong(why: &'static str) -> Reply {
    Reply::Permanent(bad(why.to_owned()))
}

pub(super) fn too_long() -> Fault {
    bad("the external ids are too long for one request; asked again in smaller calls".to_owned())
}

fn bad(message: String) -> Fault {
    Fault { reason: Reason::BadRequest, status: None, code: None, message, retry_after: None }
}

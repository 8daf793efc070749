//! Writes HubSpot's batch requests.
//! Not here: what comes back, sending.

use super::schema::{Values, segment};
use crate::crm::replies::Replies;
use crate::crm::{Access, Request};
use crate::model::{Call, CallId, Fault, Reason, Reply};
use http::Method;
use serde::{Serialize, Serializer};

/// Upserts the open inputs by the external-ID property. An input whose properties cannot be told to HubSpot gets its
/// reply here and is left out; none, if no input is left.
///
/// # Errors
/// The call as a whole cannot be sent: the reply for every input still open.
pub(super) fn upsert(call: &Call, access: &Access, replies: &mut Replies) -> Result<Option<Request>, Reply> {
    let id_property = &*access.external_id_property;
    let mut inputs = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        let values = named(&input.external_id)
            .and_then(|external_id| Values::read(&input.properties.0, id_property, external_id));
        match values {
            Ok(properties) => {
                inputs.push(UpsertInput { id: &input.external_id, id_property, trace: Trace(call.id, at), properties });
            }
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    if inputs.is_empty() { Ok(None) } else { request(call, access, "upsert", &Body { inputs }).map(Some) }
}

/// Reads the record ids of the inputs by the external-ID property.
///
/// # Errors
/// As `upsert`.
pub(super) fn read(call: &Call, access: &Access, replies: &mut Replies) -> Result<Option<Request>, Reply> {
    let mut inputs = Vec::with_capacity(call.inputs.len());
    for (at, input) in call.inputs.iter().enumerate() {
        match named(&input.external_id) {
            Ok(id) => inputs.push(IdInput { id }),
            Err(why) => replies.give(at, wrong(why)),
        }
    }
    let id_property = &*access.external_id_property;
    let body = ReadBody { id_property, properties: [id_property], inputs };
    if body.inputs.is_empty() { Ok(None) } else { request(call, access, "read", &body).map(Some) }
}

/// Archives records by their own ids.
///
/// # Errors
/// As `upsert`.
pub(super) fn archive(call: &Call, access: &Access, records: &[&str]) -> Result<Request, Reply> {
    request(call, access, "archive", &Body { inputs: records.iter().map(|id| IdInput { id }).collect() })
}

/// Names an input within its call, so that an error in an answer finds its way back.
pub(super) struct Trace(pub(super) CallId, pub(super) usize);

impl Trace {
    /// Which input of `call` this trace names.
    pub(super) fn input_of(call: CallId, trace: &str) -> Option<usize> {
        let (id, input) = trace.split_once('-')?;
        if id.parse() == Ok(call.0) { input.parse().ok() } else { None }
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.0.0, self.1))
    }
}

#[derive(Serialize)]
struct Body<I> {
    inputs: Vec<I>,
}

#[derive(Serialize)]
struct UpsertInput<'a> {
    id: &'a str,
    #[serde(rename = "idProperty")]
    id_property: &'a str,
    #[serde(rename = "objectWriteTraceId")]
    trace: Trace,
    properties: Values<'a>,
}

#[derive(Serialize)]
struct ReadBody<'a> {
    #[serde(rename = "idProperty")]
    id_property: &'a str,
    properties: [&'a str; 1],
    inputs: Vec<IdInput<'a>>,
}

#[derive(Serialize)]
struct IdInput<'a> {
    id: &'a str,
}

fn named(external_id: &str) -> Result<&str, &'static str> {
    if external_id.is_empty() { Err("the external id is empty") } else { Ok(external_id) }
}

fn request(call: &Call, access: &Access, verb: &str, body: &impl Serialize) -> Result<Request, Reply> {
    let object = segment(&call.object).map_err(wrong)?;
    let url = format!("{}/crm/v3/objects/{object}/batch/{verb}", access.base_url.trim_end_matches('/'));
    let mut written = Vec::with_capacity(size(call));
    serde_json::to_writer(&mut written, body).map_err(|_| wrong("the inputs cannot be written as JSON"))?;
    Ok(Request { method: Method::POST, url, authorization: access.bearer()?, special: None, body: written })
}

/// About how long the body gets.
fn size(call: &Call) -> usize {
    call.inputs.iter().map(|input| input.properties.0.len() + 2 * input.external_id.len() + 128).sum()
}

fn wrong(why: &'static str) -> Reply {
    Reply::Permanent(fault(Reason::BadRequest, why))
}

fn fault(reason: Reason, why: &'static str) -> Fault {
    Fault { reason, status: None, code: None, message: why.to_owned(), retry_after: None }
}

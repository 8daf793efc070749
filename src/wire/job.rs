//! A message of `.jobs` becomes a job, or words that say why it is none (DESIGN §3.2).
//! Not here: routes and mappings; whether the tenant exists.
//!
//! Total and bounded: at most `VALUE_BYTES_MAX` bytes, at most `DEPTH_MAX` levels, no recursion beyond them, and no
//! text of a payload in a fault. Unknown fields are ignored, so that producers may send more than is read today.

mod envelope;
mod scan;
#[cfg(test)]
mod tests;

use crate::model::{Change, IdempotencyKey, Job, Message, Millis, Object, Operation, Properties, Reason, TenantId};
use crate::wire::moment;
use envelope::{Envelope, Found, Kind, Payload, Shape};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// The largest value that is looked into; Kafka's own default for a message is about the same.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Arrays and objects inside one another, the value itself included.
pub const DEPTH_MAX: usize = 64;
/// Tenant, event type, idempotency key, connection, object, external id: each at most this long.
pub const TEXT_BYTES_MAX: usize = 512;

const WHAT_BYTES_MAX: usize = 300;
const FUTURE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a message of `.jobs` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// No value: nothing to apply.
    Tombstone,
    Job(Job),
}

/// Why a message cannot be used; goes to the dead letter topic with it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub struct Malformed {
    pub reason: Reason,
    /// For people: at most 300 bytes, names of fields but never their values.
    pub what: String,
}

impl Malformed {
    /// A fault that makes a message no job.
    pub(super) fn new(what: impl Into<String>) -> Self {
        let mut what = what.into();
        what.truncate(what.floor_char_boundary(WHAT_BYTES_MAX));
        Self { reason: Reason::InvalidJob, what }
    }
}

/// Reads a message of `.jobs`. Never blocks, never panics.
///
/// # Errors
/// When the value is no job, with the first fault found.
pub fn decode(message: &Message) -> Result<Decoded, Malformed> {
    let Some(value) = &message.value else { return Ok(Decoded::Tombstone) };
    let text = text(value)?;
    let envelope = match serde_json::from_str::<Shape<'_, Envelope<'_>>>(text) {
        Ok(Shape::Object(envelope)) => envelope,
        Ok(Shape::Text(_)) => return Err(not_an_object("the value", Kind::Text)),
        Ok(Shape::Other(kind)) => return Err(not_an_object("the value", kind)),
        Err(error) if error.is_data() => return Err(Malformed::new(error.to_string())),
        Err(error) => return Err(Malformed::new(format!("the value is not JSON: {error}"))),
    };
    job(envelope, message.timestamp).map(Decoded::Job)
}

fn text(value: &[u8]) -> Result<&str, Malformed> {
    if VALUE_BYTES_MAX < value.len() {
        let what = format!("the value has {} bytes, more than {VALUE_BYTES_MAX}", value.len());
        return Err(Malformed::new(what));
    }
    if value.first() == Some(&0) {
        let what = "the value is not JSON: it begins with a zero byte, as Schema Registry formats do";
        return Err(Malformed::new(what));
    }
    let text = std::str::from_utf8(value)
        .map_err(|error| Malformed::new(format!("the value is not UTF-8 after byte {}", error.valid_up_to())))?;
    match scan::first_fault(text, DEPTH_MAX) {
        None => Ok(text),
        Some(fault) => Err(Malformed::new(fault)),
    }
}

fn not_an_object(place: &str, kind: Kind) -> Malformed {
    Malformed::new(format!("{place} must be an object, not {}", kind.name()))
}

fn job(envelope: Envelope<'_>, timestamp: Millis) -> Result<Job, Malformed> {
    Ok(Job {
        tenant: TenantId(required("tenant_id", envelope.tenant_id)?),
        event_type: required("event_type", envelope.event_type)?,
        idempotency_key: IdempotencyKey(required("idempotency_key", envelope.idempotency_key)?),
        occurred_at: occurred_at(envelope.occurred_at, timestamp)?,
        connection: optional("connection", envelope.connection)?.map(|it| checked("connection", &it)).transpose()?,
        change: change(envelope.payload)?,
    })
}

fn change(payload: Option<Shape<'_, Payload<'_>>>) -> Result<Change, Malformed> {
    let payload = match payload {
        None => return Err(missing("payload")),
        Some(Shape::Object(payload)) => payload,
        Some(Shape::Text(_)) => return Err(not_an_object("field `payload`", Kind::Text)),
        Some(Shape::Other(kind)) => return Err(not_an_object("field `payload`", kind)),
    };
    let operation = operation(payload.operation)?;
    Ok(Change {
        object: Object(required("payload.object", payload.object)?),
        external_id: required("payload.external_id", payload.external_id)?,
        operation,
        properties: properties(payload.properties, operation)?,
    })
}

fn operation(found: Option<Found<'_>>) -> Result<Operation, Malformed> {
    match optional("payload.operation", found)?.as_deref() {
        None | Some("upsert") => Ok(Operation::Upsert),
        Some("archive") => Ok(Operation::Archive),
        Some(_) => Err(Malformed::new("field `payload.operation` is neither `upsert` nor `archive`")),
    }
}

/// The text as it came. Who archives a record need not say what was in it.
fn properties(found: Option<&RawValue>, operation: Operation) -> Result<Properties, Malformed> {
    let text = match (found.map(RawValue::get), operation) {
        (None | Some("null"), Operation::Archive) => "{}",
        (None, Operation::Upsert) => return Err(missing("payload.properties")),
        (Some(text), _) => text,
    };
    let kind = Kind::of_json(text);
    if kind == Kind::Object {
        Ok(Properties(Arc::from(text)))
    } else {
        Err(not_an_object("field `payload.properties`", kind))
    }
}

/// The event's own time. What cannot be true (over a day ahead of the message, or before 1970) is not believed, because
/// sync lag is counted from here; the message's timestamp stands in for it.
fn occurred_at(found: Option<Found<'_>>, timestamp: Millis) -> Result<Millis, Malformed> {
    let Some(text) = optional("occurred_at", found)? else { return Ok(timestamp) };
    let moment = moment::read(&text).ok_or_else(|| {
        Malformed::new("field `occurred_at` is not an RFC 3339 time with offset, such as 2026-01-31T12:00:00Z")
    })?;
    let latest = if timestamp == Millis(0) { Millis(u64::MAX) } else { timestamp.after(FUTURE_MAX) };
    Ok(u64::try_from(moment).map(Millis).ok().filter(|it| *it <= latest).unwrap_or(timestamp))
}

fn required(field: &str, found: Option<Found<'_>>) -> Result<Arc<str>, Malformed> {
    match found {
        None => Err(missing(field)),
        Some(Shape::Text(text)) => checked(field, &text),
        Some(Shape::Object(_)) => Err(not_text(field, Kind::Object)),
        Some(Shape::Other(kind)) => Err(not_text(field, kind)),
    }
}

fn optional<'a>(field: &str, found: Option<Found<'a>>) -> Result<Option<Cow<'a, str>>, Malformed> {
    match found {
        None | Some(Shape::Other(Kind::Null)) => Ok(None),
        Some(Shape::Text(text)) => Ok(Some(text)),
        Some(Shape::Object(_)) => Err(not_text(field, Kind::Object)),
        Some(Shape::Other(kind)) => Err(not_text(field, kind)),
    }
}

fn checked(field: &str, text: &str) -> Result<Arc<str>, Malformed> {
    if TEXT_BYTES_MAX < text.len() {
        let what = format!("field `{field}` has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
        return Err(Malformed::new(what));
    }
    if let Some(at) = text.find(char::is_control) {
        return Err(Malformed::new(format!("field `{field}` has a control character at byte {at}")));
    }
    if text.trim_ascii().is_empty() {
        return Err(Malformed::new(format!("field `{field}` is empty")));
    }
    Ok(Arc::from(text))
}

fn missing(field: &str) -> Malformed {
    Malformed::new(format!("field `{field}` is missing"))
}

fn not_text(field: &str, kind: Kind) -> Malformed {
    let advice = if kind == Kind::Number { "; put it in quotes" } else { "" };
    Malformed::new(format!("field `{field}` must be a string, not {}{advice}", kind.name()))
}

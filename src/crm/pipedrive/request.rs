//! Writes Pipedrive's requests: list of fields, search, and one record read, created, changed or deleted.
//! Not here: what comes back, sending.

use super::schema::{KeyField, Kind, body, is_field_key, is_record_id};
use crate::crm::percent::percent_encoded;
use crate::crm::{Access, Authorization, Request};
use crate::model::{CallInput, Fault, Reason, Reply};
use http::Method;
use http::header::HeaderName;
use secrecy::ExposeSecret;

/// For a user's API token; an OAuth access token goes as a bearer's (authentication guide).
const API_TOKEN: HeaderName = HeaderName::from_static("x-api-token");
/// Most fields of one page.
const FIELDS_MAX: usize = 500;
/// The longest value of a text field.
const EXTERNAL_ID_CHARS_MAX: usize = 255;

/// A page of the list of an object's fields.
///
/// # Errors
/// Of all of these: it cannot be sent; the reply for the input.
pub(super) fn fields(access: &Access, key: &KeyField, cursor: Option<&str>) -> Result<Request, Reply> {
    let cursor = cursor.map(|it| format!("&cursor={}", percent_encoded(it))).unwrap_or_default();
    bare(access, Method::GET, &format!("api/v2/{}?limit={FIELDS_MAX}{cursor}", key.list))
}

/// Searches for records whose `field` is exactly our external ID; case counts there. No more than `most` are told.
pub(super) fn search(
    access: &Access,
    key: &KeyField,
    (field, external_id): (&str, &str),
    most: usize,
) -> Result<Request, Reply> {
    let (term, entity) = (percent_encoded(external_id), key.entity);
    let query = format!("term={term}&entity_type={entity}&field={field}&match=exact&limit={most}");
    bare(access, Method::GET, &format!("api/v2/itemSearch/field?{query}"))
}

/// Reads one record, of its custom fields only `field`.
pub(super) fn read(access: &Access, kind: &Kind, (record_id, field): (&str, &str)) -> Result<Request, Reply> {
    let only = kind.key.as_ref().filter(|it| it.nested).map(|_| format!("?custom_fields={field}")).unwrap_or_default();
    bare(access, Method::GET, &format!("{}{only}", place(kind, record_id)?))
}

/// `field`: where the external ID goes, if anywhere.
pub(super) fn create(
    access: &Access,
    kind: &Kind,
    (input, field): (&CallInput, Option<&str>),
) -> Result<Request, Reply> {
    write(access, (Method::POST, kind.path), kind, (input, field))
}

pub(super) fn update(
    access: &Access,
    kind: &Kind,
    record_id: &str,
    (input, field): (&CallInput, Option<&str>),
) -> Result<Request, Reply> {
    write(access, (Method::PATCH, &place(kind, record_id)?), kind, (input, field))
}

pub(super) fn delete(access: &Access, kind: &Kind, record_id: &str) -> Result<Request, Reply> {
    bare(access, Method::DELETE, &place(kind, record_id)?)
}

/// # Errors
/// An external ID that no field could hold.
pub(super) fn check(kind: &Kind, external_id: &str) -> Result<(), Reply> {
    if external_id.is_empty() {
        return Err(wrong("the external id is empty"));
    }
    if kind.key.is_some() && EXTERNAL_ID_CHARS_MAX < external_id.chars().count() {
        return Err(wrong("the external id is longer than 255 characters"));
    }
    Ok(())
}

pub(super) fn wrong(why: &str) -> Reply {
    let (reason, message) = (Reason::BadRequest, why.to_owned());
    Reply::Permanent(Fault { reason, status: None, code: None, message, retry_after: None })
}

fn place(kind: &Kind, record_id: &str) -> Result<String, Reply> {
    if is_record_id(record_id) {
        return Ok(format!("{}/{record_id}", kind.path));
    }
    Err(wrong("the record id is none of Pipedrive's"))
}

fn bare(access: &Access, method: Method, path: &str) -> Result<Request, Reply> {
    let authorization = authorization(access)?;
    Ok(Request { method, url: url(access, path), authorization, special: None, body: Vec::new() })
}

fn write(
    access: &Access,
    (method, path): (Method, &str),
    kind: &Kind,
    (input, field): (&CallInput, Option<&str>),
) -> Result<Request, Reply> {
    let own = field.map(|field| (field, &*input.external_id));
    let body = body(kind, &input.properties.0, own).map_err(wrong)?;
    let authorization = authorization(access)?;
    Ok(Request { method, url: url(access, path), authorization, special: None, body })
}

fn url(access: &Access, path: &str) -> String {
    format!("{}/{path}", access.base_url.trim_end_matches('/'))
}

/// An API token has the shape of a field's key: 40 hex digits. Those of OAuth are longer and have other letters.
fn authorization(access: &Access) -> Result<Authorization, Reply> {
    if is_field_key(access.access_token.expose_secret()) { access.under(API_TOKEN) } else { access.bearer() }
}

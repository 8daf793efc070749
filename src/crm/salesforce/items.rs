//! Reads single results: of upserted records, of deleted ones, and the rows of a query.
//! Not here: refusals of a whole request (`reply`).

use super::fault::{Words, is_record_id};
use super::reply::unanswered;
use crate::model::{Call, Fault, Reason, Reply};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A result of a collection; every member may be missing. One that failed has no id.
#[derive(Deserialize)]
struct Item {
    id: Option<String>,
    success: Option<bool>,
    created: Option<bool>,
    errors: Option<Vec<Value>>,
    #[serde(rename = "errorCode")]
    error_code: Option<Value>,
}

/// The reply to an upserted record.
pub(super) fn upserted(result: &RawValue, status: u16, id_field: &str) -> Reply {
    let Ok(item) = serde_json::from_str::<Item>(result.get()) else {
        return unanswered(Some(status));
    };
    match error(&item, result) {
        Some(words) => words.reply(status, id_field),
        None => applied(item, status),
    }
}

/// The reply to a deleted record; being gone is being deleted.
pub(super) fn deleted(result: &RawValue, status: u16) -> Reply {
    let Ok(item) = serde_json::from_str::<Item>(result.get()) else {
        return unanswered(Some(status));
    };
    match error(&item, result) {
        Some(words) if words.code_is("ENTITY_IS_DELETED") || words.code_is("NOT_FOUND") => gone(),
        Some(words) => words.reply(status, ""),
        None => applied(item, status),
    }
}

/// The reply to an archive of what the CRM does not have.
pub(super) fn gone() -> Reply {
    Reply::Applied { record_id: String::new(), created: false }
}

/// An error goes before a success that it stands beside.
fn error(item: &Item, result: &RawValue) -> Option<Words> {
    if let Some(error) = item.errors.as_ref().and_then(|it| it.first()) {
        return Some(Words::of(error));
    }
    // The shape of a whole request's error, in place of a result.
    item.error_code.as_ref()?;
    Some(Words::of(&serde_json::from_str(result.get()).unwrap_or_default()))
}

fn applied(item: Item, status: u16) -> Reply {
    match (item.success, item.id) {
        (Some(true), Some(id)) if is_record_id(&id) => {
            Reply::Applied { record_id: id, created: item.created == Some(true) }
        }
        _ => unanswered(Some(status)),
    }
}

/// The record that an input means.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) input: usize,
    pub(super) record_id: String,
}

/// The rows of a query.
pub(super) struct Rows(Vec<(String, String)>);

impl Rows {
    /// The record ids and external IDs in the answer to a query; none if it is none, or not all of one.
    pub(super) fn read(body: &[u8], id_field: &str) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let rows = body.get("records")?.as_array()?;
        let done = body.get("done").and_then(Value::as_bool) == Some(true);
        let rows: Option<Vec<_>> = rows.iter().map(|row| Self::row(row, id_field)).collect();
        rows.filter(|_| done).map(Self)
    }

    fn row(row: &Value, id_field: &str) -> Option<(String, String)> {
        let members = row.as_object()?;
        let (_, value) = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(id_field))?;
        let id = members.get("Id")?.as_str().filter(|it| is_record_id(it))?;
        Some((id.to_owned(), value.as_str()?.to_owned()))
    }

    /// Which record an input means, if any. Salesforce compares with or without case, as the field was made; both
    /// are in the rows only where case counts.
    ///
    /// # Errors
    /// Several: none may be chosen.
    pub(super) fn find(&self, call: &Call, input: usize) -> Result<Option<Found>, Reply> {
        let Some(wanted) = call.inputs.get(input).map(|it| &*it.external_id) else { return Ok(None) };
        let exact: Vec<_> = self.0.iter().filter(|(_, value)| value == wanted).collect();
        let folded = wanted.to_lowercase();
        let alike = || self.0.iter().filter(|(_, value)| value.to_lowercase() == folded).collect();
        let meant: Vec<_> = if exact.is_empty() { alike() } else { exact };
        match meant.as_slice() {
            [] => Ok(None),
            [(id, _)] => Ok(Some(Found { input, record_id: id.clone() })),
            [..] => {
                let message = "several records have this external id; make the field unique".to_owned();
                let (reason, status) = (Reason::AmbiguousRecord, Some(200));
                Err(Reply::Permanent(Fault { reason, status, code: None, message, retry_after: None }))
            }
        }
    }
}

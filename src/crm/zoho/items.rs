//! Reads single rows of an answer: of upserted records, and of deleted ones.
//! Not here: refusals of a whole request (`reply`).

use super::fault::{Words, is_record_id};
use super::reply::unanswered;
use crate::model::Reply;
use serde_json::Value;

/// The reply to an upserted record.
pub(super) fn upserted(row: &Value, status: u16, id_field: &str) -> Reply {
    if is_error(row) { Words::of(row).reply(status, id_field) } else { applied(row, status) }
}

/// The reply to a deleted record; an external ID that no record has is deleted already.
pub(super) fn deleted(row: &Value, status: u16, id_field: &str) -> Reply {
    if !is_error(row) {
        return applied(row, status);
    }
    // The external ID is all that a delete says, so that no other data can be invalid.
    let words = Words::of(row);
    if words.code_is("INVALID_DATA") { gone() } else { words.reply(status, id_field) }
}

/// The reply to an archive of what the CRM does not have.
pub(super) fn gone() -> Reply {
    Reply::Applied { record_id: String::new(), created: false }
}

/// Whether a row says that it is not the row of the input at `place`. Errors point at their input, deletes repeat the
/// external ID; that rows keep the order of inputs is seen in every example, and promised nowhere.
pub(super) fn belongs_elsewhere(row: &Value, place: usize, (id_field, external_id): (&str, Option<&str>)) -> bool {
    let path = ["/details/json_path", "/details/errors/0/details/json_path"]
        .into_iter()
        .find_map(|it| row.pointer(it).and_then(Value::as_str));
    let points = path.and_then(|it| it.strip_prefix("$.data[")?.split_once(']')?.0.parse::<usize>().ok());
    let named = row.get("details").and_then(|it| it.get(id_field)).and_then(Value::as_str);
    let is_other = |it: &str| external_id.is_some_and(|wanted| wanted.to_lowercase() != it.to_lowercase());
    points.is_some_and(|it| it != place) || named.is_some_and(is_other)
}

/// An error goes before a success that it stands beside.
fn is_error(row: &Value) -> bool {
    let text = |member: &str| row.get(member).and_then(Value::as_str);
    text("status") == Some("error") || text("code").is_some_and(|it| it != "SUCCESS")
}

fn applied(row: &Value, status: u16) -> Reply {
    let text = |path: &str| row.pointer(path).and_then(Value::as_str);
    let is_success = text("/code") == Some("SUCCESS") && text("/status") == Some("success");
    match text("/details/id") {
        Some(id) if is_success && is_record_id(id) => {
            Reply::Applied { record_id: id.to_owned(), created: text("/action") == Some("insert") }
        }
        _ => unanswered(Some(status)),
    }
}

//! Reads the words of a Salesforce error, of a whole request or of one record, and says which class its code is of.
//! Not here: what is done about it.
//!
//! Whole requests fail with an array of `{errorCode, message, fields?}`, records with `{statusCode, message, fields}`.

use crate::crm::scrub;
use crate::model::{Fault, Reason, Reply};
use serde_json::Value;
use std::time::Duration;

const CODE_BYTES_MAX: usize = 80;
/// Names of fields shown of one refusal.
const NAMES_MAX: usize = 5;

/// Codes whose record would be refused again, by how they begin; the rest of the list of status codes is validation too.
const VALIDATION: [&str; 17] = [
    "INVALID_",
    "REQUIRED_",
    "FIELD_",
    "STRING_",
    "NUMBER_",
    "MISSING_",
    "MALFORMED_",
    "CANNOT_",
    "INACTIVE_",
    "JSON_PARSER_ERROR",
    "BAD_CUSTOM_ENTITY_",
    "CIRCULAR_DEPENDENCY",
    "DELETE_FAILED",
    "DEPENDENCY_EXISTS",
    "FILTERED_LOOKUP_",
    "STORAGE_LIMIT_EXCEEDED",
    "UNSUPPORTED_",
];

/// One error.
pub(super) struct Words {
    code: Option<String>,
    message: String,
    fields: Vec<String>,
    /// The record that a duplicate rule found.
    matched: Option<String>,
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Transient(Reason),
    Permanent(Reason),
    Account(Reason),
}

impl Words {
    /// The first error of a body; a body that is no JSON has no words.
    pub(super) fn of_body(body: &[u8]) -> Self {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        Self::of(body.get(0).unwrap_or(&body))
    }

    pub(super) fn of(error: &Value) -> Self {
        let text = |member: &str| error.get(member).and_then(Value::as_str);
        let code = ["statusCode", "errorCode", "error"].into_iter().find_map(text).filter(|it| is_code(it));
        let fields = error.get("fields").and_then(Value::as_array).into_iter().flatten();
        let names = fields.filter_map(Value::as_str).filter(|it| is_name(it)).take(NAMES_MAX);
        Self {
            code: code.map(str::to_owned),
            message: text("message").or_else(|| text("error_description")).unwrap_or_default().to_owned(),
            fields: names.map(str::to_owned).collect(),
            matched: matched(error),
        }
    }

    pub(super) fn code_is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether requests that run, not those of the day, are too many.
    pub(super) fn is_concurrent(&self) -> bool {
        self.message.to_ascii_lowercase().contains("concurrent")
    }

    /// None, if the code is unknown or there is none. `id_field`: a conflict of it is a race of two upserts.
    pub(super) fn class(&self, id_field: &str) -> Option<Class> {
        let code = self.code.as_deref()?;
        Some(match code {
            // Triggers wrap it into an error of their own.
            _ if self.message.contains("UNABLE_TO_LOCK_ROW") => Class::Transient(Reason::Conflict),
            "UNABLE_TO_LOCK_ROW" => Class::Transient(Reason::Conflict),
            "DUPLICATE_VALUE" if self.is_race(id_field) => Class::Transient(Reason::Conflict),
            "DUPLICATE_VALUE" | "DUPLICATES_DETECTED" | "ENTITY_IS_LOCKED" => Class::Permanent(Reason::Conflict),
            "DUPLICATE_EXTERNAL_ID" if self.message.contains("more than one") => {
                Class::Permanent(Reason::AmbiguousRecord)
            }
            // The same key twice in one call: alone each fares better.
            "DUPLICATE_EXTERNAL_ID" => Class::Transient(Reason::Conflict),
            "ALL_OR_NONE_OPERATION_ROLLED_BACK" | "PROCESSING_HALTED" => Class::Transient(Reason::OtherClientError),
            "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => Class::Account(Reason::Unauthorized),
            "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => Class::Account(Reason::Forbidden),
            "REQUEST_LIMIT_EXCEEDED" if self.is_concurrent() => Class::Transient(Reason::RateLimited),
            "REQUEST_LIMIT_EXCEEDED" => Class::Account(Reason::RateLimited),
            "SERVER_UNAVAILABLE" => Class::Transient(Reason::Unavailable),
            "UNKNOWN_EXCEPTION" => Class::Transient(Reason::ServerError),
            "NOT_FOUND" | "ENTITY_IS_DELETED" => Class::Permanent(Reason::NotFound),
            _ if code.starts_with("INSUFFICIENT_ACCESS") => Class::Permanent(Reason::Forbidden),
            _ if VALIDATION.iter().any(|it| code.starts_with(it)) => Class::Permanent(Reason::BadRequest),
            _ => return None,
        })
    }

    /// The reply to a record that got this error. What the codes do not settle is worth another try: an upsert does
    /// no harm.
    pub(super) fn reply(self, status: u16, id_field: &str) -> Reply {
        let class = self.class(id_field).unwrap_or(Class::Transient(Reason::OtherClientError));
        let (kind, reason): (fn(Fault) -> Reply, _) = match class {
            Class::Transient(reason) => (Reply::Transient, reason),
            Class::Permanent(reason) => (Reply::Permanent, reason),
            Class::Account(reason) => (Reply::Account, reason),
        };
        kind(self.fault(reason, Some(status), None))
    }

    /// The fault, in Salesforce's own words where they name no value; scrubbed.
    pub(super) fn fault(self, reason: Reason, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
        let message = self.shown();
        Fault { reason, status, code: self.code, message, retry_after }
    }

    fn shown(&self) -> String {
        let code = self.code.as_deref().unwrap_or_default();
        if let Some((field, record)) = self.taken() {
            let holder = if is_record_id(record) { record } else { "another record" };
            let field = if is_name(field) { field } else { "a unique field" };
            return format!("the value of {field} belongs to {holder} already");
        }
        if let Some(record) = &self.matched {
            return format!("a duplicate rule says that it is record {record}");
        }
        // These two speak of fields and rules, the others of values.
        let speaks_of_fields = matches!(code, "REQUIRED_FIELD_MISSING" | "FIELD_CUSTOM_VALIDATION_EXCEPTION");
        if !self.fields.is_empty() && !speaks_of_fields {
            return format!("fields were not valid: {}", self.fields.join(", "));
        }
        let message = scrub(&self.message);
        if message.is_empty() { "Salesforce gave no reason".to_owned() } else { message }
    }

    /// `duplicate value found: F duplicates value on record with id: R`; both are `<unknown>` where the user may not
    /// see that record.
    fn taken(&self) -> Option<(&str, &str)> {
        let (_, found) = self.message.split_once("duplicate value found: ")?;
        let (field, record) = found.split_once(" duplicates value on record with id: ")?;
        Some((field.trim(), record.trim()))
    }

    /// Two upserts of one new record, or one call that names it twice. Where the field is not told, it may be one.
    fn is_race(&self, id_field: &str) -> bool {
        match self.taken() {
            Some((field, _)) => field.eq_ignore_ascii_case(id_field) || !is_name(field),
            None => self.message.contains("Duplicate external id specified"),
        }
    }
}

/// The member is misspelt in real answers.
fn matched(error: &Value) -> Option<String> {
    let result = error.get("duplicateResut").or_else(|| error.get("duplicateResult"))?;
    let id = result.pointer("/matchResults/0/matchRecords/0/record/Id")?.as_str()?;
    is_record_id(id).then(|| id.to_owned())
}

/// 15 letters and digits, or 18 with a checksum.
pub(super) fn is_record_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(fits)
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(fits)
}

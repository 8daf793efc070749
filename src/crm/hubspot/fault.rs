//! Reads the words of a HubSpot error, whichever of its shapes it has, and makes a fault of them.
//! Not here: what is done about it.

use crate::crm::scrub;
use crate::model::{Fault, Reason, Reply};
use serde_json::Value;
use std::time::Duration;

const CODE_BYTES_MAX: usize = 80;
/// Names of properties shown of one refusal.
const NAMES_MAX: usize = 5;

/// One error: of a whole call, or of one item.
pub(super) struct Words {
    body: Value,
    message: String,
    conflict: Option<Conflict>,
}

/// Another record has the value of a unique property.
#[derive(Default)]
struct Conflict {
    property: Option<String>,
    record: Option<String>,
}

impl Words {
    /// A body that is no JSON has no words.
    pub(super) fn of_body(body: &[u8]) -> Self {
        Self::of(serde_json::from_slice(body).unwrap_or(Value::Null))
    }

    pub(super) fn of(body: Value) -> Self {
        let first = body.pointer("/errors/0/message");
        let message = text(&body, "message").or_else(|| first.and_then(Value::as_str)).unwrap_or_default().to_owned();
        let conflict = conflict(&body, &message);
        Self { body, message, conflict }
    }

    pub(super) fn category_is(&self, category: &str) -> bool {
        text(&self.body, "category") == Some(category)
    }

    /// Whether the limit of a day is used up: the other 429 bodies speak of seconds.
    pub(super) fn is_daily(&self) -> bool {
        text(&self.body, "policyName").is_some_and(|it| it.eq_ignore_ascii_case("DAILY"))
            || self.message.to_ascii_lowercase().contains("daily")
    }

    /// Whether the burst limit is used up.
    pub(super) fn is_ten_secondly(&self) -> bool {
        text(&self.body, "policyName").is_some_and(|it| it.to_ascii_uppercase().contains("TEN_SECONDLY"))
            || self.message.to_ascii_lowercase().contains("ten_secondly")
    }

    /// Whether the limit of searches is used up: their 429 names no policy.
    pub(super) fn is_secondly(&self) -> bool {
        !self.is_ten_secondly() && self.message.to_ascii_lowercase().contains("secondly limit")
    }

    pub(super) fn is_conflict(&self) -> bool {
        self.conflict.is_some()
    }

    /// Whether the value in conflict is that of `property`: two upserts of one new record raced.
    pub(super) fn is_conflict_of(&self, property: &str) -> bool {
        self.conflict.as_ref().is_some_and(|it| it.property.as_deref() == Some(property))
    }

    /// The inputs that an item's error names: trace ids or record ids.
    pub(super) fn named(&self, what: &str) -> Vec<&str> {
        match self.body.get("context").and_then(|it| it.get(what)) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// The reply to an input that got this error in a batch result. What HubSpot's categories do not settle is worth
    /// another try: an upsert does no harm.
    pub(super) fn reply(self, status: u16, id_property: &str) -> Reply {
        let race = self.is_conflict_of(id_property);
        let conflict = self.is_conflict();
        let category = text(&self.body, "category").unwrap_or_default();
        let (kind, reason): (fn(Fault) -> Reply, _) = match category {
            _ if race => (Reply::Transient, Reason::Conflict),
            _ if conflict => (Reply::Permanent, Reason::Conflict),
            "VALIDATION_ERROR" => (Reply::Permanent, Reason::BadRequest),
            "OBJECT_NOT_FOUND" => (Reply::Permanent, Reason::NotFound),
            "MISSING_SCOPES" | "FORBIDDEN" => (Reply::Permanent, Reason::Forbidden),
            "INVALID_AUTHENTICATION" | "EXPIRED_AUTHENTICATION" => (Reply::Account, Reason::Unauthorized),
            "RATE_LIMITS" if self.is_daily() => (Reply::Account, Reason::RateLimited),
            "RATE_LIMITS" => (Reply::Transient, Reason::RateLimited),
            _ => (Reply::Transient, Reason::ServerError),
        };
        kind(self.fault(reason, Some(status), None))
    }

    /// The fault, in HubSpot's own words where it has any; scrubbed.
    pub(super) fn fault(self, reason: Reason, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
        let code = self.code();
        let message = match &self.conflict {
            Some(conflict) => conflict.message(),
            None => invalid(&self.body, &self.message).unwrap_or_else(|| scrub(&self.message)),
        };
        let message = if message.is_empty() { "HubSpot gave no reason".to_owned() } else { message };
        Fault { reason, status, code, message, retry_after }
    }

    fn code(&self) -> Option<String> {
        let embedded = embedded(&self.message);
        let validation = self.body.get("validationResults").or(embedded.as_ref());
        let candidates = [
            text(&self.body, "policyName"),
            self.body.pointer("/errors/0/code").and_then(Value::as_str),
            validation.and_then(|it| it.pointer("/0/error")).and_then(Value::as_str),
            self.conflict.as_ref().map(|_| "UNIQUE_VALUE_CONFLICT").filter(|_| !self.category_is("CONFLICT")),
            text(&self.body, "category"),
            text(&self.body, "errorType"),
            text(&self.body, "error"),
        ];
        candidates.into_iter().flatten().find(|it| is_code(it)).map(str::to_owned)
    }
}

impl Conflict {
    fn message(&self) -> String {
        let property = self.property.as_deref().unwrap_or("a unique property");
        match &self.record {
            Some(record) => format!("the value of {property} belongs to record {record} already"),
            None => format!("the value of {property} belongs to another record already"),
        }
    }
}

/// A fault for an answer that lacks what it ought to say.
pub(super) fn wanted(status: Option<u16>, message: &str) -> Fault {
    Fault { reason: Reason::MalformedResponse, status, code: None, message: message.to_owned(), retry_after: None }
}

fn conflict(body: &Value, message: &str) -> Option<Conflict> {
    if let Some((before, _)) = message.split_once("already has that value") {
        let record = before.split(|char: char| !char.is_ascii_digit()).rfind(|it| !it.is_empty());
        return Some(Conflict { property: property_in(message), record: record.and_then(record_id) });
    }
    if let Some((_, after)) = message.split_once("Existing ID:") {
        let record = after.trim_start().split(|char: char| !char.is_ascii_digit()).next();
        let property = message.starts_with("Contact already exists").then(|| "email".to_owned());
        return Some(Conflict { property, record: record.and_then(record_id) });
    }
    let said = |member: &str| text(body, member).unwrap_or_default();
    let named = matches!(said("category"), "CONFLICT" | "OBJECT_ALREADY_EXISTS")
        || matches!(said("errorType"), "UNIQUE_VALUE_CONFLICT")
        || matches!(said("error"), "CONTACT_EXISTS");
    let record = body.pointer("/identityProfile/vid").and_then(Value::as_u64).map(|it| it.to_string());
    named.then_some(Conflict { property: None, record })
}

fn property_in(message: &str) -> Option<String> {
    let (_, after) = message.split_once("propertyName=")?;
    after.split([',', '}']).next().filter(|it| is_property(it)).map(str::to_owned)
}

fn record_id(digits: &str) -> Option<String> {
    (1..=20).contains(&digits.len()).then(|| digits.to_owned())
}

/// Which properties were wrong and why, without their values.
fn invalid(body: &Value, message: &str) -> Option<String> {
    let embedded = embedded(message);
    let results = body.get("validationResults").or(embedded.as_ref())?.as_array()?;
    let names: Vec<String> = results.iter().filter_map(one_invalid).take(NAMES_MAX).collect();
    (!names.is_empty()).then(|| format!("property values were not valid: {}", names.join(", ")))
}

fn one_invalid(result: &Value) -> Option<String> {
    let name = text(result, "name").filter(|it| is_property(it))?;
    let why = text(result, "error").filter(|it| is_code(it))?;
    Some(format!("{name} ({why})"))
}

/// The list that HubSpot writes as JSON into the message of a refused property.
fn embedded(message: &str) -> Option<Value> {
    let list = message.get(message.find("[{")?..)?;
    serde_json::Deserializer::from_str(list).into_iter::<Value>().next()?.ok()
}

fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member)?.as_str()
}

fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(fits)
}

fn is_property(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(fits)
}

//! Reads the words of a Zoho error, of a whole request or of one row, and says which class its code is of.
//! Not here: what is done about it.
//!
//! Both are `{code, details, message, status}`; a row with several faults has them in `details.errors`. Codes: OpenAPI
//! document of v8, status codes guide; bodies: examples of that document, and answers that others recorded.

use crate::crm::scrub;
use crate::model::{Fault, Reason, Reply};
use serde_json::Value;
use std::time::Duration;

const NAME_BYTES_MAX: usize = 80;
/// Faults of one row that are looked at.
const FAULTS_MAX: usize = 20;

/// One error.
#[derive(Debug)]
pub(super) struct Words {
    code: Option<String>,
    message: String,
    /// The API name of the field that is to blame.
    field: Option<String>,
    /// The record that has the value already.
    holder: Option<String>,
    /// The faults that `MULTIPLE_OR_MULTI_ERRORS` stands for.
    parts: Vec<Words>,
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Transient(Reason),
    Permanent(Reason),
    /// Permanent, and the fault of the request or of the user: no input is to blame.
    Blameless(Reason),
    Account(Reason),
}

impl Words {
    /// A body that is no JSON has no words.
    pub(super) fn of_body(body: &[u8]) -> Self {
        Self::of(&serde_json::from_slice(body).unwrap_or(Value::Null))
    }

    pub(super) fn of(error: &Value) -> Self {
        let parts = error.pointer("/details/errors").and_then(Value::as_array).into_iter().flatten();
        Self { parts: parts.take(FAULTS_MAX).map(Self::single).collect(), ..Self::single(error) }
    }

    fn single(error: &Value) -> Self {
        let text = |path: &str| error.pointer(path).and_then(Value::as_str);
        let name = |path: &str| text(path).filter(|it| is_name(it)).map(str::to_owned);
        let holders = ["/details/duplicate_record/id", "/details/id"];
        Self {
            code: name("/code"),
            message: text("/message").unwrap_or_default().to_owned(),
            field: name("/details/api_name"),
            holder: holders.into_iter().find_map(text).filter(|it| is_record_id(it)).map(str::to_owned),
            parts: Vec::new(),
        }
    }

    pub(super) fn code_is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether a limit was reached: codes of 429 that other statuses may carry as well.
    pub(super) fn is_limit(&self) -> bool {
        self.code_is("TOO_MANY_REQUESTS") || self.code_is("RATE_LIMIT_EXCEEDED")
    }

    /// Whether a limit answer speaks of the day's credits, and not of calls at once. Its words are not documented.
    pub(super) fn speaks_of_credits(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        ["credit", "daily", "per day", "24 hour"].iter().any(|it| message.contains(it))
    }

    /// Zoho's words for an id that no record has.
    pub(super) fn speaks_of_no_record(&self) -> bool {
        self.code_is("INVALID_DATA") && self.message.to_ascii_lowercase().contains("id given seems to be invalid")
    }

    /// None, if the code is unknown or there is none. `id_field`: a conflict of it is a race of two upserts.
    pub(super) fn class(&self, id_field: &str) -> Option<Class> {
        Some(match self.code.as_deref()? {
            "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" => Class::Account(Reason::Unauthorized),
            "OAUTH_SCOPE_MISMATCH" | "NO_PERMISSION" | "AUTHORIZATION_FAILED" | "FEATURE_NOT_SUPPORTED" => {
                Class::Blameless(Reason::Forbidden)
            }
            "INVALID_MODULE" | "INVALID_REQUEST_METHOD" | "REQUIRED_PARAM_MISSING" => {
                Class::Blameless(Reason::BadRequest)
            }
            "INVALID_URL_PATTERN" => Class::Blameless(Reason::NotFound),
            "DUPLICATE_DATA" if self.is_race(id_field) => Class::Transient(Reason::Conflict),
            "DUPLICATE_DATA" => Class::Permanent(Reason::Conflict),
            "MULTIPLE_OR_MULTI_ERRORS" => self.class_of_parts(id_field),
            "AMBIGUITY_DURING_PROCESSING" => Class::Permanent(Reason::AmbiguousRecord),
            "RECORD_LOCKED" | "ALREADY_MODIFIED" => Class::Transient(Reason::Conflict),
            "NOT_APPROVED" | "RECORD_IN_BLUEPRINT" | "CONVERTED_RECORD" | "ID_ALREADY_CONVERTED" => {
                Class::Permanent(Reason::Conflict)
            }
            "INVALID_DATA"
            | "MANDATORY_NOT_FOUND"
            | "DEPENDENT_FIELD_MISSING"
            | "DEPENDENT_MISMATCH"
            | "EXPECTED_FIELD_MISSING"
            | "PATTERN_NOT_MATCHED"
            | "UNABLE_TO_PARSE_DATA_TYPE"
            | "STORAGE_SPACE_EXCEEDED"
            | "LIMIT_EXCEEDED" => Class::Permanent(Reason::BadRequest),
            "TOO_MANY_REQUESTS" | "RATE_LIMIT_EXCEEDED" => Class::Transient(Reason::RateLimited),
            "DEPENDENT_SERVICE_ERROR" | "INTERNAL_ERROR" => Class::Transient(Reason::ServerError),
            _ => return None,
        })
    }

    /// Two unique fields may name two different records; of other faults one that stays makes the whole stay.
    fn class_of_parts(&self, id_field: &str) -> Class {
        let mut holders: Vec<_> = self.parts.iter().filter_map(|it| it.holder.as_deref()).collect();
        holders.sort_unstable();
        holders.dedup();
        if 1 < holders.len() {
            return Class::Permanent(Reason::AmbiguousRecord);
        }
        let classes = self.parts.iter().filter_map(|it| it.class(id_field));
        let mut class = None;
        for it in classes {
            match it {
                Class::Permanent(_) | Class::Blameless(_) | Class::Account(_) => return it,
                Class::Transient(_) => class = Some(it),
            }
        }
        class.unwrap_or(Class::Permanent(Reason::BadRequest))
    }

    /// The reply to a record that got this error. What the codes do not settle is worth another try: an upsert does
    /// no harm.
    pub(super) fn reply(self, status: u16, id_field: &str) -> Reply {
        let class = self.class(id_field).unwrap_or(Class::Transient(Reason::OtherClientError));
        let (kind, reason): (fn(Fault) -> Reply, _) = match class {
            Class::Transient(reason) => (Reply::Transient, reason),
            Class::Permanent(reason) | Class::Blameless(reason) => (Reply::Permanent, reason),
            Class::Account(reason) => (Reply::Account, reason),
        };
        kind(self.fault(reason, Some(status), None))
    }

    /// The fault, in Zoho's own words, which name fields and no values; scrubbed all the same.
    pub(super) fn fault(self, reason: Reason, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
        let message = self.shown();
        Fault { reason, status, code: self.code, message, retry_after }
    }

    fn shown(&self) -> String {
        if !self.parts.is_empty() {
            let parts: Vec<String> = self.parts.iter().map(Self::shown).collect();
            return scrub(&parts.join("; "));
        }
        if self.code_is("DUPLICATE_DATA") {
            let field = self.field.as_deref().unwrap_or("a unique field");
            let holder = self.holder.as_deref().unwrap_or("another record");
            return format!("the value of {field} belongs to {holder} already");
        }
        let message = scrub(&self.message);
        match (message.is_empty(), &self.field) {
            (false, Some(field)) => format!("{message}: {field}"),
            (false, None) => message,
            (true, Some(field)) => format!("Zoho refused the field {field}"),
            (true, None) => "Zoho gave no reason".to_owned(),
        }
    }

    /// Two upserts of one new record. Where the field is not told, it may be one.
    fn is_race(&self, id_field: &str) -> bool {
        self.field.as_deref().is_none_or(|it| it == id_field)
    }
}

/// Digits.
pub(super) fn is_record_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-' | b'.');
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(fits)
}

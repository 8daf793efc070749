//! Whether one line is a job that the shards will understand: the same check that they make, made before the log has it.
//! Not here: whether its tenant is configured; that may change until it is read.

use crate::model::{Message, Millis};
use crate::ops::NewJob;
use crate::wire::job::{Decoded, VALUE_BYTES_MAX, decode};
use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is wrong with one line: names of fields, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineFault {
    /// From 1.
    pub line: u64,
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
}

const HINT_SIZE: &str = "keep a job below 1 MiB: leave out of the payload what no CRM is to hold";
const HINT_JSON: &str = "write each job as one JSON object on one line, in UTF-8";
const HINT_FIELDS: &str = "a job needs tenant_id, event_type, idempotency_key and a payload with object, external_id and \
properties; docs/http.md has an example";

/// Checks the job in `value`, which `trimmed` has made bare.
pub(super) fn checked(line: u64, value: Bytes, now: Millis) -> Result<NewJob, LineFault> {
    let message = Message { key: None, value: Some(value.clone()), headers: Vec::new(), timestamp: now };
    match decode(&message) {
        Ok(Decoded::Job(job)) => Ok(NewJob { tenant: job.tenant, value }),
        Ok(Decoded::Tombstone) => Err(LineFault { line, what: "there is no value".to_owned(), hint: HINT_JSON }),
        Err(malformed) => Err(LineFault { line, what: malformed.what, hint: hint(&value) }),
    }
}

/// For a line of which more than the limit was seen.
pub(super) fn too_long(line: u64) -> LineFault {
    LineFault { line, what: format!("the line has more than {VALUE_BYTES_MAX} bytes"), hint: HINT_SIZE }
}

/// For input in which there is nothing at all.
pub(super) fn nothing() -> LineFault {
    LineFault { line: 1, what: "there is no job".to_owned(), hint: HINT_JSON }
}

/// Shares the bytes; without space around them and without the mark that some editors put before UTF-8.
pub(super) fn trimmed(text: &Bytes) -> Bytes {
    let bare = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    text.slice_ref(bare.trim_ascii())
}

/// Whether this is one JSON value and nothing else.
pub(super) fn is_json(value: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

/// When a job was handed in: its time, if it names none of its own.
pub(super) fn now() -> Millis {
    Millis(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn hint(value: &[u8]) -> &'static str {
    if VALUE_BYTES_MAX < value.len() {
        HINT_SIZE
    } else if is_json(value) {
        HINT_FIELDS
    } else {
        HINT_JSON
    }
}

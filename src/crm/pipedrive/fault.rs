//! Reads the words of a Pipedrive error and makes a fault of them.
//! Not here: what is done about it.
//!
//! `{success:false, error, error_info, errorCode? | code?, data:null}`: `code` names a rule, or repeats the status.

use crate::crm::scrub;
use crate::model::{Fault, Reason};
use serde_json::Value;
use std::time::Duration;

const CODE_BYTES_MAX: usize = 80;

pub(super) struct Words {
    /// Whether the body is JSON at all: the pages of Cloudflare are not.
    pub(super) is_json: bool,
    /// The body's own word on success.
    pub(super) success: Option<bool>,
    /// The status that the body names, whatever the answer's.
    pub(super) status: Option<u16>,
    code: Option<String>,
    message: String,
    mentions: String,
}

impl Words {
    pub(super) fn of_body(body: &[u8]) -> Self {
        let parsed = serde_json::from_slice::<Value>(body);
        let is_json = parsed.is_ok();
        let body = parsed.unwrap_or(Value::Null);
        let text = |member: &str| body.get(member).and_then(Value::as_str);
        let number = |member: &str| body.get(member).and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
        let message = text("error").or_else(|| body.pointer("/error/message").and_then(Value::as_str));
        let code = text("code").filter(|it| is_code(it)).map(str::to_owned);
        let status = number("errorCode").or_else(|| number("code")).filter(|it| (400..=599).contains(it));
        Self {
            is_json,
            success: body.get("success").and_then(Value::as_bool),
            status,
            code,
            message: message.or_else(|| text("message")).unwrap_or_default().to_owned(),
            mentions: if is_json { body.to_string() } else { String::new() },
        }
    }

    /// Whether the tokens of the day are used up; the text of that answer is not documented.
    pub(super) fn is_daily(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains("daily") || message.contains("budget")
    }

    /// Whether a custom field is complained of: this one, or as a whole.
    pub(super) fn mentions(&self, field: &str) -> bool {
        self.mentions.contains(field) || self.mentions.contains("custom_field")
    }

    /// The fault, in Pipedrive's own words; scrubbed.
    pub(super) fn fault(self, reason: Reason, status: u16, retry_after: Option<Duration>) -> Fault {
        let message = scrub(&self.message);
        let message = if message.is_empty() { "Pipedrive gave no reason".to_owned() } else { message };
        Fault { reason, status: Some(status), code: self.code, message, retry_after }
    }
}

fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= CODE_BYTES_MAX && text.bytes().all(fits)
}

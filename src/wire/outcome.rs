//! The JSON of `.outcomes`: one line per ended delivery, for the company's own status page, support and audit.
//! Not here: what ended and why (`machine`). Never a payload: ids, names, times and the CRM's own code only.
//! `schemas/outcome.schema.json` says the same to other tools; a test holds the two together.

#[cfg(test)]
mod tests;

use crate::model::{Attempt, Crm, IdempotencyKey, Millis, Object, Origin, Outcome, Reason, TenantId};
use crate::wire::headers;
use crate::wire::moment;
use bytes::Bytes;
use serde::Serialize;

/// What is told of a delivery that ended, or of a message that never was one (then without tenant and connection).
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    pub tenant: Option<&'a TenantId>,
    /// The connection's name within the tenant.
    pub connection: Option<&'a str>,
    pub crm: Option<Crm>,
    pub event_type: Option<&'a str>,
    pub idempotency_key: Option<&'a IdempotencyKey>,
    pub object: Option<&'a Object>,
    pub external_id: Option<&'a str>,
    /// The CRM's own id of the record.
    pub record_id: Option<&'a str>,
    pub outcome: Outcome,
    /// Why it is dead; absent where nothing went wrong.
    pub reason: Option<Reason>,
    /// The CRM's own code.
    pub code: Option<&'a str>,
    pub attempts: Attempt,
    pub occurred_at: Option<Millis>,
    /// When it ended.
    pub at: Millis,
    pub origin: &'a Origin,
}

/// What a line seldom exceeds: made in one piece.
const LINE_BYTES: usize = 512;

/// Key (the tenant id, so that a tenant's outcomes are in one partition in order) and value of the message.
pub fn encode(ended: &Ended<'_>) -> (Option<Bytes>, Bytes) {
    let key = ended.tenant.map(|it| Bytes::copy_from_slice(it.0.as_bytes()));
    let line = Line {
        tenant_id: ended.tenant.map(|it| &*it.0),
        connection: ended.connection,
        crm: ended.crm.map(Crm::name),
        event_type: ended.event_type,
        idempotency_key: ended.idempotency_key.map(|it| &*it.0),
        object: ended.object.map(|it| &*it.0),
        external_id: ended.external_id,
        record_id: ended.record_id,
        outcome: ended.outcome.name(),
        reason: ended.reason.map(Reason::name),
        code: ended.code,
        attempts: ended.attempts.0,
        occurred_at: ended.occurred_at.map(moment::write),
        at: moment::write(ended.at),
        origin: headers::origin_text(ended.origin),
    };
    let mut value = Vec::with_capacity(LINE_BYTES);
    // Texts and numbers only: there is nothing in it that could fail.
    drop(serde_json::to_writer(&mut value, &line));
    (key, value.into())
}

/// What is not known is left out.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    at: String,
    origin: String,
}

//! The bytes of an outcome.
//! Not here: whether they agree with the published schema (`tests/schemas.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{Ended, encode};
use crate::model::{Attempt, Crm, IdempotencyKey, Millis, Object, Offset, Origin, Outcome, Reason, Shard, TenantId};

fn origin() -> Origin {
    Origin { topic: "sluicegate.jobs".into(), shard: Shard(3), seq: Offset(77) }
}

#[test]
fn a_full_outcome_is_written_with_every_field_in_its_place() {
    let (tenant, key, object) = (TenantId::from("acme"), IdempotencyKey::from("e-1"), Object("contact".into()));
    let origin = origin();
    let ended = Ended {
        tenant: Some(&tenant),
        connection: Some("hubspot"),
        crm: Some(Crm::HubSpot),
        event_type: Some("deal.won"),
        idempotency_key: Some(&key),
        object: Some(&object),
        external_id: Some("c_1"),
        record_id: Some("551"),
        outcome: Outcome::Dead,
        reason: Some(Reason::Conflict),
        code: Some("DUP"),
        attempts: Attempt(2),
        occurred_at: Some(Millis(1_769_860_800_000)),
        at: Millis(1_769_860_801_500),
        origin: &origin,
    };
    let (key, value) = encode(&ended);
    assert_eq!(key.as_deref(), Some(&b"acme"[..]));
    assert_eq!(
        std::str::from_utf8(&value).unwrap(),
        concat!(
            r#"{"tenant_id":"acme","connection":"hubspot","crm":"hubspot","event_type":"deal.won","#,
            r#""idempotency_key":"e-1","object":"contact","external_id":"c_1","record_id":"551","#,
            r#""outcome":"dead","reason":"conflict","code":"DUP","attempts":2,"#,
            r#""occurred_at":"2026-01-31T12:00:00.000Z","at":"2026-01-31T12:00:01.500Z","origin":"sluicegate.jobs/3/77"}"#
        )
    );
}

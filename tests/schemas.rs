//! What is written agrees with `schemas/outcome.schema.json`, and what is accepted as a job with `job.schema.json`.
//! Not here: the rules that a schema cannot say (lengths in bytes, fields that come twice); the exact bytes (`wire`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sluicegate::model::{
    Attempt, Crm, IdempotencyKey, Message, Millis, Object, Offset, Origin, Outcome, Reason, Shard, TenantId,
};
use sluicegate::wire::job::decode;
use sluicegate::wire::outcome::{Ended, encode};
use std::sync::LazyLock;

fn schema(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema is a schema")
}

fn outcomes() -> &'static Validator {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema(include_str!("../schemas/outcome.schema.json")));
    &SCHEMA
}

fn jobs() -> &'static Validator {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| schema(include_str!("../schemas/job.schema.json")));
    &SCHEMA
}

fn origin() -> Origin {
    Origin { topic: "sluicegate.jobs".into(), shard: Shard(3), seq: Offset(77) }
}

#[test]
fn a_full_outcome_is_written_as_the_schema_says() {
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
    let (_, value) = encode(&ended);
    assert!(outcomes().is_valid(&serde_json::from_slice(&value).unwrap()));
}

#[test]
fn the_schema_of_outcomes_knows_every_name_and_no_other() {
    let schema: Value = serde_json::from_str(include_str!("../schemas/outcome.schema.json")).unwrap();
    let names = |field: &str| schema["properties"][field]["enum"].as_array().unwrap().clone();
    assert_eq!(names("outcome"), Outcome::ALL.map(|it| json!(it.name())));
    assert_eq!(names("reason"), Reason::ALL.map(|it| json!(it.name())));
}

fn job_with(field: &str, value: Value) -> Value {
    let mut job = json!({
        "tenant_id": "acme", "event_type": "deal.won", "idempotency_key": "e-1",
        "payload": {"object": "contact", "external_id": "c_1", "properties": {"a": 1}},
    });
    let place = match field.split_once('.') {
        Some((_, inner)) => &mut job["payload"][inner],
        None => &mut job[field],
    };
    *place = value;
    job
}

#[test]
fn jobs_are_accepted_and_refused_as_the_schema_says() {
    let schema = jobs();
    let long = "x".repeat(513);
    let values = [
        json!(null),
        json!(7),
        json!(true),
        json!(""),
        json!("  "),
        json!("a\nb"),
        json!("a\u{85}"),
        json!("ok"),
        json!("é/%"),
        json!([]),
        json!({}),
        json!(long),
        json!("upsert"),
        json!("archive"),
        json!("2026-01-31T12:00:00Z"),
        json!("2026-01-31T12:00:00.5+02:00"),
        json!("2026-01-31T12:00:00"),
        json!("2026-02-30T12:00:00Z"),
        json!({"a": [1, {"b": null}]}),
    ];
    let fields = [
        "tenant_id",
        "event_type",
        "idempotency_key",
        "occurred_at",
        "connection",
        "payload",
        "payload.object",
        "payload.external_id",
        "payload.operation",
        "payload.properties",
        "something_else",
    ];
    for field in fields {
        for value in &values {
            let job = job_with(field, value.clone());
            let message = Message {
                key: None,
                value: Some(job.to_string().into()),
                headers: Vec::new(),
                timestamp: Millis(u64::MAX),
            };
            let decoded = decode(&message);
            assert_eq!(decoded.is_ok(), schema.is_valid(&job), "{job}: {decoded:?}");
        }
    }
}

#[test]
fn an_archive_without_properties_is_a_job_to_both() {
    let job = json!({"tenant_id": "a", "event_type": "b", "idempotency_key": "c",
        "payload": {"object": "deal", "external_id": "d", "operation": "archive"}});
    let message = Message { key: None, value: Some(job.to_string().into()), headers: Vec::new(), timestamp: Millis(0) };
    assert!(decode(&message).is_ok() && jobs().is_valid(&job));
}

proptest! {
    #[test]
    fn every_outcome_agrees_with_the_schema(
        tenant: Option<String>,
        code: Option<String>,
        at: u64,
        attempts: u32,
        outcome in select(Outcome::ALL.to_vec()),
        reason in prop::option::of(select(Reason::ALL.to_vec())),
    ) {
        let (tenant, origin) = (tenant.map(|it| TenantId(it.into())), origin());
        let ended = Ended {
            tenant: tenant.as_ref(), connection: code.as_deref(), crm: None, event_type: None, idempotency_key: None, object: None,
            external_id: None, record_id: None, outcome, reason, code: code.as_deref(), attempts: Attempt(attempts),
            occurred_at: reason.map(|_| Millis(at)), at: Millis(at), origin: &origin,
        };
        let value: Value = serde_json::from_slice(&encode(&ended).1).unwrap();
        prop_assert!(outcomes().is_valid(&value), "{}", value);
    }
}

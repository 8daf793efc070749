//! Jobs as producers send them, right and wrong.
//! Not here: agreement with the schema (`schema_tests`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::{DEPTH_MAX, Decoded, TEXT_BYTES_MAX, VALUE_BYTES_MAX, decode};
use crate::model::{Job, Message, Millis, Operation, Reason};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::value::RawValue;

const NOW: Millis = Millis(1_769_860_800_000);

fn message(value: impl Into<Vec<u8>>) -> Message {
    Message { key: None, value: Some(Bytes::from(value.into())), headers: Vec::new(), timestamp: NOW }
}

fn good(value: &str) -> Job {
    match decode(&message(value)) {
        Ok(Decoded::Job(job)) => job,
        other => panic!("{value}: {other:?}"),
    }
}

fn bad(value: impl Into<Vec<u8>>) -> String {
    let malformed = decode(&message(value)).unwrap_err();
    assert_eq!(malformed.reason, Reason::InvalidJob);
    assert!(malformed.what.len() <= 300);
    malformed.what
}

const PAYLOAD: &str = r#"{"object":"contact","external_id":"c_1","properties":{"a":1}}"#;

/// A job with `name` set to the JSON `value`, or left out.
fn with(name: &str, value: Option<&str>) -> String {
    let payload = ["object", "external_id", "properties", "operation"].contains(&name);
    let one = |(field, json): (&str, &str)| {
        let json = if field == name { value? } else { json };
        (!json.is_empty()).then(|| format!("\"{field}\":{json}"))
    };
    let of = |fields: &[(&str, &str)]| {
        format!("{{{}}}", fields.iter().copied().filter_map(one).collect::<Vec<_>>().join(","))
    };
    let inner = of(&[("object", "\"contact\""), ("external_id", "\"c_1\""), ("operation", ""), ("properties", "{}")]);
    let inner = if payload { inner } else { PAYLOAD.to_owned() };
    of(&[
        ("tenant_id", "\"acme\""),
        ("event_type", "\"deal.stage_changed\""),
        ("idempotency_key", "\"e-1\""),
        ("occurred_at", ""),
        ("connection", ""),
        ("payload", &inner),
    ])
}

#[test]
fn a_whole_job_is_read_and_its_properties_are_kept_as_they_were_written() {
    let job = good(
        r#" {"tenant_id":"acme","event_type":"deal.won","idempotency_key":"e-\u00e9","more":[{}],
        "payload":{"properties":{ "b" : 1.0e2,"a":"x\n" },"external_id":"c_1","object":"2-123","operation":"archive"},
        "occurred_at":"2026-01-31T13:00:00+02:00","connection":"hubspot"} "#,
    );
    assert_eq!((&*job.tenant.0, &*job.event_type, &*job.idempotency_key.0), ("acme", "deal.won", "e-é"));
    assert_eq!(job.occurred_at, Millis(NOW.0 - 3_600_000));
    assert_eq!(job.connection.as_deref(), Some("hubspot"));
    assert_eq!((&*job.change.object.0, &*job.change.external_id), ("2-123", "c_1"));
    assert_eq!(job.change.operation, Operation::Archive);
    assert_eq!(&*job.change.properties.0, r#"{ "b" : 1.0e2,"a":"x\n" }"#);
}

#[test]
fn what_is_optional_has_a_default_and_null_is_absent() {
    for value in [
        with("", None),
        with("occurred_at", Some("null")),
        with("connection", Some("null")),
        with("operation", Some("null")),
    ] {
        let job = good(&value);
        assert_eq!((job.occurred_at, job.connection, job.change.operation), (NOW, None, Operation::Upsert));
    }
}

#[test]
fn an_archive_needs_no_properties_and_an_upsert_does() {
    let archive = |rest: &str| {
        with("payload", Some(&format!(r#"{{"object":"deal","external_id":"d","operation":"archive"{rest}}}"#)))
    };
    assert_eq!(&*good(&archive("")).change.properties.0, "{}");
    assert_eq!(&*good(&archive(r#","properties":null"#)).change.properties.0, "{}");
    assert_eq!(bad(with("properties", None)), "field `payload.properties` is missing");
    assert_eq!(bad(with("properties", Some("null"))), "field `payload.properties` must be an object, not null");
}

#[test]
fn a_message_without_value_is_a_tombstone_and_an_empty_one_is_not() {
    let tombstone = Message { value: None, ..message("") };
    assert_eq!(decode(&tombstone), Ok(Decoded::Tombstone));
    assert!(bad("").starts_with("the value is not JSON: EOF"));
}

#[test]
fn each_required_field_that_is_missing_is_named() {
    for name in ["tenant_id", "event_type", "idempotency_key", "payload"] {
        assert_eq!(bad(with(name, None)), format!("field `{name}` is missing"));
    }
    for name in ["object", "external_id", "properties"] {
        assert_eq!(bad(with(name, None)), format!("field `payload.{name}` is missing"));
    }
}

#[test]
fn ids_that_cannot_be_used_are_refused_with_the_reason() {
    let cases = [
        ("7", "must be a string, not a number; put it in quotes"),
        ("null", "must be a string, not null"),
        ("true", "must be a string, not a boolean"),
        ("[\"a\"]", "must be a string, not an array"),
        ("{\"a\":1}", "must be a string, not an object"),
        ("\"\"", "is empty"),
        ("\"  \"", "is empty"),
        ("\"a\\u0000\"", "has a control character at byte 1"),
        ("\"é\\u0085\"", "has a control character at byte 2"),
    ];
    for (field, name) in
        [("tenant_id", "tenant_id"), ("idempotency_key", "idempotency_key"), ("external_id", "payload.external_id")]
    {
        for (value, what) in cases {
            assert_eq!(bad(with(field, Some(value))), format!("field `{name}` {what}"));
        }
    }
    assert_eq!(
        bad(with("connection", Some("3"))),
        "field `connection` must be a string, not a number; put it in quotes"
    );
    assert_eq!(
        bad(with("operation", Some("\"delete\""))),
        "field `payload.operation` is neither `upsert` nor `archive`"
    );
    assert_eq!(bad(with("payload", Some("\"x\""))), "field `payload` must be an object, not a string");
    assert_eq!(bad(with("properties", Some(" [1]"))), "field `payload.properties` must be an object, not an array");
}

#[test]
fn a_text_may_have_512_bytes_and_not_one_more() {
    for name in ["tenant_id", "event_type", "idempotency_key", "connection", "object", "external_id"] {
        let text = |length: usize| format!("\"{}\"", "x".repeat(length));
        good(&with(name, Some(&text(TEXT_BYTES_MAX))));
        assert!(bad(with(name, Some(&text(TEXT_BYTES_MAX + 1)))).ends_with("has 513 bytes, more than 512"));
    }
}

#[test]
fn a_field_that_comes_twice_is_refused_even_when_the_values_agree() {
    let twice = with("", None).replace(r#""tenant_id":"acme""#, r#""tenant_id":"acme","ten\u0061nt_id":"acme""#);
    assert!(bad(twice).starts_with("field `tenant_id` comes twice at line 1"));
    let inner = with("", None).replace(r#""object":"contact""#, r#""object":"contact","object":"contact""#);
    assert!(bad(inner).starts_with("field `payload.object` comes twice"));
}

#[test]
fn faults_never_quote_the_payload() {
    let values = [
        "\"secret\"".to_owned(),
        "[\"secret\"]".to_owned(),
        "{\"secret\":secret}".to_owned(),
        "secret".to_owned(),
        with("payload", Some("\"secret\"")),
        with("operation", Some("\"secret\"")),
        with("occurred_at", Some("\"secret\"")),
        with("tenant_id", Some("\"secret\\n\"")),
        with("properties", Some("\"secret\"")),
        with("properties", Some("{\"secret\":\"\\ud800\"}")),
        with("", None) + "secret",
    ];
    for value in values {
        let what = bad(value.clone());
        assert!(!what.contains("secret"), "{value}: {what}");
    }
}

#[test]
fn bytes_that_are_no_json_text_are_refused() {
    assert_eq!(bad(b"{\"a\":\"\xff\"}".to_vec()), "the value is not UTF-8 after byte 6");
    assert!(bad(b"\x00\x00\x00\x00\x01abc".to_vec()).contains("Schema Registry"));
    assert!(bad("\u{feff}{}").starts_with("the value is not JSON"));
    assert!(bad("{} {}").starts_with("the value is not JSON: trailing characters"));
    assert_eq!(bad("[]"), "the value must be an object, not an array");
    assert_eq!(bad("5"), "the value must be an object, not a number");
}

#[test]
fn depth_is_bounded_wherever_it_lies() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    good(&with("properties", Some(&format!("{{\"a\":{}}}", deep(DEPTH_MAX - 3)))));
    let fault = "the value is nested deeper than 64 levels";
    assert_eq!(bad(with("properties", Some(&format!("{{\"a\":{}}}", deep(DEPTH_MAX - 2))))), fault);
    assert_eq!(bad(with("tenant_id", Some(&deep(DEPTH_MAX)))), fault);
    assert_eq!(bad("[".repeat(VALUE_BYTES_MAX)), fault);
    good(&with("properties", Some(&format!("{{\"a\":\"{}\\\"{{\"}}", "[{".repeat(1000)))));
}

#[test]
fn size_is_bounded() {
    let padded = |length: usize| {
        let empty = with("properties", Some("{\"a\":\"\"}"));
        with("properties", Some(&format!("{{\"a\":\"{}\"}}", "x".repeat(length - empty.len()))))
    };
    assert_eq!(padded(VALUE_BYTES_MAX).len(), VALUE_BYTES_MAX);
    good(&padded(VALUE_BYTES_MAX));
    assert_eq!(bad(padded(VALUE_BYTES_MAX + 1)), "the value has 1048577 bytes, more than 1048576");
}

#[test]
fn a_time_that_cannot_be_true_reads_as_that_of_the_message() {
    let at = |text: &str| good(&with("occurred_at", Some(&format!("\"{text}\"")))).occurred_at;
    assert_eq!(at("2026-02-01T12:00:00Z"), Millis(NOW.0 + 86_400_000));
    assert_eq!(at("2026-02-01T12:00:00.001Z"), NOW);
    assert_eq!(at("1969-12-31T23:59:59Z"), NOW);
    assert!(
        bad(with("occurred_at", Some("\"2026-02-01\""))).starts_with("field `occurred_at` is not an RFC 3339 time")
    );
    assert!(bad(with("occurred_at", Some("1769860800"))).contains("must be a string, not a number"));
}

#[test]
fn half_a_surrogate_pair_is_refused_and_a_whole_one_is_not() {
    good(&with("properties", Some(r#"{"a":"\ud83d\ude00 \\ud800"}"#)));
    for half in [r"\ud83d", r"\ude00", r"\ud83d\n", r"\ud83dA", r"\ud83d\ud83d"] {
        let value = with("properties", Some(&format!("{{\"a\":\"{half}\"}}")));
        assert_eq!(bad(value), "the value has half of a UTF-16 surrogate pair in a string");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_job_or_a_fault(value: Vec<u8>) {
        if let Err(malformed) = decode(&message(value)) {
            prop_assert!(malformed.what.len() <= 300);
        }
    }

    #[test]
    fn a_damaged_job_is_a_job_or_a_fault(at in 0_usize..300, byte: u8, cut in 0_usize..300) {
        let mut value = with("", None).into_bytes();
        let length = value.len();
        value[at % length] = byte;
        value.truncate(length - cut % length);
        let _read = decode(&message(value));
    }

    #[test]
    fn what_was_written_is_what_is_read(
        tenant in "[a-z0-9\"\\\\/%é\u{1f600}]{1,40}",
        key in "[a-z0-9\"\\\\/%é\u{1f600}]{1,40}",
        properties in prop::collection::btree_map(any::<String>(), any::<String>(), 0..5),
    ) {
        let properties = serde_json::to_string(&properties).unwrap();
        let value = serde_json::json!({
            "tenant_id": tenant, "event_type": "e", "idempotency_key": key,
            "payload": {"object": "contact", "external_id": key, "properties": RawValue::from_string(properties.clone()).unwrap()},
        });
        let job = good(&value.to_string());
        prop_assert_eq!(&*job.tenant.0, tenant);
        prop_assert_eq!(&*job.change.external_id, &key);
        prop_assert_eq!(&*job.change.properties.0, properties);
    }
}

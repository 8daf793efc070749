//! Messages that are no jobs: one dead letter each, byte for byte, and the shard goes on.
//! Not here: what a CRM refuses (`retries`).

use crate::stage::{Job, Letter, PARTITIONS, Read, Stage, await_that, now_us, tally, text};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use serde_json::json;
use sluicegate::model::{TenantId, Topic};
use sluicegate::wire::partitioner;
use std::time::Duration;

const MEGABYTES_10: usize = 10 * 1024 * 1024;
/// Later than now, and still taken by a broker with its own settings.
const AHEAD_MS: i64 = 50 * 60 * 1_000;
/// A tenant that is unknown is waited for so long; a job that is older dies at once.
const PAST_PATIENCE_MS: i64 = 2 * 60 * 1_000;

struct Bad {
    name: &'static str,
    reason: &'static str,
    letter: Letter,
}

#[test]
fn every_message_that_is_no_job_becomes_one_dead_letter_byte_for_byte_and_the_shard_goes_on() {
    let stage = Stage::new("nonsense", 1);
    allow_large_jobs(&stage);
    let bad = bad(&stage);
    let process = stage.run("one", None);
    let sound: Vec<Job> =
        (1..).take(bad.len() + 1).map(|seq| Job { tenant: tenant(), record: "r".to_owned(), seq }).collect();
    let mut letters = Vec::new();
    for (bad, sound) in bad.iter().zip(&sound) {
        letters.extend([bad.letter.clone(), at_home(sound.letter())]);
    }
    // Unusual, but a job: no key, and a time that has not come.
    let ahead = Some(i64::try_from(now_us() / 1_000).unwrap() + AHEAD_MS);
    letters.push(Letter { key: None, timestamp: ahead, ..at_home(sound[bad.len()].letter()) });
    letters.push(Letter { value: None, ..at_home(sound[0].letter()) });
    stage.post(letters);
    let mut dead = stage.dead_letters();
    dead.await_exactly(bad.len(), Duration::from_secs(60));
    let mut outcomes = stage.outcomes();
    outcomes.await_exactly(sound.len(), Duration::from_secs(60));
    for (at, (bad, letter)) in bad.iter().zip(&dead.read).enumerate() {
        check(&stage, bad, letter, 2 * at);
    }
    assert_eq!(tally(&outcomes.read), [("applied".to_owned(), sound.len())].into());
    let markers = stage.hubspot.record(&crate::stage::token(&tenant()), "r").unwrap().applied.len();
    assert_eq!(markers, sound.len());
    assert!(!process.log().contains("hunter2"), "a payload is in the log");
    process.stop();
}

fn check(stage: &Stage, bad: &Bad, letter: &Read, offset: usize) {
    let name = bad.name;
    assert!(letter.value == bad.letter.value && letter.key == bad.letter.key, "{name}: other bytes");
    let (theirs, ours) = letter.headers.split_at(bad.letter.headers.len());
    assert_eq!(theirs, bad.letter.headers, "{name}: other headers");
    let names: Vec<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "sluicegate-attempt",
        "sluicegate-origin",
        "sluicegate-origin-timestamp",
        "sluicegate-reason",
        "kafka_dlt-original-topic",
        "kafka_dlt-exception-message",
    ];
    assert_eq!(names, expected, "{name}");
    let header = |name: &str| letter.header(name).unwrap();
    let topic = stage.world.topic(Topic::Jobs);
    assert_eq!(header("sluicegate-attempt"), "0", "{name}");
    assert_eq!(header("sluicegate-origin"), format!("{topic}/{}/{offset}", home()), "{name}");
    assert_eq!(header("sluicegate-reason"), bad.reason, "{name}");
    assert_eq!(header("kafka_dlt-original-topic"), topic, "{name}");
    let what = header("kafka_dlt-exception-message");
    assert!(!what.is_empty() && !what.contains("hunter2"), "{name}: {what}");
    if let Some(timestamp) = bad.letter.timestamp {
        assert_eq!(header("sluicegate-origin-timestamp"), timestamp.to_string(), "{name}");
    }
}

fn bad(stage: &Stage) -> Vec<Bad> {
    let whole = json!({
        "tenant_id": tenant(), "event_type": "e", "idempotency_key": "k",
        "payload": { "object": "contact", "external_id": "r", "properties": { "secret": "hunter2" } }
    });
    let without = |field: &str| {
        let mut job = whole.clone();
        job.as_object_mut().unwrap().remove(field);
        job.to_string().into_bytes()
    };
    let large = format!("{{\"a\":\"hunter2{}\"}}", "x".repeat(MEGABYTES_10));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let twice = format!("{{\"tenant_id\":\"hunter2\",{}", &whole.to_string()[1..]);
    let stranger = whole.to_string().replace(&tenant(), &stranger());
    let mut all = vec![
        ("not JSON", "invalid_job", b"{hunter2".to_vec()),
        ("empty", "invalid_job", Vec::new()),
        ("10 MB", "invalid_job", large.into_bytes()),
        ("invalid UTF-8", "invalid_job", b"{\"tenant_id\":\"\xff\xfe\"}".to_vec()),
        ("10,000 arrays", "invalid_job", deep.into_bytes()),
        ("10,000 objects", "invalid_job", deep_objects.into_bytes()),
        ("a field twice", "invalid_job", twice.into_bytes()),
        ("unknown tenant", "unknown_tenant", stranger.into_bytes()),
        ("unknown connection", "no_route", {
            let mut job = whole.clone();
            job["connection"] = json!("elsewhere");
            job.to_string().into_bytes()
        }),
    ];
    all.extend(["tenant_id", "event_type", "idempotency_key", "payload"].map(|it| (it, "invalid_job", without(it))));
    let letter = |value| {
        at_home(Letter {
            key: Some(tenant().into_bytes()),
            value: Some(value),
            headers: vec![
                ("twice".to_owned(), Some(b"1".to_vec())),
                ("twice".to_owned(), Some(Vec::new())),
                ("none".to_owned(), None),
            ],
            ..Letter::default()
        })
    };
    let mut bad: Vec<Bad> =
        all.into_iter().map(|(name, reason, value)| Bad { name, reason, letter: letter(value) }).collect();
    let now = i64::try_from(now_us() / 1_000).unwrap();
    let of_nobody = bad.iter_mut().find(|it| it.reason == "unknown_tenant").unwrap();
    of_nobody.letter.timestamp = Some(now - PAST_PATIENCE_MS);
    let ahead = Some(now + AHEAD_MS);
    let nonsense = |letter| Bad { name: "no key, a time to come", reason: "invalid_job", letter };
    bad.push(nonsense(Letter { key: None, timestamp: ahead, ..letter(b"[]".to_vec()) }));
    assert_eq!(text(&whole, "tenant_id"), stage.tenants[0]);
    bad
}

fn tenant() -> String {
    "tenant-0".to_owned()
}

fn home() -> i32 {
    i32::try_from(partitioner::home(&TenantId::from(tenant().as_str()), PARTITIONS).0).unwrap()
}

fn at_home(letter: Letter) -> Letter {
    Letter { partition: Some(home()), ..letter }
}

/// Nobody's tenant with the same home, so that it is not forwarded first.
fn stranger() -> String {
    let is_neighbour =
        |it: &String| i32::try_from(partitioner::home(&TenantId::from(it.as_str()), PARTITIONS).0) == Ok(home());
    (0..).map(|it| format!("stranger-{it}")).find(is_neighbour).unwrap()
}

/// Kafka's default for a message is 1 MB. The siblings follow by `topics apply`.
fn allow_large_jobs(stage: &Stage) {
    let admin: AdminClient<DefaultClientContext> = stage.world.client().create().unwrap();
    let topic = stage.world.topic(Topic::Jobs);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", "16777216");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(admin.alter_configs([&change], &AdminOptions::new())).unwrap();
    changed.into_iter().for_each(|it| drop(it.unwrap()));
    let asked = || runtime.block_on(admin.describe_configs([&ResourceSpecifier::Topic(&topic)], &AdminOptions::new()));
    await_that("the brokers know of it", Duration::from_secs(10), || {
        let config = asked().unwrap().remove(0).unwrap();
        config.get("max.message.bytes").is_some_and(|it| it.value.as_deref() == Some("16777216"))
    });
    stage.apply_topics();
}

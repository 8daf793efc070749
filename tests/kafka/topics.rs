//! The topics: planned, made, mended, and refused when their counts differ.
//! Not here: how the plan is printed.

use crate::support::{Instance, World};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use sluicegate::kafka::{self, Change, KafkaSettings};
use sluicegate::model::{Tier, Topic};
use sluicegate::ports::{LogEvent, StopCause};

fn admin(world: &World) -> AdminClient<DefaultClientContext> {
    world.client().create().unwrap()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_plan_makes_what_is_missing_and_is_empty_once_it_was_applied() {
    let world = World { settings: crate::support::settings("plan", 3) };
    let plan = kafka::plan(&world.settings).unwrap();
    assert_eq!(plan.changes.len(), 10);
    assert_eq!(plan.bill.to_string(), "10 topics x 3 = 30 partitions, 30 replicas");
    assert!(plan.changes.iter().all(|it| matches!(it, Change::Create { partitions: 3, .. })));
    kafka::apply(&world.settings, &plan).unwrap();
    let after = kafka::plan(&world.settings).unwrap();
    assert_eq!((after.changes, after.wrong), (vec![], vec![]));
    // Safe to repeat.
    kafka::apply(&world.settings, &plan).unwrap();
}

#[test]
fn mending_a_topic_keeps_what_else_was_set_for_it() {
    let world = World::new("mend", 1);
    let delay = world.topic(Topic::Delay(Tier::S5));
    let spoilt = AlterConfig::new(ResourceSpecifier::Topic(&delay))
        .set("retention.ms", "60000")
        .set("max.message.bytes", "9000000")
        .set("retention.bytes", "-1");
    wait(admin(&world).alter_configs([&spoilt], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let plan = kafka::plan(&world.settings).unwrap();
    let expected = Change::Set {
        topic: delay.clone(),
        name: "retention.ms".to_owned(),
        from: Some("60000".to_owned()),
        to: "-1".to_owned(),
    };
    assert_eq!(plan.changes, [expected]);
    kafka::apply(&world.settings, &plan).unwrap();
    assert_eq!(kafka::plan(&world.settings).unwrap().changes, []);
    let described =
        wait(admin(&world).describe_configs([&ResourceSpecifier::Topic(&delay)], &AdminOptions::new())).unwrap();
    let kept = described[0].as_ref().unwrap().get("max.message.bytes").unwrap().value.clone();
    assert_eq!(kept.as_deref(), Some("9000000"));
}

#[test]
fn topics_with_different_partition_counts_are_refused_with_words_for_a_person() {
    let world = World { settings: crate::support::settings("uneven", 2) };
    let dlq = world.topic(Topic::Dlq);
    let uneven = NewTopic::new(&dlq, 5, TopicReplication::Fixed(1));
    wait(admin(&world).create_topics([&uneven], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let plan = kafka::plan(&world.settings).unwrap();
    assert_eq!(plan.wrong.iter().map(|it| it.topic.as_str()).collect::<Vec<_>>(), [dlq.as_str()]);
    kafka::apply(&world.settings, &plan).unwrap();
    let fault = stop_of(&world.settings);
    assert!(fault.contains(".dlq has 5") && fault.contains("kafka.partitions = 2"), "{fault}");
}

#[test]
fn a_topic_that_takes_less_than_jobs_does_is_refused_and_the_plan_mends_it() {
    let world = World::new("small", 1);
    let jobs = world.topic(Topic::Jobs);
    let large = AlterConfig::new(ResourceSpecifier::Topic(&jobs)).set("max.message.bytes", "4000000");
    wait(admin(&world).alter_configs([&large], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    await_setting(&world, &jobs, "4000000");
    let fault = stop_of(&world.settings);
    assert!(fault.contains(".delay.5s has ") && fault.contains("needs 4131072"), "{fault}");
    assert!(fault.contains("topics apply"), "{fault}");
    let plan = kafka::plan(&world.settings).unwrap();
    assert_eq!(plan.changes.len(), 9, "all its siblings");
    kafka::apply(&world.settings, &plan).unwrap();
    await_setting(&world, &world.topic(Topic::Delay(Tier::S80)), "4131072");
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
}

fn await_setting(world: &World, topic: &str, value: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let asked = || wait(admin(world).describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()));
    while asked().unwrap()[0].as_ref().unwrap().get("max.message.bytes").unwrap().value.as_deref() != Some(value) {
        assert!(std::time::Instant::now() < until, "{topic} was not changed");
    }
}

#[test]
fn missing_topics_are_named_and_nothing_is_created_by_running() {
    let world = World { settings: crate::support::settings("missing", 2) };
    let fault = stop_of(&world.settings);
    assert!(fault.contains(".jobs") && fault.contains("topics apply"), "{fault}");
    assert_eq!(kafka::plan(&world.settings).unwrap().changes.len(), 10);
}

fn stop_of(settings: &KafkaSettings) -> String {
    let mut one = Instance::start(settings);
    one.expect("stop", |event| match event {
        LogEvent::Stopped { shard: None, fault, cause: StopCause::Unfit } => Some(fault.what.clone()),
        _ => None,
    })
}

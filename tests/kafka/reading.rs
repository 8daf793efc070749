//! Reading: order, gaps, beginning again, leaving topics alone.
//! Not here: what the messages mean.

use crate::support::{Instance, RawTransaction, World};
use sluicegate::model::{Offset, Received, Shard, Tier, Topic};
use sluicegate::ports::{Log, LogEvent};
use std::collections::BTreeMap;
use std::time::Duration;

const FIRST: Shard = Shard(0);
const JOBS: Topic = Topic::Jobs;
const DELAY: Topic = Topic::Delay(Tier::S5);

fn numbers(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|it| it.to_string())
}

fn values(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|it| String::from_utf8(it.message.value.as_deref().unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn a_new_shard_has_nothing_behind_it_and_its_empty_topics_have_caught_up_at_once() {
    let world = World::new("empty", 2);
    let mut one = Instance::start(&world.settings);
    let assigned = one.assigned(2);
    assert_eq!(assigned.keys().copied().collect::<Vec<_>>(), [Shard(0), Shard(1)]);
    let first = &assigned[&FIRST];
    assert_eq!((first.group_offset, first.shards, first.lease), (None, 2, Duration::from_secs(10)));
    assert_eq!(first.starts.len(), 10);
    assert!(first.ends.values().all(|end| *end == Offset(0)));
    one.log.open(FIRST, BTreeMap::new());
    for topic in [Topic::State, Topic::Applied].into_iter().chain(Tier::ALL.map(Topic::Delay)) {
        assert_eq!(one.messages(FIRST, topic), (vec![], Offset(0)));
    }
}

#[test]
fn jobs_come_in_order_and_whole() {
    let world = World::new("order", 1);
    world.produce(JOBS, 0, numbers(5_000));
    let mut one = Instance::start(&world.settings);
    assert_eq!(one.assigned(1)[&FIRST].ends[&JOBS], Offset(5_000));
    one.log.read_jobs(FIRST, Offset(0));
    let (read, position) = one.read_to(FIRST, JOBS, Offset(5_000));
    assert_eq!(values(&read), numbers(5_000).collect::<Vec<_>>());
    assert_eq!(position, Offset(5_000));
    assert_eq!(read[7].message.key.as_deref(), Some(&b"tenant"[..]));
}

#[test]
fn aborted_messages_are_never_seen_and_the_position_passes_them_and_control_records() {
    let world = World::new("aborted", 1);
    let undone = RawTransaction::begin(&world, "undone");
    undone.write(&world, JOBS, 0, "undone");
    undone.abort();
    let done = RawTransaction::begin(&world, "done");
    done.write(&world, JOBS, 0, "done");
    done.commit();
    let mut one = Instance::start(&world.settings);
    let end = one.assigned(1)[&FIRST].ends[&JOBS];
    assert_eq!(end, Offset(4), "two messages and a control record after each");
    one.log.read_jobs(FIRST, Offset(0));
    let (read, position) = one.read_to(FIRST, JOBS, end);
    assert_eq!(values(&read), ["done"]);
    assert_eq!(position, end);
}

#[test]
fn a_transaction_that_ends_later_is_read_when_it_ends_and_its_control_record_is_passed() {
    let world = World::new("trailing", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    one.log.open(FIRST, BTreeMap::new());
    assert_eq!(one.messages(FIRST, DELAY), (vec![], Offset(0)));
    let late = RawTransaction::begin(&world, "late");
    late.write(&world, DELAY, 0, "late");
    late.commit();
    let (read, position) = one.read_to(FIRST, DELAY, Offset(2));
    assert_eq!((values(&read), position), (vec!["late".to_owned()], Offset(2)));
}

#[test]
fn a_read_that_begins_again_brings_nothing_of_the_read_before() {
    let world = World::new("again", 1);
    world.produce(JOBS, 0, numbers(20_000));
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    // Every read announces itself with its first position and no message; the last one begins at 0.
    let mut reads: Vec<Vec<u64>> = Vec::new();
    let mut listen = |one: &mut Instance| {
        let (messages, position) = one.messages(FIRST, JOBS);
        if messages.is_empty() && [15_000, 3, 9_000, 0].get(reads.len()) == Some(&position.0) {
            reads.push(Vec::new());
        }
        let last = reads.last_mut().unwrap();
        last.extend(messages.iter().map(|it| it.offset.0));
        (reads.len(), reads.last().unwrap().clone())
    };
    for from in [15_000, 3, 9_000, 0] {
        one.log.read_jobs(FIRST, Offset(from));
        // The third is interrupted while its messages are being fetched, the others before.
        while from == 9_000 && listen(&mut one).1.first() != Some(&9_000) {}
    }
    let read = loop {
        let (count, read) = listen(&mut one);
        if count == 4 && read.len() >= 20_000 {
            break read;
        }
    };
    assert_eq!(read, (0..20_000).collect::<Vec<_>>());
}

#[test]
fn what_is_not_wanted_stays_in_kafka_until_it_is_wanted_again() {
    let world = World::new("unwanted", 1);
    world.produce(JOBS, 0, (0..20_000).map(|it| format!("{it:0200}")));
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    one.log.open(FIRST, BTreeMap::new());
    one.log.read_jobs(FIRST, Offset(0));
    let mut read = one.read_to(FIRST, JOBS, Offset(1)).0;
    one.log.want(FIRST, JOBS, false);
    // Whatever was under way arrives; then nothing does, while other topics go on.
    let under_way = one.all_said(Duration::from_millis(500));
    world.produce(DELAY, 0, ["meanwhile".to_owned()]);
    let quiet = one.all_said(Duration::from_millis(800));
    let of_jobs = |events: &[LogEvent]| -> Vec<Received> {
        let mut all = Vec::new();
        for event in events {
            if let LogEvent::Messages { topic: JOBS, messages, .. } = event {
                all.extend(messages.clone());
            }
        }
        all
    };
    read.extend(of_jobs(&under_way));
    assert_eq!(of_jobs(&quiet), vec![]);
    assert!(
        quiet.iter().any(|it| matches!(it, LogEvent::Messages { topic: DELAY, messages, .. } if messages.len() == 1))
    );
    assert!(read.len() < 20_000, "it was told too late to show anything");
    one.log.want(FIRST, JOBS, true);
    read.extend(one.read_to(FIRST, JOBS, Offset(20_000)).0);
    assert_eq!(read.iter().map(|it| it.offset.0).collect::<Vec<_>>(), (0..20_000).collect::<Vec<_>>());
}

#[test]
fn a_shard_stops_when_the_jobs_it_has_to_read_next_are_gone() {
    let world = World::new("gone", 1);
    world.produce(DELAY, 0, numbers(10));
    world.produce(JOBS, 0, numbers(10));
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    one.log.read_jobs(FIRST, Offset(4_000));
    let (shard, fault) = one.expect("stop", |event| match event {
        LogEvent::Stopped { shard, fault, .. } => Some((*shard, fault.clone())),
        _ => None,
    });
    assert_eq!(shard, Some(FIRST));
    assert!(fault.what.contains("4000") && fault.what.contains(".jobs/0"), "{fault}");
}

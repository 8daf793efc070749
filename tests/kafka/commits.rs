//! Commits: all or nothing, with the group's offsets, fenced, refused.
//! Not here: what a commit carries (`engine`).

use crate::support::{Instance, RawTransaction, World, commit_of, message, outgoing};
use bytes::Bytes;
use sluicegate::model::{Message, Offset, Shard, Tier, Topic};
use sluicegate::ports::{Culprit, Fate, Log};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const FIRST: Shard = Shard(0);

#[test]
fn a_commit_writes_everything_byte_for_byte_and_moves_the_groups_offsets_with_it() {
    let world = World::new("whole", 2);
    let mut one = Instance::start(&world.settings);
    one.assigned(2);
    let bare = Message { key: None, value: None, headers: vec![], timestamp: message("").timestamp };
    let commit = commit_of(
        1,
        vec![
            (0, 17, vec![outgoing(Topic::State, 0, message("a")), outgoing(Topic::Delay(Tier::S5), 0, bare.clone())]),
            (1, 3, vec![outgoing(Topic::Applied, 1, message("b")), outgoing(Topic::Jobs, 0, message("forwarded"))]),
        ],
    );
    let Fate::Committed { ends } = one.commit(&commit) else { panic!("not committed") };
    let expected = BTreeMap::from([((FIRST, Topic::State), Offset(1)), ((Shard(1), Topic::Applied), Offset(1))]);
    assert_eq!(ends, expected);
    assert_eq!((world.group_offset(0), world.group_offset(1)), (Some(Offset(17)), Some(Offset(3))));
    one.log.open(FIRST, BTreeMap::new());
    one.log.read_jobs(FIRST, Offset(0));
    let read = |one: &mut Instance, topic| one.read_to(FIRST, topic, Offset(2)).0;
    assert_eq!(read(&mut one, Topic::State)[0].message, message("a"));
    assert_eq!(read(&mut one, Topic::Delay(Tier::S5))[0].message, bare);
    assert_eq!(read(&mut one, Topic::Jobs)[0].message, message("forwarded"));
}

#[test]
fn an_empty_commit_moves_the_groups_offset_and_many_commits_follow_one_another() {
    let world = World::new("many", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    for number in 1..=20 {
        let fate = one.commit(&commit_of(number, vec![(0, number, vec![])]));
        assert!(matches!(fate, Fate::Committed { .. }), "{number}: {fate:?}");
    }
    assert_eq!(world.group_offset(0), Some(Offset(20)));
}

#[test]
fn a_message_too_large_for_its_topic_is_refused_by_name_and_the_next_commit_goes_through() {
    let world = World::new("large", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    // Noise that no compression makes small: xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..3_000_000).map(|_| noise()).collect();
    let large = Message { value: Some(Bytes::from(noise)), ..message("") };
    let small = |number: usize| outgoing(Topic::Dlq, 0, message(&number.to_string()));
    let messages = (0..5).map(small).chain([outgoing(Topic::Dlq, 0, large)]).chain((0..5).map(small)).collect();
    let began = Instant::now();
    let commit = commit_of(1, vec![(0, 1, messages)]);
    let Fate::Refused { fault, culprit } = one.commit(&commit) else { panic!("not refused") };
    assert!(fault.what.contains(".dlq/0"), "{fault}");
    assert_eq!(culprit, Some(Culprit { shard: FIRST, index: 5 }));
    assert!(began.elapsed() < Duration::from_secs(5), "undoing it took {:?}", began.elapsed());
    let fate = one.commit(&commit_of(2, vec![(0, 2, vec![outgoing(Topic::Dlq, 0, message("small"))])]));
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
    assert_eq!(world.group_offset(0), Some(Offset(2)));
}

#[test]
fn a_commit_that_names_a_shard_of_somebody_else_is_not_even_begun() {
    let world = World::new("foreign", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    let fate = one.commit(&commit_of(1, vec![(0, 1, vec![]), (7, 1, vec![outgoing(Topic::State, 0, message("x"))])]));
    assert!(matches!(fate, Fate::Aborted(_)), "{fate:?}");
    assert_eq!(world.bounds(Topic::State, 0).1, Offset(0));
    assert!(matches!(one.commit(&commit_of(2, vec![(0, 5, vec![])])), Fate::Committed { .. }));
}

#[test]
fn a_producer_whose_name_was_taken_over_commits_nothing_more() {
    let world = World::new("twin", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    assert!(matches!(one.commit(&commit_of(1, vec![(0, 1, vec![])])), Fate::Committed { .. }));
    let twin = RawTransaction::begin(&world, "one");
    let fate = one.commit(&commit_of(2, vec![(0, 2, vec![outgoing(Topic::State, 0, message("late"))])]));
    assert!(matches!(fate, Fate::Fenced(_)), "{fate:?}");
    twin.write(&world, Topic::State, 0, "twin");
    twin.commit();
    assert_eq!(world.group_offset(0), Some(Offset(1)));
}

#[test]
fn a_purge_deletes_what_lies_below_and_no_more() {
    let world = World::new("purge", 1);
    let delay = Topic::Delay(Tier::S80);
    world.produce(delay, 0, (0..10).map(|it| it.to_string()));
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    one.log.purge(FIRST, delay, Offset(3));
    one.log.purge(FIRST, delay, Offset(6));
    let until = Instant::now() + Duration::from_secs(20);
    while world.bounds(delay, 0).0 < Offset(6) {
        assert!(Instant::now() < until, "nothing was purged");
    }
    assert_eq!(world.bounds(delay, 0), (Offset(6), Offset(10)));
}

#[test]
fn commits_are_quick() {
    let world = World::new("quick", 12);
    let mut one = Instance::start(&world.settings);
    one.assigned(12);
    for (messages, rounds) in [(1, 60), (500, 40), (5_000, 20)] {
        let mut took: Vec<Duration> = (0..rounds)
            .map(|round| {
                let part = |shard: u32| {
                    let count = (0..messages).filter(|it| it % 12 == shard);
                    (shard, round, count.map(|_| outgoing(Topic::State, shard, message("0123456789"))).collect())
                };
                let commit = commit_of(round + 1, (0..12).map(part).collect());
                let began = Instant::now();
                let fate = one.commit(&commit);
                assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
                began.elapsed()
            })
            .collect();
        took.sort();
        let (half, most) = (took[took.len() / 2], took[took.len() * 95 / 100]);
        eprintln!("commit of {messages} messages over 12 shards: best {:?}, p50 {half:?}, p95 {most:?}", took[0]);
        // rdkafka's own wait for deliveries would cost every one of them 100 ms; a busy machine costs only some.
        assert!(took[0] < Duration::from_millis(80), "commits wait for something: {:?}", took[0]);
    }
}

//! Taking over and giving up: hand-over between two instances, a name used twice, a group's offset set back.
//! Not here: who should own which shard.

use crate::support::{Instance, World, commit_of, message, outgoing};
use sluicegate::model::{Offset, Shard, Topic};
use sluicegate::ports::{Fate, Log, LogEvent};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn revoking(one: &mut Instance) -> Vec<Shard> {
    one.expect("revocation", |event| match event {
        LogEvent::Revoking(shards) => Some(shards.clone()),
        _ => None,
    })
}

#[test]
fn a_second_instance_gets_shards_with_the_last_commit_of_the_first_and_the_others_go_on() {
    let world = World::new("handover", 4);
    let mut one = Instance::start(&world.as_instance("one"));
    one.assigned(4);
    let all = |offset: u64| (0..4).map(|shard| (shard, offset, vec![])).collect();
    assert!(matches!(one.commit(&commit_of(1, all(10))), Fate::Committed { .. }));
    let mut two = Instance::start(&world.as_instance("two"));
    let going = revoking(&mut one);
    assert!(!going.is_empty() && going.len() < 4, "only what moves is revoked: {going:?}");
    // The last commit is made while the rebalance callback waits for it.
    let last = (0..4).map(|shard| (shard, 20, vec![outgoing(Topic::State, shard, message("last"))])).collect();
    let began = Instant::now();
    let fate = one.commit(&commit_of(2, last));
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "the commit waited for the callback: {:?}", began.elapsed());
    one.log.close(&going);
    let arrived = two.assigned(going.len());
    assert_eq!(arrived.keys().copied().collect::<Vec<_>>(), going);
    for assignment in arrived.values() {
        assert_eq!(assignment.group_offset, Some(Offset(20)));
        assert_eq!(assignment.ends[&Topic::State], Offset(2), "a message and its control record");
    }
    // Who gave a shard up cannot write for it; both go on with what is theirs.
    let gone = commit_of(3, vec![(going[0].0, 30, vec![])]);
    assert!(matches!(one.commit(&gone), Fate::Aborted(_)));
    assert!(matches!(two.commit(&gone), Fate::Committed { .. }));
    let kept: Vec<_> = (0..4).filter(|it| !going.contains(&Shard(*it))).map(|it| (it, 40, vec![])).collect();
    let fate = commit_until_settled(&mut one, kept);
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
}

/// A commit that meets the end of a rebalance is aborted and tried again, as the loop does.
fn commit_until_settled(one: &mut Instance, parts: Vec<(u32, u64, Vec<sluicegate::model::Outgoing>)>) -> Fate {
    let mut number = 100;
    loop {
        number += 1;
        match one.commit(&commit_of(number, parts.clone())) {
            Fate::Aborted(fault) if number < 120 => eprintln!("aborted, tried again: {fault}"),
            fate => return fate,
        }
    }
}

#[test]
fn shards_are_given_up_after_ten_seconds_even_if_the_loop_does_not_answer() {
    let world = World::new("silent", 2);
    let mut one = Instance::start(&world.as_instance("one"));
    one.assigned(2);
    let mut two = Instance::start(&world.as_instance("two"));
    let going = revoking(&mut one);
    let began = Instant::now();
    let arrived = two.assigned(going.len());
    assert_eq!(arrived.keys().copied().collect::<Vec<_>>(), going);
    assert!(began.elapsed() > Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(matches!(one.commit(&commit_of(1, vec![(going[0].0, 1, vec![])])), Fate::Aborted(_)));
    // The late answer is taken as one, not as leaving.
    one.log.close(&going);
    let kept = (0..2).find(|it| !going.contains(&Shard(*it))).unwrap();
    let fate = commit_until_settled(&mut one, vec![(kept, 1, vec![])]);
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
}

#[test]
fn a_name_used_twice_expels_the_first_process_with_words_for_a_person() {
    let world = World::new("samename", 1);
    let mut one = Instance::start(&world.as_instance("same"));
    one.assigned(1);
    // Group and transactions are taken over one by one: only with a commit done has the first both, and the second
    // fences it. Else the first may take the transactions after the second, which then is fenced and lives anew.
    assert!(matches!(one.commit(&commit_of(1, vec![(0, 1, vec![])])), Fate::Committed { .. }));
    let mut two = Instance::start(&world.as_instance("same"));
    two.assigned(1);
    let lost = one.expect("loss", |event| match event {
        LogEvent::Lost(shards) => Some(shards.clone()),
        _ => None,
    });
    assert_eq!(lost, [Shard(0)]);
    let fault = one.expect("stop", |event| match event {
        LogEvent::Stopped { shard: None, fault, .. } => Some(fault.clone()),
        _ => None,
    });
    assert!(fault.what.contains("group_instance_id \"same\""), "{fault}");
    let fate = one.commit(&commit_of(2, vec![(0, 2, vec![])]));
    assert!(matches!(fate, Fate::Aborted(_)), "{fate:?}");
    let fate = two.commit(&commit_of(1, vec![(0, 2, vec![])]));
    assert!(matches!(fate, Fate::Committed { .. }), "{fate:?}");
}

#[test]
fn a_group_offset_that_somebody_set_back_is_seen_as_it_is() {
    let world = World::new("setback", 1);
    let mut one = Instance::start(&world.settings);
    one.assigned(1);
    assert!(matches!(one.commit(&commit_of(1, vec![(0, 90, vec![])])), Fate::Committed { .. }));
    one.leave();
    world.set_group_offset(0, Offset(30));
    let mut again = Instance::start(&world.settings);
    assert_eq!(again.assigned(1)[&Shard(0)].group_offset, Some(Offset(30)));
}

#[test]
fn an_heir_waits_for_the_open_transaction_of_a_dead_owner() {
    let world = World::new("heir", 1);
    let dead = crate::support::RawTransaction::begin(&world, "dead");
    dead.write(&world, Topic::State, 0, "never committed");
    world_offsets(&world, &dead);
    let began = Instant::now();
    let mut one = Instance::start(&world.settings);
    let undo = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        dead.abort();
    });
    let assigned = one.assigned(1);
    assert!(began.elapsed() >= Duration::from_secs(3), "the offset was not stable yet: {:?}", began.elapsed());
    assert_eq!(assigned[&Shard(0)].group_offset, None);
    undo.join().unwrap();
    one.log.open(Shard(0), BTreeMap::new());
    let (read, _) = one.read_to(Shard(0), Topic::State, assigned[&Shard(0)].ends[&Topic::State]);
    assert!(read.is_empty());
}

/// Adds an offset of the group to an open transaction.
fn world_offsets(world: &World, transaction: &crate::support::RawTransaction) {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::producer::Producer;
    let stranger: BaseConsumer = world.client().set("group.id", &world.settings.group_id).create().unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(&world.topic(Topic::Jobs), 0, rdkafka::Offset::Offset(5)).unwrap();
    let nobody = stranger.group_metadata().unwrap();
    transaction.producer.send_offsets_to_transaction(&list, &nobody, Duration::from_secs(10)).unwrap();
}

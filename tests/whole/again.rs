//! The same jobs once more: sent again, read again, without the local state, by way of a wrong partition.
//! Not here: what a crash repeats (`crashes`).

use crate::stage::{Job, Letter, PARTITIONS, Running, Stage, Tap, await_that, jobs, judge, tally, token};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use sluicegate::model::{TenantId, Topic};
use sluicegate::wire::partitioner;
use std::collections::BTreeSet;
use std::time::Duration;

const JOBS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(60);
const REWOUND: &str = "the group's offset was set back";

#[test]
fn jobs_that_come_again_have_no_effect_with_or_without_local_state() {
    let stage = Stage::new("again", 4);
    let all = jobs(&stage.tenants, 20, JOBS);
    let mut outcomes = stage.outcomes();
    stage.enqueue(&all);
    let process = stage.run("one", None);
    outcomes.await_exactly(JOBS, PATIENCE);
    judge(&stage, &all, &outcomes.read, &[]);
    process.stop();

    stage.forget_state("one");
    stage.enqueue(&all);
    let process = stage.run("one", None);
    outcomes.await_exactly(2 * JOBS, PATIENCE);
    assert!(!process.log().contains(REWOUND), "{}", process.tail());
    process.stop();

    set_group_back(&stage);
    stage.forget_state("one");
    let mut process = stage.run("one", None);
    process.await_log(REWOUND, PATIENCE);
    outcomes.await_exactly(4 * JOBS, PATIENCE);
    process.stop();

    set_group_back(&stage);
    let mut process = stage.run("one", None);
    process.await_log(REWOUND, PATIENCE);
    outcomes.await_exactly(6 * JOBS, PATIENCE);
    process.stop();

    let expected = [("applied".to_owned(), JOBS), ("duplicate".to_owned(), 5 * JOBS)];
    assert_eq!(tally(&outcomes.read), expected.into());
    let effects: u64 = stage.tenants.iter().map(|it| stage.ledger(it).totals.effects).sum();
    assert_eq!(effects, u64::try_from(JOBS).unwrap());
    assert_eq!(stage.dead_letters().look(Duration::from_secs(1)), 0);
}

#[test]
fn jobs_of_another_partitioner_are_forwarded_to_the_one_owner_of_their_tenant() {
    let stage = Stage::new("elsewhere", 8);
    let taps = [Tap::before(&stage.hubspot.url), Tap::before(&stage.hubspot.url)];
    let mut processes = [stage.run_over("one", None, &taps[0].url), stage.run_over("two", None, &taps[1].url)];
    for process in &mut processes {
        process.await_alive("half of the shards", PATIENCE, |it| it.shards() == f64::from(PARTITIONS / 2));
    }
    let all = jobs(&stage.tenants, 10, 400);
    let mut outcomes = stage.outcomes();
    stage.post(all.iter().map(|it| Letter { partition: Some(next_to_home(it)), ..it.letter() }));
    outcomes.await_exactly(all.len(), PATIENCE);
    assert_eq!(judge(&stage, &all, &outcomes.read, &[]).repeated, 0);
    let forwarded: f64 = processes.iter().map(|it| it.metric("sluicegate_forwarded_total")).sum();
    assert_eq!(forwarded, 400.0);
    let [one, two] = taps.map(|tap| tap.requests().into_iter().map(|it| it.token).collect::<BTreeSet<_>>());
    assert!(one.is_disjoint(&two), "a tenant was called for by two instances: {one:?} {two:?}");
    assert_eq!(&one | &two, stage.tenants.iter().map(|it| token(it)).collect());
    for outcome in &outcomes.read {
        let tenant = outcome.json()["tenant_id"].as_str().unwrap().to_owned();
        assert_eq!(outcome.partition, home(&tenant), "{tenant}");
    }
    processes.into_iter().for_each(Running::stop);
}

fn home(tenant: &str) -> i32 {
    i32::try_from(partitioner::home(&TenantId::from(tenant), PARTITIONS).0).unwrap()
}

/// The same wrong one for all jobs of a tenant, so that they keep their order.
fn next_to_home(job: &Job) -> i32 {
    (home(&job.tenant) + 1) % i32::try_from(PARTITIONS).unwrap()
}

/// What Kafka's own tools do to reset a group that nobody runs in: they wait until its last member has expired.
fn set_group_back(stage: &Stage) {
    let client: BaseConsumer = stage.world.client().set("group.id", &stage.world.settings.group_id).create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(PARTITIONS).unwrap() {
        list.add_partition_offset(&stage.world.topic(Topic::Jobs), partition, Offset::Offset(0)).unwrap();
    }
    await_that("the group is empty and takes offsets", PATIENCE, || client.commit(&list, CommitMode::Sync).is_ok());
}

//! The world itself put to the test by scripted clients: what a broker, a group and a disk must do to be believed.
//! Not here: the engine.

use crate::client::Client;
use crate::log::SimLog;
use crate::options::Options;
use crate::partition::blank;
use crate::world::{Action, Life, Shared, Status, World};
use bytes::Bytes;
use sluicegate::model::{Commit, CommitNumber, Millis, Offset, Outgoing, Shard, ShardCommit, Topic};
use sluicegate::ports::{Event, Fate, Log, LogEvent};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Scene {
    world: Shared,
}

impl Scene {
    /// A kind world: nothing fails unless the scene says so.
    fn new(instances: usize, shards: u32) -> Self {
        let mut options = Options::draw(1);
        options.instances = instances;
        options.shards = shards;
        options.log.base = 0;
        options.log.abort = 0;
        options.log.unknown = 0;
        options.log.fetch_max = 100;
        options.log.step_ms = 10;
        options.log.marker_ms = 50;
        options.log.transaction_ms = 15_000;
        Self { world: Shared::new(World::new(options, true)) }
    }

    fn start(&self, slot: usize) -> (Life, SimLog) {
        let mut world = self.world.borrow_mut();
        world.processes[slot].life += 1;
        world.processes[slot].status = Status::Running;
        world.processes[slot].beat += 1;
        world.clients[slot] = Client::default();
        world.clients[slot].epoch = world.init_producer(slot);
        let who = world.life(slot);
        world.join(who);
        (who, SimLog { world: self.world.clone(), who })
    }

    fn pass(&self, ms: u64) {
        let until = Millis(self.world.borrow().now.0 + ms);
        loop {
            let mut world = self.world.borrow_mut();
            let Some((at, action)) = world.agenda.next() else { break };
            if until < at {
                world.agenda.plan(at, action);
                break;
            }
            world.now = at;
            if !matches!(action, Action::Start(_)) {
                world.perform(action);
            }
        }
        self.world.borrow_mut().now = until;
    }

    fn heard(&self, slot: usize) -> Vec<LogEvent> {
        let mut world = self.world.borrow_mut();
        let inbox = world.processes[slot].inbox.drain(..);
        inbox.filter_map(|it| if let Event::Log(event) = it.event { Some(event) } else { None }).collect()
    }

    fn assigned(&self, slot: usize) -> Vec<Shard> {
        let shards = self.heard(slot).into_iter().filter_map(|it| match it {
            LogEvent::Assigned(assignments) => Some(assignments),
            _ => None,
        });
        shards.flatten().map(|it| it.shard).collect()
    }

    fn fates(&self, slot: usize) -> Vec<&'static str> {
        let fates = self.heard(slot).into_iter().filter_map(|it| match it {
            LogEvent::CommitEnded { fate, .. } => Some(fate),
            _ => None,
        });
        let name = |fate| match fate {
            Fate::Committed { .. } => "committed",
            Fate::Aborted(_) => "aborted",
            Fate::Unknown(_) => "unknown",
            Fate::Fenced(_) => "fenced",
            Fate::Refused { .. } => "refused",
        };
        fates.map(name).collect()
    }

    /// What a reader of `state[shard]` sees now.
    fn state(&self, shard: u32) -> Vec<String> {
        let world = self.world.borrow();
        let (messages, _) = world.broker.partition(Shard(shard), Topic::State).read(Offset(0), 1_000);
        let text = |it: &Option<Bytes>| String::from_utf8(it.as_ref().unwrap().to_vec()).unwrap();
        messages.iter().map(|it| text(&it.message.value)).collect()
    }
}

fn commit(number: u64, shards: &[u32], text: &str) -> Arc<Commit> {
    let outgoing = |shard| Outgoing {
        topic: Topic::State,
        shard: Shard(shard),
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(text.as_bytes())),
        headers: Vec::new(),
        timestamp: None,
    };
    let part = |shard| ShardCommit { group_offset: Offset(number), messages: vec![outgoing(shard)] };
    let shards = shards.iter().map(|it| (Shard(*it), part(*it))).collect();
    Arc::new(Commit { number: CommitNumber(number), shards })
}

#[test]
fn a_commit_moves_messages_and_offsets_together() {
    let scene = Scene::new(1, 2);
    let (_, mut log) = scene.start(0);
    scene.pass(1_000);
    assert_eq!(scene.assigned(0), [Shard(0), Shard(1)]);
    log.commit(commit(7, &[0, 1], "one"));
    scene.pass(1_000);
    assert_eq!(scene.fates(0), ["committed"]);
    assert_eq!(scene.state(0), ["one"]);
    assert_eq!(scene.world.borrow().broker.offsets[&Shard(1)], Offset(7));
}

#[test]
fn a_frozen_owner_wakes_up_and_gets_nothing_through() {
    let scene = Scene::new(2, 1);
    let (first, mut log) = scene.start(0);
    scene.pass(1_000);
    scene.assigned(0);
    let (_, mut other) = scene.start(1);
    scene.pass(1_000);
    scene.world.borrow_mut().freeze(0, 40_000);
    scene.pass(35_000);
    assert_eq!(scene.assigned(1), [Shard(0)], "the session is over after 30 s");
    other.commit(commit(1, &[0], "the new owner"));
    scene.pass(3_000);
    assert_eq!(scene.fates(1), ["committed"]);
    scene.world.borrow_mut().thaw(first);
    log.commit(commit(9, &[0], "the zombie"));
    scene.pass(5_000);
    assert_eq!(scene.fates(0), ["fenced"]);
    assert_eq!(scene.state(0), ["the new owner"]);
}

#[test]
fn an_open_transaction_of_a_dead_owner_is_undone_before_its_successor_reads() {
    let scene = Scene::new(1, 1);
    let (_, mut log) = scene.start(0);
    scene.pass(1_000);
    scene.assigned(0);
    log.commit(commit(1, &[0], "half done"));
    while scene.world.borrow().broker.partition(Shard(0), Topic::State).end() == Offset(0) {
        scene.pass(1);
    }
    scene.world.borrow_mut().die(0, false);
    let (_, _log) = scene.start(0);
    scene.pass(2_000);
    assert_eq!(scene.assigned(0), [Shard(0)], "static membership: it has its shard again at once");
    assert!(scene.state(0).is_empty());
    let world = scene.world.borrow();
    let partition = world.broker.partition(Shard(0), Topic::State);
    assert_eq!(partition.stable(), partition.end(), "the aborted message and its marker are passed");
    assert_eq!(world.broker.offsets.get(&Shard(0)), None);
}

#[test]
fn an_unanswered_commit_is_told_by_the_changelog_once_it_is_settled() {
    let (mut committed, mut aborted) = (0, 0);
    for seed in 0..30 {
        let scene = Scene::new(1, 1);
        let mut options = (*scene.world.borrow().options).clone();
        options.seed = seed;
        options.log.unknown = 1000;
        let scene = Scene { world: Shared::new(World::new(options, false)) };
        let (_, mut log) = scene.start(0);
        scene.pass(1_000);
        scene.assigned(0);
        log.commit(commit(5, &[0], "who knows"));
        scene.pass(8_000);
        assert_eq!(scene.fates(0), ["unknown"]);
        log.settle(Shard(0), Offset(0));
        scene.pass(3_000);
        let tail = scene.heard(0).into_iter().find_map(|it| match it {
            LogEvent::Tail { messages, .. } => Some(messages.len()),
            _ => None,
        });
        scene.pass(20_000);
        assert_eq!(tail, Some(scene.state(0).len()), "what the tail says is final");
        if tail == Some(1) { committed += 1 } else { aborted += 1 }
    }
    assert!(0 < committed && 0 < aborted, "{committed} {aborted}");
}

#[test]
fn a_second_producer_of_the_same_name_fences_the_first() {
    let scene = Scene::new(1, 1);
    let (_, mut log) = scene.start(0);
    scene.pass(1_000);
    scene.assigned(0);
    log.commit(commit(1, &[0], "fenced"));
    scene.world.borrow_mut().init_producer(0);
    scene.pass(1_000);
    assert_eq!(scene.fates(0), ["fenced"]);
    assert!(scene.state(0).is_empty());
}

#[test]
fn a_revoked_shard_goes_on_when_it_is_closed_or_when_patience_is_over() {
    for closes in [true, false] {
        let scene = Scene::new(2, 2);
        let (_, mut log) = scene.start(0);
        scene.pass(1_000);
        assert_eq!(scene.assigned(0).len(), 2);
        let (_, _other) = scene.start(1);
        let revoked = scene.heard(0).into_iter().find_map(|it| match it {
            LogEvent::Revoking(shards) => Some(shards),
            _ => None,
        });
        let revoked = revoked.expect("one of the two goes to the newcomer");
        if closes {
            log.close(&revoked);
        }
        scene.pass(2_000);
        assert_eq!(scene.assigned(1), if closes { revoked.clone() } else { Vec::new() });
        scene.pass(9_000);
        if !closes {
            assert!(scene.heard(0).iter().any(|it| matches!(it, LogEvent::Lost(shards) if *shards == revoked)));
            assert_eq!(scene.assigned(1), revoked);
        }
    }
}

#[test]
fn a_new_read_of_jobs_starts_over_and_a_topic_that_is_not_wanted_is_silent() {
    let scene = Scene::new(1, 1);
    let (_, mut log) = scene.start(0);
    scene.pass(1_000);
    scene.assigned(0);
    for text in ["a", "b", "c"] {
        scene.world.borrow_mut().broker.append(Shard(0), Topic::Jobs, blank(text), None);
    }
    log.open(Shard(0), BTreeMap::new());
    log.read_jobs(Shard(0), Offset(1));
    scene.pass(1_000);
    let jobs = |heard: Vec<LogEvent>| -> Vec<u64> {
        let messages = heard.into_iter().filter_map(|it| match it {
            LogEvent::Messages { topic: Topic::Jobs, messages, .. } => Some(messages),
            _ => None,
        });
        messages.flatten().map(|it| it.offset.0).collect()
    };
    assert_eq!(jobs(scene.heard(0)), [1, 2]);
    log.read_jobs(Shard(0), Offset(0));
    log.want(Shard(0), Topic::Jobs, false);
    scene.pass(1_000);
    assert!(jobs(scene.heard(0)).is_empty());
    log.want(Shard(0), Topic::Jobs, true);
    scene.pass(1_000);
    assert_eq!(jobs(scene.heard(0)), [0, 1, 2]);
}

//! Leaving: quickly, with `Closed` as the last word, and back at once under the same name.
//! Not here: the end of the engine.

use crate::support::{Instance, World};
use sluicegate::kafka::{KafkaLog, KafkaSettings};
use sluicegate::model::Shard;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn leaving_is_quick_and_the_same_instance_is_back_at_once() {
    let world = World::new("back", 2);
    let mut one = Instance::start(&world.settings);
    one.assigned(2);
    let took = one.leave();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let began = Instant::now();
    let mut again = Instance::start(&world.settings);
    assert_eq!(again.assigned(2).into_keys().collect::<Vec<_>>(), [Shard(0), Shard(1)]);
    assert!(began.elapsed() < Duration::from_secs(10), "static membership did not hold: {:?}", began.elapsed());
}

#[test]
fn a_log_that_never_reached_kafka_leaves_and_drops_quickly() {
    let nowhere =
        |world: &World| KafkaSettings { bootstrap_servers: "127.0.0.1:1".to_owned(), ..world.settings.clone() };
    let world = World::new("nowhere", 1);
    let took = Instance::start(&nowhere(&world)).leave();
    assert!(took < Duration::from_secs(7), "{took:?}");
    let log = KafkaLog::start(nowhere(&world), Arc::new(|_| {})).unwrap();
    let began = Instant::now();
    drop(log);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

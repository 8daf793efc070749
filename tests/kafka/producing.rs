//! Messages from outside the loop.
//! Not here: what a sound job is.

use crate::support::World;
use bytes::Bytes;
use sluicegate::kafka::{JobProducer, KafkaFault, Letter};
use sluicegate::model::{Shard, Tier, Topic};

fn letter(topic: Topic, shard: Option<Shard>, key: &'static str, size: usize) -> Letter {
    let value = Bytes::from((0..size).map(|it| it.wrapping_mul(2_654_435_761).to_be_bytes()[5]).collect::<Vec<_>>());
    Letter { topic, shard, key: Some(Bytes::from_static(key.as_bytes())), value: Some(value), headers: vec![] }
}

#[test]
fn a_job_goes_where_javas_default_partitioner_sends_it_and_a_command_where_it_is_told() {
    let world = World::new("producing", 24);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let producer = JobProducer::new(world.settings).unwrap();
    runtime.block_on(async {
        // Kafka's own test vectors for murmur2 (UtilsTest.java): (hash & 0x7fffffff) % 24.
        for (key, hash) in
            [("21", -973_932_308_i32), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
        {
            let home = Shard(u32::try_from(hash & i32::MAX).unwrap() % 24);
            assert_eq!(producer.send(&letter(Topic::Jobs, None, key, 10)).await.unwrap().0, home, "{key}");
        }
        let told = producer.send(&letter(Topic::Delay(Tier::S5), Some(Shard(7)), "foobar", 10)).await.unwrap();
        assert_eq!(told.0, Shard(7));
        let large = producer.send(&letter(Topic::Jobs, None, "foobar", 3_000_000)).await;
        assert!(matches!(large, Err(KafkaFault::Refused(_))), "{large:?}");
    });
}

//! How soon it works: after its local copy was lost, and after `kill -9`.
//! Not here: how fast it works then.

use crate::crm::Crm;
use crate::feed::{Feed, producer, send};
use crate::gate::Gate;
use crate::scene::{Scene, tenant_id};
use crate::table::{Table, Target};
use crate::throughput::watch;
use rdkafka::producer::{BaseRecord, Producer};
use sluicegate::model::{
    AppliedMark, ConnectionId, IdempotencyKey, Millis, Offset, StateKey, StateValue, TenantId, Topic,
};
use sluicegate::wire::{hash, partitioner, state};
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(20);
const RUNS: usize = 3;

/// From the start of the process to its first call, with a million keys to restore, and with none.
pub(crate) fn restore(table: &mut Table) {
    let crm = Crm::start(LATENCY);
    let mut samples = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        samples.0.push(restored(&crm, 0));
        samples.1.push(restored(&crm, 1_000_000));
    }
    table.add("start with nothing to restore: to ready", "s", &samples.0, &Target::None);
    table.add("restore of a million applied keys: to ready", "s", &samples.1, &Target::AtMost(5.0));
}

fn restored(crm: &Crm, keys: u64) -> f64 {
    let scene = Scene::new(&crm.url, 32, 100);
    fill(&scene, keys);
    let began = Instant::now();
    let gate = Gate::start(&scene);
    gate.await_ready();
    let took = began.elapsed().as_secs_f64();
    eprintln!("  {keys} keys in {took:.2} s, {:.0} MiB at most", gate.process.peak_mib());
    took
}

/// Writes the changelog that so many applied jobs leave behind.
fn fill(scene: &Scene, keys: u64) {
    let (producer, topic) = (producer(scene), scene.settings.topic(Topic::Applied));
    let mark = state::encode_value(&StateValue::Applied(AppliedMark { at: now(), seq: Offset(7) }));
    for key in 0..keys {
        let id = TenantId::from(tenant_id(key % scene.tenants).as_str());
        let shard = partitioner::home(&id, scene.settings.partitions);
        let connection = ConnectionId { tenant: id.clone(), name: "hubspot".into() };
        let event = IdempotencyKey::from(format!("event-{key}").as_str());
        let name = state::encode_key(&StateKey::Applied(hash::tenant(&id), hash::dedupe(&connection, &event)));
        let record = BaseRecord::to(&topic).partition(i32::try_from(shard.0).unwrap());
        let record = record.key(&name[..]).payload(&mark[..]);
        send(&producer, record);
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Millis(u64::try_from(since.as_millis()).unwrap())
}

/// From `kill -9` in full work, started again at once, to the next call.
pub(crate) fn kill(table: &mut Table) {
    let crm = Crm::start(LATENCY);
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        crm.reset();
        samples.push(killed(&crm));
    }
    table.add("kill -9 under load, started again: to the next call", "s", &samples, &Target::AtMost(10.0));
}

fn killed(crm: &Crm) -> f64 {
    let scene = Scene::new(&crm.url, 32, 1);
    let feed = Feed::start(&scene, 20_000);
    let mut gate = Gate::start(&scene);
    gate.await_ready();
    watch(crm, &feed, Duration::from_secs(5));
    let began = Instant::now();
    gate.process.kill();
    let gate = Gate::start(&scene);
    // What was on its way to the CRM when the process was killed has arrived by now.
    std::thread::sleep(LATENCY * 3);
    let (calls, _) = crm.counts();
    while crm.counts().0 == calls {
        assert!(began.elapsed() < Duration::from_secs(120), "no call within two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = began.elapsed().as_secs_f64();
    drop(gate);
    took
}

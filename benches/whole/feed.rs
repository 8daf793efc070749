//! The producers of others: jobs go into `.jobs` ahead of what has been applied, but not too far.
//! Not here: what a job looks like.

use crate::scene::{Scene, job, stamped_job, tenant_id};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sluicegate::model::Topic;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread that produces until it is dropped.
pub(crate) struct Feed {
    /// How many jobs have been applied, as whoever watches says.
    pub(crate) applied: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    /// Keeps `ahead` jobs in the log that are not applied; the first of them lie there when this returns.
    pub(crate) fn start(scene: &Scene, ahead: u64) -> Self {
        let (applied, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let mut jobs = Jobs::new(scene);
        jobs.produce(ahead);
        let (seen, told) = (Arc::clone(&applied), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let wanted = seen.load(Ordering::Relaxed) + ahead;
                jobs.produce(wanted.saturating_sub(jobs.next));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { applied, stop, thread: Some(thread) }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Produces jobs of tenants in turn.
pub(crate) struct Jobs {
    producer: BaseProducer,
    topic: String,
    tenants: Range<u64>,
    pub(crate) next: u64,
}

impl Jobs {
    pub(crate) fn new(scene: &Scene) -> Self {
        Self::of(scene, 0..scene.tenants, 0)
    }

    /// Of these tenants, with numbers from `next` on.
    pub(crate) fn of(scene: &Scene, tenants: Range<u64>, next: u64) -> Self {
        Self { producer: producer(scene), topic: scene.settings.topic(Topic::Jobs), tenants, next }
    }

    fn tenant(&self, number: u64) -> u64 {
        self.tenants.start + number % (self.tenants.end - self.tenants.start)
    }

    /// Adds `count` jobs and waits until the log has them.
    pub(crate) fn produce(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        for number in self.next..self.next + count {
            let tenant = self.tenant(number);
            let (key, value) = (tenant_id(tenant), job(tenant, number));
            send(&self.producer, BaseRecord::to(&self.topic).key(&key).payload(value.as_bytes()));
        }
        self.next += count;
        self.producer.flush(Duration::from_secs(60)).unwrap();
    }
}

impl Jobs {
    /// So many jobs every 10 ms, each with the time at which it was written, until `over`; returns how many in all.
    pub(crate) fn pace(&mut self, per_tick: u64, mut over: impl FnMut() -> bool) -> u64 {
        let mut next = Instant::now();
        while !over() {
            for number in self.next..self.next + per_tick {
                let tenant = self.tenant(number);
                let (key, value) = (tenant_id(tenant), stamped_job(tenant, number));
                send(&self.producer, BaseRecord::to(&self.topic).key(&key).payload(value.as_bytes()));
            }
            self.next += per_tick;
            self.producer.poll(Duration::ZERO);
            next += Duration::from_millis(10);
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        self.producer.flush(Duration::from_secs(60)).unwrap();
        self.next
    }
}

pub(crate) fn producer(scene: &Scene) -> BaseProducer {
    ClientConfig::new()
        .set("bootstrap.servers", &scene.settings.bootstrap_servers)
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "5")
        .set("batch.size", "262144")
        .create()
        .unwrap()
}

/// Waits while the producer's queue is full.
pub(crate) fn send<K: ToBytes + ?Sized>(producer: &BaseProducer, record: BaseRecord<'_, K, [u8]>) {
    let mut record = record;
    while let Err((error, back)) = producer.send(record) {
        assert!(
            matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)),
            "the broker refuses: {error}"
        );
        producer.poll(Duration::from_millis(10));
        record = back;
    }
}

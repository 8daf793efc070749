//! One partition of one topic as the reader sees it: a queue of its own, so that it can be left alone without
//! Kafka's pause, which has lost positions before (facts/kafka.md R6).
//! Not here: which partitions are read (`reader`), what messages mean.

use crate::kafka::context::Quiet;
use crate::kafka::message::received;
use crate::model::{Offset, Received};
use rdkafka::consumer::BaseConsumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// At most this many messages travel in one event.
const BATCH_MESSAGES: usize = 500;
/// At most this many bytes, beyond its last message, travel in one event.
const BATCH_BYTES: usize = 1024 * 1024;

pub(super) type ReaderConsumer = BaseConsumer<Quiet>;

pub(super) struct Source {
    queue: PartitionQueue<Quiet>,
    /// Set by librdkafka when the queue is no longer empty.
    ready: Arc<AtomicBool>,
    pub(super) wanted: bool,
    /// The next offset that will be looked at, as far as the loop was told.
    pub(super) position: Offset,
}

/// What one look into a queue brought.
pub(super) struct Batch {
    pub(super) messages: Vec<Received>,
    pub(super) trouble: Option<KafkaError>,
    /// Whether the queue may hold more.
    pub(super) more: bool,
}

impl Source {
    /// Splits the partition off before it is assigned, so that none of its messages goes to the main queue.
    pub(super) fn split(consumer: &Arc<ReaderConsumer>, topic: &str, partition: i32, at: Offset) -> Option<Self> {
        let mut queue = consumer.split_partition_queue(topic, partition)?;
        let ready = Arc::new(AtomicBool::new(true));
        let bell = Bell { ready: Arc::clone(&ready), reader: std::thread::current() };
        queue.set_nonempty_callback(move || bell.ring());
        Some(Self { queue, ready, wanted: true, position: at })
    }

    /// Takes what lies ready; looks even without the bell when `sweep`. Never waits.
    pub(super) fn take(&self, sweep: bool) -> Batch {
        let mut batch = Batch { messages: Vec::new(), trouble: None, more: false };
        let rung = self.ready.swap(false, Ordering::AcqRel);
        if !self.wanted || !(rung || sweep) {
            self.ready.fetch_or(rung, Ordering::AcqRel);
            return batch;
        }
        let mut bytes = 0;
        while let Some(polled) = self.queue.poll(Duration::ZERO) {
            match polled {
                Ok(message) => {
                    let message = received(&message);
                    bytes += message.message.size();
                    batch.messages.push(message);
                }
                Err(error) => batch.trouble = Some(error),
            }
            if batch.messages.len() >= BATCH_MESSAGES || bytes >= BATCH_BYTES || batch.trouble.is_some() {
                self.ready.store(true, Ordering::Release);
                batch.more = true;
                break;
            }
        }
        batch
    }
}

struct Bell {
    ready: Arc<AtomicBool>,
    reader: Thread,
}

impl Bell {
    /// Called on librdkafka's threads.
    fn ring(&self) {
        self.ready.store(true, Ordering::Release);
        self.reader.unpark();
    }
}

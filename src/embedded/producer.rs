//! Appends to the log from outside the loop: jobs that are handed in, dead letters that are replayed, commands.
//! Not here: commits.

use super::writer::{Appended, Task, check_size};
use super::{EmbeddedFault, Partitioner, Settings};
use crate::model::{Header, Offset, Outgoing, Shard, Topic};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, sync_channel};

/// What may wait to be written before producers are turned away.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Appends durably. Cheap to clone; any number of threads may append at once and share fsyncs.
#[derive(Clone)]
pub struct Producer {
    tasks: Sender<Task>,
    /// Bytes that wait to be written.
    pub(super) waiting: Arc<AtomicUsize>,
    keyless: Arc<AtomicU32>,
    partitioner: Partitioner,
    shards: u32,
}

/// A job to append to `.jobs`; its shard follows from its key.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The tenant id; without a key shards take turns.
    pub key: Option<Bytes>,
    pub value: Bytes,
    pub headers: Vec<Header>,
}

impl Producer {
    pub(super) fn new(tasks: Sender<Task>, settings: &Settings) -> Self {
        let (partitioner, shards) = (settings.partitioner, settings.shards);
        Self { tasks, waiting: Arc::default(), keyless: Arc::default(), partitioner, shards }
    }

    /// Appends jobs, all or none, and says where they lie, in their order. Blocks until they are on disk.
    ///
    /// # Errors
    /// `TooLarge` for a job over the limit, `Saturated` when too much waits already, `Closed`, or the disk's fault.
    pub fn append(&self, jobs: Vec<NewJob>) -> Appended {
        let job = |it: NewJob| Outgoing {
            topic: Topic::Jobs,
            shard: self.shard(it.key.as_deref()),
            key: it.key,
            value: Some(it.value),
            headers: it.headers,
            timestamp: None,
        };
        self.send(jobs.into_iter().map(job).collect())
    }

    /// Appends messages to the topics and shards they name, all or none. Blocks until they are on disk.
    ///
    /// # Errors
    /// As `append`, and `NoSuchShard`.
    pub fn send(&self, messages: Vec<Outgoing>) -> Result<Vec<(Shard, Offset)>, EmbeddedFault> {
        messages.iter().try_for_each(check_size)?;
        if let Some(stranger) = messages.iter().find(|it| it.shard.0 >= self.shards) {
            return Err(EmbeddedFault::NoSuchShard(stranger.shard.0));
        }
        let size = messages.iter().map(Outgoing::size).sum();
        if self.waiting.fetch_add(size, Ordering::Relaxed) > WAITING_BYTES_MAX {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return Err(EmbeddedFault::Saturated);
        }
        let (answer, answered) = sync_channel(1);
        let task = Task::Append { messages, size, answer };
        self.tasks.send(task).map_err(|_| EmbeddedFault::Closed)?;
        answered.recv().map_err(|_| EmbeddedFault::Closed)?
    }

    fn shard(&self, key: Option<&[u8]>) -> Shard {
        match key {
            Some(key) => (self.partitioner)(key, self.shards),
            None => Shard(self.keyless.fetch_add(1, Ordering::Relaxed) % self.shards),
        }
    }
}

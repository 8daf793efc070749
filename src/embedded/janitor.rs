//! The janitor thread: every few seconds deletes what was purged, every minute what has served its time, and cleans
//! the changelogs, so that a node that runs for years does not grow for ever.
//! Not here: what has served its time (`retain`), what is superseded (`clean`).

use super::EmbeddedFault;
use super::board::Board;
use super::bounds::Partition;
use super::clean::{self, EFFORT};
use super::disk::Disk;
use super::retain::{self, Retention};
use super::writer::{Task, now};
use crate::model::{Offset, Shard, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tracing::{debug, warn};

const PAUSE: Duration = Duration::from_secs(10);
/// In pauses.
const ROUND_EVERY: u32 = 6;
/// Deleted messages after which the disk space of a partition is reclaimed at once.
const RECLAIM_AT: u64 = 50_000;

pub(super) struct Janitor {
    pub(super) disk: Arc<Disk>,
    pub(super) board: Arc<Board>,
    pub(super) tasks: Sender<Task>,
    pub(super) retention: Retention,
}

impl Janitor {
    /// Until the other end of `stopped` is dropped.
    pub(super) fn run(self, stopped: &Receiver<()>) {
        let mut reclaimed = self.board.bounds().starts;
        for pause in 1_u32.. {
            if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            self.trim(self.board.take_purges());
            if pause % ROUND_EVERY != 0 {
                continue;
            }
            if let Err(fault) = self.round(&mut reclaimed) {
                warn!(%fault, "the log cannot be tidied and may grow");
            }
        }
    }

    fn round(&self, reclaimed: &mut BTreeMap<Partition, Offset>) -> Result<(), EmbeddedFault> {
        let bounds = self.board.bounds();
        let mut trims = BTreeMap::new();
        for partition in self.partitions() {
            let below = retain::served(&self.disk, &bounds, &self.retention, partition, now())?;
            trims.extend(below.map(|it| (partition, it)));
        }
        self.trim(trims);
        for (topic, shard) in self.partitions().filter(|(topic, _)| is_changelog(*topic)) {
            let span = (bounds.start(topic, shard), bounds.end(topic, shard));
            let deleted = clean::clean(&self.disk, (topic, shard), span, now(), EFFORT)?;
            debug!(topic = topic.suffix(), shard = shard.0, deleted, "changelog cleaned");
        }
        for (partition, start) in &bounds.starts {
            let before = reclaimed.get(partition).copied().unwrap_or_default();
            if start.0.saturating_sub(before.0) >= RECLAIM_AT {
                self.disk.reclaim(*partition, *start)?;
                reclaimed.insert(*partition, *start);
            }
        }
        Ok(())
    }

    fn partitions(&self) -> impl Iterator<Item = Partition> {
        (0..self.disk.shards).flat_map(|shard| Topic::ALL.map(|topic| (topic, Shard(shard))))
    }

    /// The writer does it, so that starts and ends have one writer. If it has ended, so do we, soon.
    fn trim(&self, trims: BTreeMap<Partition, Offset>) {
        if !trims.is_empty() {
            drop(self.tasks.send(Task::Trim(trims)));
        }
    }
}

fn is_changelog(topic: Topic) -> bool {
    match topic {
        Topic::State | Topic::Applied => true,
        Topic::Jobs | Topic::Delay(_) | Topic::Dlq | Topic::Outcomes => false,
    }
}

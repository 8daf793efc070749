//! The running instance as the HTTP listener sees it: the engine's last snapshot.
//! Not here: how it is served.

use crate::app::clock::Clock;
use crate::app::instance::Pulse;
use crate::ops::{
    Alerts, ConnectionStatus, Instance, InstanceFacts, Liveness, Readiness, ShardStatus, Status, Totals, Unready,
};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Answers from memory; never asks the log or the store.
pub(super) struct SeenInstance {
    pub(super) id: String,
    pub(super) log: &'static str,
    pub(super) pulse: Arc<Pulse>,
    pub(super) clock: Clock,
    pub(super) started: Instant,
}

impl Instance for SeenInstance {
    fn alive(&self) -> Liveness {
        let beat = self.pulse.last_beat();
        let beat_age = if beat.0 == 0 { Duration::ZERO } else { self.clock.now().since(beat) };
        Liveness { beat_age }
    }

    fn readiness(&self) -> Readiness {
        let levels = self.pulse.seen().levels;
        let mut reasons = Vec::new();
        if self.pulse.is_draining() {
            reasons.push(Unready::draining());
        } else if levels.owned == 0 && !self.pulse.was_assigned() {
            reasons.push(Unready::unassigned());
        } else if levels.running < levels.owned {
            reasons.push(Unready::restoring(levels.running, levels.owned));
        }
        if 0 < levels.full {
            reasons.push(Unready::full(levels.full));
        }
        Readiness::unless(reasons)
    }

    fn status(&self) -> Status {
        let seen = self.pulse.seen();
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        Status {
            instance: InstanceFacts {
                id: self.id.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                log: self.log.to_owned(),
                uptime_seconds: self.started.elapsed().as_secs(),
            },
            readiness: self.readiness(),
            totals: Totals {
                shards_owned: number(seen.levels.owned),
                shards_running: number(seen.levels.running),
                waiting: seen.levels.waiting.iter().sum(),
                unsettled: number(seen.levels.unsettled),
                memory_bytes: number(seen.levels.memory_bytes),
            },
            shards: seen
                .shards
                .into_iter()
                .map(|(shard, phase)| ShardStatus { shard, phase: Cow::Borrowed(phase) })
                .collect(),
            connections: seen
                .waiting
                .into_iter()
                .map(|(connection, waiting)| ConnectionStatus { connection, waiting })
                .collect(),
        }
    }

    fn alerts(&self) -> Alerts {
        self.pulse.alarms.shown()
    }
}

//! The running instance as the HTTP listener sees it: the engine's last snapshot.
//! Not here: how it is served.

use crate::app::clock::Clock;
use crate::app::instance::Pulse;
use crate::model::{ConnectionId, Hold, HoldCause, Millis, Pause, Scope, TenantId};
use crate::ops::{
    Alerts, ConnectionStatus, Directory, Explaining, HoldStatus, Instance, InstanceFacts, Liveness, PauseStatus,
    Readiness, ShardStatus, Status, Totals, Unready, of_hold, of_pause,
};
use crate::ports::{Event, Question, Waiters};
use crate::wire::moment;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Answers from memory; never asks the log or the store.
pub(super) struct SeenInstance {
    pub(super) id: String,
    pub(super) log: &'static str,
    pub(super) pulse: Arc<Pulse>,
    pub(super) clock: Clock,
    pub(super) started: Instant,
    pub(super) shards: u32,
    pub(super) directory: Directory,
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
        let now = self.clock.now();
        Status {
            pauses: seen.pauses.iter().map(|it| pause_status(it, now)).collect(),
            holds: seen.holds.iter().map(|it| self.hold_status(it, &seen.waiting, now)).collect(),
            instance: InstanceFacts {
                id: self.id.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                log: self.log.to_owned(),
                uptime_seconds: self.started.elapsed().as_secs(),
            },
            readiness: self.readiness(),
            tenants: self.directory.status(),
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

    fn shards(&self) -> u32 {
        self.shards
    }

    fn explain(&self, tenant: TenantId, connection: Option<Arc<str>>) -> Explaining<'_> {
        let (sender, answered) = oneshot::channel();
        // Who asked may have gone away.
        let answer = Box::new(move |explained| drop(sender.send(explained)));
        self.pulse.tell(Event::Explain(Question { tenant, connection, answer }));
        Box::pin(async move { answered.await.ok() })
    }

    fn alerts(&self) -> Alerts {
        self.pulse.alarms.shown()
    }
}

impl SeenInstance {
    fn hold_status(&self, (id, hold): (&ConnectionId, &Hold), waiting: &[(String, u64)], now: Millis) -> HoldStatus {
        let connection = id.to_string();
        let count = waiting.iter().find(|(name, _)| *name == connection).map_or(0, |(_, count)| *count);
        let waiters = Waiters { count, ..Waiters::default() };
        HoldStatus {
            cause: hold.cause.name().to_owned(),
            since: moment::write(hold.since),
            next_at: (hold.cause != HoldCause::Unconfigured).then(|| moment::write(hold.next)),
            waiting: count,
            text: of_hold(hold, self.directory.crm_of(id), Some(waiters), now),
            connection,
        }
    }
}

fn pause_status((scope, pause): (&Scope, &Pause), now: Millis) -> PauseStatus {
    PauseStatus {
        scope: scope.to_string(),
        since: moment::write(pause.since),
        until: pause.until.map(moment::write),
        reason: pause.reason.clone(),
        actor: pause.actor.clone(),
        text: of_pause((scope, pause), None, now),
    }
}

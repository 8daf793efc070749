//! One running engine: its thread, its events, and what the rest of the process may see of it.
//! Not here: which log, store and connectors it has; whoever starts it hands them in.

use crate::app::alarms::Alarms;
use crate::app::clock::Clock;
use crate::app::inbox::{Events, Inbox};
use crate::config::AlertSettings;
use crate::engine::{Ended, Engine, Setup};
use crate::machine::Note;
use crate::model::{Because, ConnectionId, Hold, HoldCause, Millis, Pause, Reason, Scope, WindowName};
use crate::ports::{Crms, Event, Log, LogEvent, Store};
use crate::telemetry::{Levels, Metrics};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The loop turns at least this often, so that its heartbeat shows it lives.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// A busy loop turns no more often than this: answers that come meanwhile share a turn. One that has been idle is not
/// kept waiting.
const TURN_APART: Duration = Duration::from_millis(1);
/// How often what people see is renewed.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How often the levels of all buckets and the alerts are: there may be many.
const SHOW_BUCKETS_EVERY: Duration = Duration::from_secs(1);

/// What is seen from outside of a running engine.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) alarms: Alarms,
    /// Unix milliseconds of the last turn.
    beat: AtomicU64,
    draining: AtomicBool,
    assigned: AtomicBool,
    killed: AtomicBool,
    seen: Mutex<Seen>,
    /// Where the present loop listens.
    events: Mutex<Option<Events>>,
}

/// Shards and waiting deliveries as of the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) levels: Levels,
    /// Waiting deliveries per connection, where there are any.
    pub(super) waiting: Vec<(String, u64)>,
    /// Each owned shard with its phase.
    pub(super) shards: Vec<(u32, &'static str)>,
    /// Free share, 0 to 1, of the limit windows of connections that were called lately.
    pub(super) buckets: Vec<(ConnectionId, WindowName, f64)>,
    pub(super) holds: BTreeMap<ConnectionId, Hold>,
    pub(super) pauses: BTreeMap<Scope, Pause>,
}

impl Pulse {
    pub(super) fn new(alerts: &AlertSettings) -> Self {
        Self {
            alarms: Alarms::new(alerts),
            beat: AtomicU64::default(),
            draining: AtomicBool::default(),
            assigned: AtomicBool::default(),
            killed: AtomicBool::default(),
            seen: Mutex::default(),
            events: Mutex::default(),
        }
    }

    /// The process is alive although no loop turns.
    pub(super) fn beat_at(&self, now: Millis) {
        self.beat.store(now.0, Ordering::Relaxed);
    }

    pub(super) fn last_beat(&self) -> Millis {
        Millis(self.beat.load(Ordering::Relaxed))
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the log has ever said which shards are ours.
    pub(super) fn was_assigned(&self) -> bool {
        self.assigned.load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A loop listens from now on.
    pub(super) fn listens(&self, events: &Events) {
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = Some(events.clone());
    }

    /// Tells the loop that listens now, if there is one.
    pub(super) fn tell(&self, event: Event) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(events) = events {
            events.send(event);
        }
    }

    /// The loop stops before its next turn, as if the process had been killed: nothing is committed or closed.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
    }
}

/// Runs the loop on a thread of its own until it ends.
///
/// # Errors
/// If the operating system has no thread left.
pub(super) fn start<L, S, C>(
    setup: Setup<L, S, C>,
    inbox: Inbox,
    (pulse, metrics): (Arc<Pulse>, Metrics),
    clock: Clock,
) -> std::io::Result<JoinHandle<Option<Ended>>>
where
    L: Log + Send + 'static,
    S: Store + Send + 'static,
    C: Crms + Send + 'static,
{
    let body = move || run(setup, &inbox, (&pulse, &metrics), clock);
    std::thread::Builder::new().name("sluicegate-core".to_owned()).spawn(body)
}

/// Nothing: it was killed.
fn run<L: Log, S: Store, C: Crms>(
    setup: Setup<L, S, C>,
    inbox: &Inbox,
    (pulse, metrics): (&Pulse, &Metrics),
    clock: Clock,
) -> Option<Ended> {
    let mut engine = Engine::new(setup, clock.now());
    let mut wake = None;
    let (mut shown_at, mut buckets_shown_at) = (Millis(0), Millis(0));
    loop {
        let patience = wake.map_or(TURN_EVERY, |it: Millis| it.since(clock.now()).min(TURN_EVERY));
        let events = inbox.next(patience);
        if pulse.killed.load(Ordering::Relaxed) {
            return None;
        }
        if events.iter().any(|it| matches!(it, Event::Drain)) {
            pulse.draining.store(true, Ordering::Relaxed);
        }
        let assigned = events.iter().any(|it| matches!(it, Event::Log(LogEvent::Assigned(_))));
        let (now, began) = (clock.now(), Instant::now());
        let busy = !events.is_empty();
        let turn = engine.turn(now, events);
        pulse.alarms.count(now, &turn.notes);
        count(metrics, turn.notes);
        pulse.beat_at(now);
        if SHOW_EVERY <= now.since(shown_at) || turn.ended.is_some() || assigned {
            shown_at = now;
            show(&engine, pulse, metrics);
        }
        // Not before the shards are shown: a process would be ready with none for a moment.
        if assigned {
            pulse.assigned.store(true, Ordering::Relaxed);
        }
        if SHOW_BUCKETS_EVERY <= now.since(buckets_shown_at) {
            buckets_shown_at = now;
            let levels = engine.bucket_levels(now);
            metrics.show_buckets(&levels);
            pulse.alarms.look(now, &mut engine, &levels, metrics);
            pulse.seen.lock().unwrap_or_else(PoisonError::into_inner).buckets = levels;
        }
        if turn.ended.is_some() {
            return turn.ended;
        }
        wake = turn.wake;
        if busy {
            std::thread::sleep(TURN_APART.saturating_sub(began.elapsed()));
        }
    }
}

fn show<L: Log, S: Store, C: Crms>(engine: &Engine<L, S, C>, pulse: &Pulse, metrics: &Metrics) {
    let gauges = engine.gauges();
    let (owned, running) = engine.readiness();
    let (holds, pauses) = (engine.holds(), engine.pauses());
    let levels = Levels {
        waiting: Because::ALL.map(|because| gauges.values().filter_map(|it| it.waiting.get(&because)).sum()),
        owned,
        running,
        unsettled: gauges.values().map(|it| it.unsettled).sum(),
        full: engine.full(),
        waiting_bytes: gauges.values().map(|it| it.waiting_bytes).sum(),
        memory_bytes: gauges.values().map(|it| it.bytes).sum(),
        held: HoldCause::ALL.map(|cause| holds.values().filter(|it| it.cause == cause).count()),
        pauses: pauses.len(),
    };
    metrics.show(levels);
    let mut seen = pulse.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let buckets = std::mem::take(&mut seen.buckets);
    *seen = Seen { levels, waiting: engine.waiting(), shards: engine.phases(), buckets, holds, pauses };
}

fn count(metrics: &Metrics, notes: Vec<Note>) {
    for note in notes {
        match note {
            Note::Ended { crm, outcome } => metrics.ended(crm, outcome),
            Note::Called { crm, result, inputs, took } => metrics.called(crm, result, inputs, took),
            Note::Synced { connection, lag } => metrics.synced(connection.crm, lag),
            Note::Retried { connection, reason } => metrics.retried(connection.crm, reason),
            Note::Waits { crm, because } => metrics.waits(crm, because),
            Note::Committed { result, took } => metrics.committed(result, took),
            Note::Corrected { crm, up } => metrics.corrected(crm, up),
            Note::Forwarded => metrics.forwarded(),
            Note::Late(by) => metrics.late(by),
            Note::Held(connection, hold) => {
                let (cause, reason, status) = (hold.cause, hold.reason.map(Reason::name), hold.status);
                tracing::warn!(%connection, %cause, reason, status, "a connection is held: nothing is sent to it, and what is meant for it waits");
            }
            Note::Freed(connection, cause) => {
                tracing::info!(%connection, %cause, "a connection is not held any more");
            }
            Note::Paused(scope, pause) => {
                tracing::info!(%scope, actor = pause.actor, reason = pause.reason, "paused by a person");
            }
            Note::Resumed(scope) => tracing::info!(%scope, "resumed"),
            Note::Strange { topic, offset } => {
                metrics.strange();
                tracing::warn!(topic = topic.suffix(), %offset, "a message that is not ours lay in a delay topic: it goes to the dead letters");
            }
            Note::Rewound { from, to } => {
                metrics.rewound();
                tracing::warn!(%from, %to, "the group's offset was set back: jobs are read again, what succeeded is skipped, what died gets one more life");
            }
            Note::Skipped { from, to } => {
                tracing::warn!(%from, %to, "the group's offset was set forward: jobs in between are skipped on purpose");
            }
        }
    }
}

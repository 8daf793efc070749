//! What the loop tells the alerts, and where people hear of them: metrics, log, and the page that `web` serves.
//! Not here: when one fires (`alerts`), how it is served (`web`).

use crate::alerts::{Alert, Board, Facts, Firing, Held, Level, Oldest, Thresholds};
use crate::config::AlertSettings;
use crate::engine::Engine;
use crate::machine::Note;
use crate::model::{ConnectionId, HoldCause, Millis, WindowName};
use crate::ops::{AboutStatus, AlertStatus, Alerts};
use crate::ports::{Crms, Log, Store};
use crate::telemetry::Metrics;
use crate::wire::moment;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The alerts of this process; they outlive an engine.
#[derive(Debug)]
pub(super) struct Alarms {
    board: Mutex<Board>,
}

impl Alarms {
    pub(super) fn new(settings: &AlertSettings) -> Self {
        let thresholds = Thresholds {
            dlq_depth: settings.dlq_depth,
            retry_rate: settings.retry_rate,
            retry_window: settings.retry_window,
            bucket_low: settings.bucket_low,
            bucket_low_for: settings.bucket_low_for,
            sync_lag: settings.sync_lag,
        };
        Self { board: Mutex::new(Board::new(thresholds)) }
    }

    /// Counts what of a turn's notes the alerts want to know.
    pub(super) fn count(&self, now: Millis, notes: &[Note]) {
        if notes.is_empty() {
            return;
        }
        let mut board = self.board();
        for note in notes {
            match note {
                Note::Ended { .. } => board.count_job(now),
                Note::Retried { connection, reason } => board.count_retry(now, &connection.id, *reason),
                Note::Synced { connection, lag } => board.count_write(now, &connection.id, *lag),
                Note::Called { .. }
                | Note::Waits { .. }
                | Note::Committed { .. }
                | Note::Corrected { .. }
                | Note::Forwarded
                | Note::Late(_)
                | Note::Held(..)
                | Note::Freed(..)
                | Note::Paused(..)
                | Note::Resumed(_)
                | Note::Strange { .. }
                | Note::Rewound { .. }
                | Note::Skipped { .. } => {}
            }
        }
    }

    /// Asks the engine how things stand, decides all alerts anew, and tells of those that changed. Called by the loop
    /// about once a second, between turns; blocks for the local disk only.
    pub(super) fn look<L: Log, S: Store, C: Crms>(
        &self,
        now: Millis,
        engine: &mut Engine<L, S, C>,
        levels: &[(ConnectionId, WindowName, f64)],
        metrics: &Metrics,
    ) {
        let facts = Facts { dead: dead(engine), levels: all_of(levels), oldest: oldest(engine), held: held(engine) };
        self.decide(now, &facts, metrics);
    }

    fn decide(&self, now: Millis, facts: &Facts, metrics: &Metrics) {
        metrics.show_dead(facts.dead.values().sum());
        let oldest = facts.oldest.iter().map(|it| now.since(it.occurred_at)).max();
        metrics.show_oldest(oldest.unwrap_or_default());
        let mut board = self.board();
        let changed = board.look(now, facts);
        for alert in Alert::ALL {
            metrics.show_alert(alert.name(), board.firing().contains_key(&alert));
        }
        for (alert, _) in changed {
            tell(alert, board.firing().get(&alert));
        }
    }

    /// What fires now, and what does not.
    pub(super) fn shown(&self) -> Alerts {
        let board = self.board();
        let firing = board.firing();
        let quiet = Alert::ALL.into_iter().filter(|it| !firing.contains_key(it));
        Alerts {
            firing: firing.iter().map(|(alert, it)| shown(*alert, it)).collect(),
            quiet: quiet.map(|it| it.name().to_owned()).collect(),
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(alert: Alert, firing: Option<&Firing>) {
    match firing {
        Some(it) => {
            tracing::warn!(%alert, cause = it.cause, next = it.next, todo = it.todo, "an alert fires");
        }
        None => tracing::info!(%alert, "an alert is over"),
    }
}

fn shown(alert: Alert, firing: &Firing) -> AlertStatus {
    let about = firing.named.iter().map(|it| AboutStatus { who: it.who.clone(), what: it.what.clone() });
    AlertStatus {
        alert: alert.name().to_owned(),
        since: moment::write(firing.since),
        cause: firing.cause.clone(),
        about: about.collect(),
        more: u64::try_from(firing.unnamed).unwrap_or(u64::MAX),
        next: firing.next.clone(),
        todo: firing.todo.clone(),
    }
}

/// Over all shards that are restored.
fn dead<L: Log, S: Store, C: Crms>(engine: &Engine<L, S, C>) -> BTreeMap<Option<ConnectionId>, u64> {
    let mut dead = BTreeMap::new();
    for (id, count) in engine.dead_letters().into_values().flatten() {
        *dead.entry(id.clone()).or_default() += count;
    }
    dead
}

fn all_of(levels: &[(ConnectionId, WindowName, f64)]) -> Vec<Level> {
    let level = |(id, window, level): &(ConnectionId, WindowName, f64)| Level {
        connection: id.clone(),
        window: window.to_string(),
        level: *level,
    };
    levels.iter().map(level).collect()
}

fn oldest<L: Log, S: Store, C: Crms>(engine: &mut Engine<L, S, C>) -> Vec<Oldest> {
    let found = engine.oldest_unapplied();
    let oldest = found.into_iter().map(|it| Oldest {
        connection: it.connection,
        occurred_at: it.occurred_at,
        because: it.because,
    });
    oldest.collect()
}

/// A paused connection wakes nobody, whatever else is wrong with it.
fn held<L: Log, S: Store, C: Crms>(engine: &Engine<L, S, C>) -> Vec<Held> {
    let paused = engine.pauses();
    let holds = engine.holds().into_iter();
    let awake = holds.filter(|(id, _)| !paused.keys().any(|scope| scope.covers(id, engine.crm_of(id))));
    let held = awake.map(|(connection, hold)| Held {
        connection,
        by: hold.cause,
        since: hold.since,
        next: (hold.cause != HoldCause::Unconfigured).then_some(hold.next),
    });
    held.collect()
}

#[cfg(test)]
#[path = "alarms/tests.rs"]
mod tests;

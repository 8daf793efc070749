//! What is counted in a turn is seen by the alerts, and what fires is shown.
//! Not here: when an alert fires (`alerts`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::Alarms;
use crate::alerts::{Alert, Facts, Oldest};
use crate::config::{NoEnv, parse};
use crate::machine::Note;
use crate::model::{Connection, Crm, Millis, Outcome, Reason};
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::time::Duration;

const NOW: Millis = Millis(1_769_860_800_000);

fn connection() -> Arc<Connection> {
    let text = "[[tenant]]\nid = \"acme\"\n[[tenant.connection]]\nid = \"crm\"\ncrm = \"hubspot\"\n\
                access_token = { env = \"T\" }";
    let file = crate::config::SourceText { name: "sluicegate.toml".to_owned(), text: text.to_owned() };
    let settings = parse(&[file], &NoEnv).unwrap();
    Arc::clone(&settings.all_connections().next().unwrap().connection)
}

fn alarms() -> Alarms {
    Alarms::new(&parse(&[], &NoEnv).unwrap().alerts)
}

#[test]
fn retries_and_late_writes_of_a_turn_make_their_alerts_fire() {
    let (alarms, connection) = (alarms(), connection());
    let late = Duration::from_secs(121);
    alarms.count(
        NOW,
        &[
            Note::Ended { crm: Some(Crm::HubSpot), outcome: Outcome::Applied },
            Note::Retried { connection: Arc::clone(&connection), reason: Reason::Timeout },
            Note::Synced { connection, lag: late },
        ],
    );
    assert!(alarms.shown().firing.is_empty(), "nothing fires before it is looked at");
    alarms.decide(NOW, &Facts::default(), &Metrics::new("0").unwrap());
    let shown = alarms.shown();
    let names: Vec<&str> = shown.firing.iter().map(|it| it.alert.as_str()).collect();
    assert_eq!(names, ["RetryRate", "SyncLag"]);
    assert_eq!(shown.quiet, ["DeadLetterDepth", "BucketLow", "ConnectionHeld"]);
    assert_eq!(shown.firing[0].since, "2026-01-31T12:00:00.000Z");
    assert_eq!((shown.firing[0].about[0].who.as_str(), shown.firing[0].more), ("acme/crm", 0));
}

#[test]
fn writes_in_time_and_first_attempts_wake_nobody() {
    let (alarms, connection) = (alarms(), connection());
    let ended = Note::Ended { crm: Some(Crm::HubSpot), outcome: Outcome::Applied };
    alarms.count(NOW, &[ended, Note::Synced { connection, lag: Duration::from_secs(120) }, Note::Forwarded]);
    alarms.decide(NOW, &Facts::default(), &Metrics::new("0").unwrap());
    assert_eq!(alarms.shown().quiet.len(), Alert::ALL.len());
}

#[test]
fn each_alert_is_shown_as_a_number_from_the_first_look_on() {
    let (alarms, metrics) = (alarms(), Metrics::new("0").unwrap());
    let shows = |line: &str| metrics.text().unwrap().lines().any(|it| it == line);
    alarms.decide(NOW, &Facts::default(), &metrics);
    for alert in Alert::ALL {
        assert!(shows(&format!("sluicegate_alert_firing{{alert=\"{alert}\"}} 0")), "{alert}");
    }
    let id = connection().id.clone();
    let oldest = Oldest { connection: id.clone(), occurred_at: NOW.before(Duration::from_secs(180)), because: None };
    let dead = [(Some(id), 60), (None, 41)].into();
    alarms.decide(NOW, &Facts { dead, oldest: vec![oldest], ..Facts::default() }, &metrics);
    for line in [
        "sluicegate_dlq_depth 101",
        "sluicegate_oldest_unapplied_seconds 180",
        "sluicegate_alert_firing{alert=\"DeadLetterDepth\"} 1",
        "sluicegate_alert_firing{alert=\"SyncLag\"} 1",
        "sluicegate_alert_firing{alert=\"RetryRate\"} 0",
    ] {
        assert!(shows(line), "no line {line}");
    }
    alarms.decide(NOW, &Facts::default(), &metrics);
    assert!(shows("sluicegate_oldest_unapplied_seconds 0") && shows("sluicegate_alert_firing{alert=\"SyncLag\"} 0"));
}

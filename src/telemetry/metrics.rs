//! Every metric of this version: its name, its help, its labels (DESIGN §3.8).
//! Not here: where a number comes from.

use crate::model::{Because, ConnectionId, Crm, HoldCause, Millis, Outcome, Reason, WindowName};
use crate::telemetry::reloads::Reloads;
use crate::telemetry::urgent::Urgent;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};
use prometheus::{HistogramOpts, Opts, TextEncoder};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Every metric's name: docs/metrics.md lists the same.
pub const NAMES: [&str; 31] = [
    "sluicegate_jobs_total",
    "sluicegate_attempts_total",
    "sluicegate_retries_total",
    "sluicegate_waits_total",
    "sluicegate_waiting_deliveries",
    "sluicegate_crm_request_duration_seconds",
    "sluicegate_crm_records_per_request",
    "sluicegate_sync_lag_seconds",
    "sluicegate_due_lateness_seconds",
    "sluicegate_commit_duration_seconds",
    "sluicegate_commits_total",
    "sluicegate_bucket_level_ratio",
    "sluicegate_bucket_corrections_total",
    "sluicegate_forwarded_total",
    "sluicegate_rewinds_total",
    "sluicegate_strange_messages_total",
    "sluicegate_shards_owned",
    "sluicegate_shards_running",
    "sluicegate_unsettled_messages",
    "sluicegate_memory_deliveries_bytes",
    "sluicegate_waiting_bytes",
    "sluicegate_shards_full",
    "sluicegate_held_connections",
    "sluicegate_pauses",
    "sluicegate_dlq_depth",
    "sluicegate_oldest_unapplied_seconds",
    "sluicegate_alert_firing",
    "sluicegate_tenants_loads_total",
    "sluicegate_tenants_loaded_timestamp_seconds",
    "sluicegate_tenants_refused",
    "sluicegate_build_info",
];

/// Counters of one process. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    jobs: IntCounterVec,
    attempts: IntCounterVec,
    retries: IntCounterVec,
    waits: IntCounterVec,
    waiting: IntGaugeVec,
    request_seconds: HistogramVec,
    records_per_request: HistogramVec,
    sync_lag_seconds: HistogramVec,
    late_seconds: Histogram,
    commit_seconds: Histogram,
    commits: IntCounterVec,
    bucket_level: GaugeVec,
    /// Tenant, connection and window of the levels that are shown.
    shown: Arc<Mutex<BTreeSet<[String; 3]>>>,
    corrections: IntCounterVec,
    forwarded: IntCounter,
    rewinds: IntCounter,
    strange: IntCounter,
    shards_owned: IntGauge,
    shards_running: IntGauge,
    unsettled: IntGauge,
    memory_bytes: Gauge,
    waiting_bytes: IntGauge,
    shards_full: IntGauge,
    held: IntGaugeVec,
    pauses: IntGauge,
    urgent: Urgent,
    reloads: Reloads,
}

/// What of all shards together is shown as gauges.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels {
    /// By `Because`, in the order of `Because::ALL`.
    pub waiting: [u64; 4],
    pub owned: usize,
    pub running: usize,
    pub unsettled: usize,
    pub memory_bytes: usize,
    pub waiting_bytes: u64,
    /// Shards that read no new job because what waits is as much as may be.
    pub full: usize,
    /// Held connections, in the order of `HoldCause::ALL`.
    pub held: [usize; 4],
    /// What people paused: scopes, not connections.
    pub pauses: usize,
}

impl Metrics {
    /// # Errors
    /// Never for the names above; the registry refuses invalid or repeated ones.
    pub fn new(version: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let make = Maker { registry: &registry };
        let info = make.gauges("sluicegate_build_info", "The version that runs.", &["version"])?;
        info.with_label_values(&[version]).set(1);
        Ok(Self {
            jobs: make.counters("sluicegate_jobs_total", "Deliveries that ended, by outcome.", &["crm", "outcome"])?,
            attempts: make.counters("sluicegate_attempts_total", "CRM calls by result.", &["crm", "result"])?,
            retries: make.retries()?,
            waits: make.counters(
                "sluicegate_waits_total",
                "Deliveries that went to a delay topic.",
                &["crm", "because"],
            )?,
            waiting: make.waiting()?,
            request_seconds: make.histograms(
                "sluicegate_crm_request_duration_seconds",
                "From the start of a CRM call to its end.",
                &SECONDS,
            )?,
            records_per_request: make.histograms(
                "sluicegate_crm_records_per_request",
                "Inputs of a CRM call.",
                &RECORDS,
            )?,
            sync_lag_seconds: make.histograms(
                "sluicegate_sync_lag_seconds",
                "From the event to the CRM's answer.",
                &LAG_SECONDS,
            )?,
            late_seconds: make.histogram(
                "sluicegate_due_lateness_seconds",
                "How long after it was due a retry was called.",
                &LATE_SECONDS,
            )?,
            commit_seconds: make.histogram(
                "sluicegate_commit_duration_seconds",
                "From the start of a commit to its end.",
                &SECONDS,
            )?,
            commits: make.counters("sluicegate_commits_total", "Commits by result.", &["result"])?,
            bucket_level: make.bucket_level()?,
            shown: Arc::default(),
            corrections: make.corrections()?,
            forwarded: make.counter(
                "sluicegate_forwarded_total",
                "Jobs sent on to their tenant's home shard: a producer uses another key or partitioner.",
            )?,
            rewinds: make.counter("sluicegate_rewinds_total", "Shards whose group offset was set back.")?,
            strange: make.counter(
                "sluicegate_strange_messages_total",
                "Messages in delay topics that are not ours; each is a dead letter.",
            )?,
            shards_owned: make.gauge("sluicegate_shards_owned", "Shards assigned to this process.")?,
            shards_running: make.gauge("sluicegate_shards_running", "Shards that are restored and running.")?,
            unsettled: make.gauge(
                "sluicegate_unsettled_messages",
                "Messages of jobs that were read and have no committed fate.",
            )?,
            memory_bytes: make.float_gauge("sluicegate_memory_deliveries_bytes", "Bytes of deliveries in memory.")?,
            waiting_bytes: make.gauge("sluicegate_waiting_bytes", "Bytes of messages in the waiting index.")?,
            shards_full: make.shards_full()?,
            held: make.gauges("sluicegate_held_connections", "Connections that are held, by cause.", &["cause"])?,
            pauses: make.gauge("sluicegate_pauses", "Scopes that a person paused.")?,
            urgent: Urgent::new(&make)?,
            reloads: Reloads::new(&make)?,
            registry,
        })
    }

    pub fn ended(&self, crm: Option<Crm>, outcome: Outcome) {
        self.jobs.with_label_values(&[crm.map_or("none", Crm::name), outcome.name()]).inc();
    }

    pub fn called(&self, crm: Crm, result: &str, inputs: usize, took: Duration) {
        self.attempts.with_label_values(&[crm.name(), result]).inc();
        self.request_seconds.with_label_values(&[crm.name()]).observe(took.as_secs_f64());
        let inputs = u32::try_from(inputs).unwrap_or(u32::MAX);
        self.records_per_request.with_label_values(&[crm.name()]).observe(f64::from(inputs));
    }

    pub fn synced(&self, crm: Crm, lag: Duration) {
        self.sync_lag_seconds.with_label_values(&[crm.name()]).observe(lag.as_secs_f64());
    }

    pub fn retried(&self, crm: Crm, reason: Reason) {
        self.retries.with_label_values(&[crm.name(), reason.name()]).inc();
    }

    pub fn waits(&self, crm: Crm, because: Because) {
        self.waits.with_label_values(&[crm.name(), because.name()]).inc();
    }

    pub fn late(&self, by: Duration) {
        self.late_seconds.observe(by.as_secs_f64());
    }

    pub fn committed(&self, result: &str, took: Duration) {
        self.commits.with_label_values(&[result]).inc();
        self.commit_seconds.observe(took.as_secs_f64());
    }

    pub fn corrected(&self, crm: Crm, up: bool) {
        self.corrections.with_label_values(&[crm.name(), if up { "up" } else { "down" }]).inc();
    }

    pub fn forwarded(&self) {
        self.forwarded.inc();
    }

    pub fn rewound(&self) {
        self.rewinds.inc();
    }

    pub fn strange(&self) {
        self.strange.inc();
    }

    pub fn show(&self, levels: Levels) {
        let number = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
        for (because, count) in Because::ALL.iter().zip(levels.waiting) {
            self.waiting.with_label_values(&[because.name()]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for (cause, count) in HoldCause::ALL.iter().zip(levels.held) {
            self.held.with_label_values(&[cause.name()]).set(number(count));
        }
        self.pauses.set(number(levels.pauses));
        self.shards_owned.set(number(levels.owned));
        self.shards_running.set(number(levels.running));
        self.unsettled.set(number(levels.unsettled));
        self.waiting_bytes.set(i64::try_from(levels.waiting_bytes).unwrap_or(i64::MAX));
        self.shards_full.set(number(levels.full));
        self.memory_bytes.set(f64::from(u32::try_from(levels.memory_bytes).unwrap_or(u32::MAX)));
    }

    pub fn show_dead(&self, count: u64) {
        self.urgent.show_dead(count);
    }

    pub fn show_oldest(&self, age: Duration) {
        self.urgent.show_oldest(age);
    }

    pub fn show_alert(&self, alert: &str, fires: bool) {
        self.urgent.show_alert(alert, fires);
    }

    /// Tenants are in force from `now`; `changed`: by a change of their folder.
    pub fn tenants_loaded(&self, now: Millis, changed: bool) {
        self.reloads.loaded(now, changed);
    }

    /// A change of the tenants folder is not in force.
    pub fn tenants_refused(&self) {
        self.reloads.refused();
    }

    /// Free share of each window, 0 to 1. Of more connections than have labels of their own, those with most left share
    /// one, which shows the lowest of them per window.
    pub fn show_buckets(&self, levels: &[(ConnectionId, WindowName, f64)]) {
        let mut levels: Vec<&(ConnectionId, WindowName, f64)> = levels.iter().collect();
        levels.sort_by(|one, other| one.2.total_cmp(&other.2));
        let (mut labelled, mut others, mut labels) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        // Lowest first: what is labelled is what matters, and the first of the others is their lowest.
        for (id, window, level) in levels {
            let row = if labelled.contains(id) || labelled.len() < LABELLED_MAX {
                labelled.insert(id);
                [id.tenant.to_string(), id.name.to_string(), window.to_string()]
            } else if others.insert(window) {
                ["_other".to_owned(), "_other".to_owned(), window.to_string()]
            } else {
                continue;
            };
            self.bucket_level.with_label_values(&row).set(*level);
            labels.insert(row);
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&labels) {
            // Nothing to remove is as good.
            drop(self.bucket_level.remove_label_values(gone));
        }
        *shown = labels;
    }

    /// The exposition text of everything counted so far.
    ///
    /// # Errors
    /// If a metric cannot be written as text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Connections with labels of their own.
const LABELLED_MAX: usize = 200;

const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const LAG_SECONDS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 120.0, 600.0, 3600.0];
const LATE_SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];
const RECORDS: [f64; 7] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0];

/// Makes metrics and registers them under our prefix.
pub(super) struct Maker<'a> {
    registry: &'a Registry,
}

impl Maker<'_> {
    fn bucket_level(&self) -> Result<GaugeVec, prometheus::Error> {
        let labels = ["tenant", "connection", "window"];
        self.float_gauges("sluicegate_bucket_level_ratio", "Free share of each limit window, 0 to 1.", &labels)
    }

    fn retries(&self) -> Result<IntCounterVec, prometheus::Error> {
        let help = "Deliveries that will be tried again, by reason.";
        self.counters("sluicegate_retries_total", help, &["crm", "reason"])
    }

    fn waiting(&self) -> Result<IntGaugeVec, prometheus::Error> {
        self.gauges("sluicegate_waiting_deliveries", "Deliveries that wait in delay topics.", &["because"])
    }

    fn shards_full(&self) -> Result<IntGauge, prometheus::Error> {
        let help = "Shards that read no new job because what waits fills the disk that it may fill.";
        self.gauge("sluicegate_shards_full", help)
    }

    fn corrections(&self) -> Result<IntCounterVec, prometheus::Error> {
        let help = "Answers that showed more or less left of a limit than was counted.";
        self.counters("sluicegate_bucket_corrections_total", help, &["crm", "direction"])
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.register(IntCounterVec::new(options(name, help), labels)?)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::with_opts(options(name, help))?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.register(IntGaugeVec::new(options(name, help), labels)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::with_opts(options(name, help))?)
    }

    fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
        self.register(GaugeVec::new(options(name, help), labels)?)
    }

    pub(super) fn float_gauge(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.register(Gauge::with_opts(options(name, help))?)
    }

    fn histograms(&self, name: &str, help: &str, buckets: &[f64]) -> Result<HistogramVec, prometheus::Error> {
        self.register(HistogramVec::new(histogram(name, help, buckets), &["crm"])?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
        self.register(Histogram::with_opts(histogram(name, help, buckets))?)
    }

    fn register<M: prometheus::core::Collector + Clone + 'static>(&self, metric: M) -> Result<M, prometheus::Error> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help)
}

fn histogram(name: &str, help: &str, buckets: &[f64]) -> HistogramOpts {
    HistogramOpts::new(name, help).buckets(buckets.to_vec())
}

#[cfg(test)]
mod tests {
    use super::{Metrics, NAMES};

    #[test]
    fn every_name_is_registered_once_anything_was_counted() {
        use crate::model::{Because, ConnectionId, Crm, Outcome, Reason, TenantId, Window};
        use std::time::Duration;
        let metrics = Metrics::new("0").unwrap();
        metrics.ended(None, Outcome::Dead);
        metrics.called(Crm::HubSpot, "applied", 1, Duration::ZERO);
        metrics.synced(Crm::HubSpot, Duration::ZERO);
        metrics.retried(Crm::HubSpot, Reason::Timeout);
        metrics.waits(Crm::HubSpot, Because::Retry);
        metrics.committed("committed", Duration::ZERO);
        metrics.corrected(Crm::HubSpot, true);
        let id = ConnectionId { tenant: TenantId::from("acme"), name: "hubspot".into() };
        metrics.show_buckets(&[(id, Window::rolling(1, Duration::from_secs(10)).name, 0.5)]);
        metrics.show(super::Levels::default());
        metrics.show_alert("SyncLag", false);
        metrics.tenants_refused();
        assert!(metrics.text().unwrap().contains("\nsluicegate_tenants_refused 1\n"));
        metrics.tenants_loaded(crate::model::Millis(7_999), true);
        let text = metrics.text().unwrap();
        for name in NAMES {
            assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
        }
        assert!(text.contains("\nsluicegate_tenants_loaded_timestamp_seconds 7\n"));
        assert!(text.contains("\nsluicegate_tenants_refused 0\n"));
    }

    #[test]
    fn the_lowest_buckets_have_labels_and_the_lowest_of_the_rest_is_shown_as_other() {
        use crate::model::{ConnectionId, TenantId, Window};
        use std::time::Duration;
        let metrics = Metrics::new("0").unwrap();
        let id =
            |number: u32| ConnectionId { tenant: TenantId::from(format!("t{number}").as_str()), name: "crm".into() };
        let name = Window::rolling(1, Duration::from_secs(10)).name;
        let levels: Vec<_> = (0..300).map(|number| (id(number), name, f64::from(number) / 300.0)).collect();
        metrics.show_buckets(&levels);
        let text = metrics.text().unwrap();
        assert_eq!(text.matches("sluicegate_bucket_level_ratio{").count(), super::LABELLED_MAX + 1);
        let row = |tenant: &str, connection: &str| {
            let labels = format!(
                r#"sluicegate_bucket_level_ratio{{connection="{connection}",tenant="{tenant}",window="10s"}} "#
            );
            text.lines().find_map(|line| line.strip_prefix(&labels)?.parse::<f64>().ok())
        };
        assert_eq!((row("t0", "crm"), row("t199", "crm"), row("t200", "crm")), (Some(0.0), Some(199.0 / 300.0), None));
        assert_eq!(row("_other", "_other"), Some(200.0 / 300.0));
        metrics.show_buckets(&levels[250..]);
        assert!(!metrics.text().unwrap().contains("\"t0\""), "who is no longer called is no longer shown");
    }
}

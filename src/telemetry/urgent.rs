//! The metrics of what an operator must look at: alerts, dead letters, the oldest event that no CRM has taken.
//! Not here: when an alert fires.

use crate::telemetry::metrics::Maker;
use prometheus::{Gauge, IntGauge, IntGaugeVec};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) struct Urgent {
    dead: IntGauge,
    oldest_seconds: Gauge,
    alerts: IntGaugeVec,
}

impl Urgent {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let oldest = "Age of the oldest event that no CRM has taken.";
        Ok(Self {
            dead: make.gauge("sluicegate_dlq_depth", "Dead letters neither replayed nor discarded.")?,
            oldest_seconds: make.float_gauge("sluicegate_oldest_unapplied_seconds", oldest)?,
            alerts: make.gauges("sluicegate_alert_firing", "1 while the alert fires, else 0.", &["alert"])?,
        })
    }

    pub(super) fn show_dead(&self, count: u64) {
        self.dead.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn show_oldest(&self, age: Duration) {
        self.oldest_seconds.set(age.as_secs_f64());
    }

    pub(super) fn show_alert(&self, alert: &str, fires: bool) {
        self.alerts.with_label_values(&[alert]).set(i64::from(fires));
    }
}

//! Metrics of the tenants folder: when its tenants came into force, and whether a newer change was refused.
//! Not here: when it is looked at.

use crate::model::Millis;
use crate::telemetry::metrics::Maker;
use prometheus::{IntCounterVec, IntGauge};

#[derive(Clone, Debug)]
pub(super) struct Reloads {
    loads: IntCounterVec,
    loaded: IntGauge,
    refused: IntGauge,
}

impl Reloads {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let help = "How often the tenants folder was read again, by result.";
        Ok(Self {
            loads: make.counters("sluicegate_tenants_loads_total", help, &["result"])?,
            loaded: make.gauge("sluicegate_tenants_loaded_timestamp_seconds", "When the tenants came into force.")?,
            refused: make
                .gauge("sluicegate_tenants_refused", "1 while the last change of the tenants folder is refused.")?,
        })
    }

    /// Tenants are in force; `changed`: by a change of their folder.
    pub(super) fn loaded(&self, now: Millis, changed: bool) {
        self.loaded.set(i64::try_from(now.0 / 1_000).unwrap_or(i64::MAX));
        self.refused.set(0);
        if changed {
            self.loads.with_label_values(&["taken"]).inc();
        }
    }

    pub(super) fn refused(&self) {
        self.refused.set(1);
        self.loads.with_label_values(&["refused"]).inc();
    }
}

//! `[alerts]`: the thresholds of DESIGN §3.9.
//! Not here: evaluating them.

use crate::config::AlertSettings;
use crate::config::section::Section;
use crate::config::value::{float, integer, span};
use std::ops::RangeInclusive;
use std::time::Duration;

const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

pub(super) fn read(mut section: Section<'_>) -> AlertSettings {
    let settings = AlertSettings {
        dlq_depth: section.required("dlq_depth", integer(0..=u64::MAX)).unwrap_or_default(),
        retry_rate: section.required("retry_rate", float(0.0..=1.0)).unwrap_or_default(),
        retry_window: section.required("retry_window", span(WINDOW)).unwrap_or_default(),
        bucket_low: section.required("bucket_low", float(0.0..=1.0)).unwrap_or_default(),
        bucket_low_for: section.required("bucket_low_for", span(WINDOW)).unwrap_or_default(),
        sync_lag: section.required("sync_lag", span(WINDOW)).unwrap_or_default(),
    };
    section.finish();
    settings
}

//! `[retry]`: how long after a failed attempt the next may run, and how many there are.
//! Not here: which failures are worth another attempt.

use crate::config::RetrySettings;
use crate::config::section::Section;
use crate::config::value::{float, integer, pair, span};
use std::time::Duration;

const BASE_MIN: Duration = Duration::from_millis(100);
const BASE_MAX: Duration = Duration::from_secs(3_600);

pub(super) fn read(mut section: Section<'_>) -> RetrySettings {
    let settings = RetrySettings {
        base: section.required("base", span(BASE_MIN..=BASE_MAX)).unwrap_or_default(),
        factor: section.required("factor", float(1.0..=10.0)).unwrap_or_default(),
        jitter: section.required("jitter", pair(0.1..=2.0)).unwrap_or_default(),
        max_retries: section.required("max_retries", integer(0..=100_u32)).unwrap_or_default(),
    };
    section.finish();
    settings
}

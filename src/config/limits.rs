//! `limits = [{ calls = 100, per = "10s" }, …]`: the windows of one connection.
//! Not here: keeping to them.

use crate::config::section::Section;
use crate::config::value::{Wrong, integer, span};
use crate::config::{Limit, show_span};
use std::ops::RangeInclusive;
use std::time::Duration;

const PER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31 * 86_400);
const WINDOWS_MAX: usize = 8;

/// None if the key is absent.
pub(super) fn read(connection: &mut Section<'_>) -> Option<Vec<Limit>> {
    let windows = connection.sections("limits")?;
    if windows.is_empty() || windows.len() > WINDOWS_MAX {
        let what = format!("has {} windows, not 1 to {WINDOWS_MAX}", windows.len());
        connection.fault("limits", Wrong::new(what, "write such as [{ calls = 100, per = \"10s\" }], or leave it out"));
    }
    let mut limits: Vec<Limit> = Vec::new();
    for mut window in windows {
        let calls = window.required("calls", integer(1..=1_000_000_000_u32));
        let per = window.required("per", span(PER));
        if let (Some(calls), Some(per)) = (calls, per) {
            if limits.iter().any(|it| it.per == per) {
                let what = format!("there are two windows of {}", show_span(per));
                window.fault("per", Wrong::new(what, "keep the smaller one"));
            }
            limits.push(Limit { calls, per });
        }
        window.finish();
    }
    Some(limits)
}

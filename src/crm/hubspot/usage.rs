//! What HubSpot's headers and its three 429 bodies say of an account's limits.
//! Not here: whether a delivery is tried again (`reply`).
//!
//! Headers: usage guidelines, and recorded answers; searches carry only the daily pair, and OAuth apps not even that.
//! A 429 names its window in `policyName` (`DAILY`, `TEN_SECONDLY_ROLLING`), or, of a search, only in its message.

use super::fault::Words;
use crate::crm::Response;
use crate::model::{Limited, Usage, WindowUsage, WindowWord};
use reqwest::header::HeaderMap;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Where the headers name no interval.
const BURST: Duration = Duration::from_secs(10);
const SEARCH: Duration = Duration::from_secs(1);

pub(super) fn usage(response: &Response) -> Usage {
    let headers = &response.headers;
    let interval = number(headers, "x-hubspot-ratelimit-interval-milliseconds").map(u64::from);
    let burst = Duration::from_millis(interval.unwrap_or(10_000));
    let windows = [
        window(headers, burst, ("x-hubspot-ratelimit-max", "x-hubspot-ratelimit-remaining")),
        window(headers, DAY, ("x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining")),
    ];
    Usage { spent: None, windows: windows.into_iter().flatten().collect(), limited: limited(response) }
}

fn window(headers: &HeaderMap, per: Duration, (limit, remaining): (&str, &str)) -> Option<WindowUsage> {
    let (limit, remaining) = (number(headers, limit), number(headers, remaining));
    let window = WindowWord { per, searches: false };
    (limit.is_some() || remaining.is_some()).then_some(WindowUsage { window, remaining, limit })
}

fn limited(response: &Response) -> Option<Limited> {
    if response.status != 429 {
        return None;
    }
    let words = Words::of_body(&response.body);
    let word = |per, searches| Some(WindowWord { per, searches });
    let window = if words.is_daily() {
        word(DAY, false)
    } else if words.is_secondly() {
        word(SEARCH, true)
    } else if words.is_ten_secondly() {
        word(BURST, false)
    } else {
        None
    };
    Some(Limited { window, wait: response.retry_after })
}

/// A number beyond what fits is as good as no limit.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let number: u64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

//! What Zoho's headers and its limit answers say of an organisation's credits.
//! Not here: whether a delivery is tried again (`reply`).
//!
//! `X-API-CREDITS-REMAINING` comes once half of the day's credits are used; how many there are in all is not told.
//! `X-ZOHO-API-CALLS-REMAINING` is believed the same way where it comes; it is in no document. A 429 says neither which
//! limit it is for, credits or calls at once, nor when there will be more. `X-RATELIMIT-…`, of other Zoho products,
//! names no window: only its wait is used, and only of a 429.

use super::fault::Words;
use crate::crm::Response;
use crate::model::{Limited, Usage, WindowUsage, WindowWord};
use std::time::Duration;

const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };
/// A longer wait is a moment in Unix time, or no wait at all.
const WAIT_SECONDS_MAX: u64 = 86_400;

pub(super) fn usage(response: &Response) -> Usage {
    let day = remaining(response).map(|remaining| WindowUsage { window: DAY, remaining: Some(remaining), limit: None });
    Usage { spent: None, windows: day.into_iter().collect(), limited: limited(response) }
}

fn limited(response: &Response) -> Option<Limited> {
    let is_limit = match response.status {
        429 => true,
        400..=499 => Words::of_body(&response.body).is_limit(),
        _ => false,
    };
    if !is_limit {
        return None;
    }
    let window = is_of_the_day(response).then_some(DAY);
    Some(Limited { window, wait: wait(response) })
}

/// Whether a limit answer is about the day's credits; else it is about calls at once, and soon over.
pub(super) fn is_of_the_day(response: &Response) -> bool {
    match remaining(response) {
        Some(remaining) => remaining == 0,
        None => Words::of_body(&response.body).speaks_of_credits(),
    }
}

/// How long a limit answer asks to wait, if it does.
pub(super) fn wait(response: &Response) -> Option<Duration> {
    let reset = || number(response, "x-ratelimit-reset").and_then(|it| u64::try_from(it).ok());
    let seconds = || reset().filter(|it| (1..=WAIT_SECONDS_MAX).contains(it));
    response.retry_after.or_else(|| seconds().map(Duration::from_secs))
}

/// Credits left of the last 24 hours. More used than there are: none left.
fn remaining(response: &Response) -> Option<u32> {
    let names = ["x-api-credits-remaining", "x-zoho-api-calls-remaining"];
    let told = names.into_iter().find_map(|it| number(response, it))?;
    Some(u32::try_from(told.max(0)).unwrap_or(u32::MAX))
}

fn number(response: &Response, name: &str) -> Option<i64> {
    response.headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

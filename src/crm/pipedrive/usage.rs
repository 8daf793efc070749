//! What Pipedrive's headers, its 429 and Cloudflare's 403 say of an account's limits.
//! Not here: whether a delivery is tried again (`reply`).
//!
//! `x-ratelimit-limit`, `-remaining`, `-reset` speak of 2 seconds of one token, the last in seconds that are left.
//! `x-daily-ratelimit-token-limit` and `-remaining` speak of the company's tokens of the day and may be missing.
//! `x-daily-requests-left` counts requests that write, which nothing of ours does: it is not looked at.

use super::fault::Words;
use crate::crm::Response;
use crate::model::{Limited, Usage, WindowUsage, WindowWord};
use std::time::Duration;

pub(super) const BURST: Duration = Duration::from_secs(2);
const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };
/// Who calls on through refusals is shut out by Cloudflare, for how long it does not say.
pub(super) const SHUT_OUT: Duration = Duration::from_secs(120);
/// The limit of searches on all plans; that of other calls is higher on each.
const SEARCHES: u32 = 10;

/// `is_search`: of the request that was answered.
pub(super) fn usage(response: &Response, is_search: bool) -> Usage {
    let burst = window(response, BURST, ("x-ratelimit-limit", "x-ratelimit-remaining"));
    // The headers of searches were seen to speak of all calls; should they speak of searches, others are not meant.
    let burst = burst.filter(|it| !is_search || it.limit.is_some_and(|limit| SEARCHES < limit));
    let day = window(response, DAY.per, ("x-daily-ratelimit-token-limit", "x-daily-ratelimit-token-remaining"));
    Usage { spent: None, windows: burst.into_iter().chain(day).collect(), limited: limited(response, is_search) }
}

/// Whether the answer is a limit's of the whole day.
pub(super) fn is_of_the_day(response: &Response, words: &Words) -> bool {
    number(response, "x-daily-ratelimit-token-remaining") == Some(0) || words.is_daily()
}

/// Whether Cloudflare answers in Pipedrive's place: its own refusals are JSON.
pub(super) fn is_shut_out(response: &Response, words: &Words) -> bool {
    response.status == 403 && !words.is_json
}

/// How long to wait by the answer's own word.
pub(super) fn wait(response: &Response) -> Option<Duration> {
    let reset = number(response, "x-ratelimit-reset").map(|seconds| Duration::from_secs(u64::from(seconds.min(60))));
    response.retry_after.or(reset)
}

fn limited(response: &Response, is_search: bool) -> Option<Limited> {
    let words = Words::of_body(&response.body);
    let burst = Some(WindowWord { per: BURST, searches: is_search });
    if is_shut_out(response, &words) {
        let window = Some(WindowWord { per: BURST, searches: false });
        return Some(Limited { window, wait: Some(response.retry_after.unwrap_or(SHUT_OUT)) });
    }
    if response.status != 429 {
        return None;
    }
    if is_of_the_day(response, &words) {
        return Some(Limited { window: Some(DAY), wait: response.retry_after });
    }
    Some(Limited { window: burst, wait: wait(response) })
}

fn window(response: &Response, per: Duration, (limit, remaining): (&str, &str)) -> Option<WindowUsage> {
    let (limit, remaining) = (number(response, limit), number(response, remaining));
    let window = WindowWord { per, searches: false };
    (limit.is_some() || remaining.is_some()).then_some(WindowUsage { window, remaining, limit })
}

/// A number beyond what fits is as good as no limit.
fn number(response: &Response, name: &str) -> Option<u32> {
    let number: u64 = response.headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

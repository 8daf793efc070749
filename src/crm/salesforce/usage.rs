//! What Salesforce's header and its 403 say of an org's limits.
//! Not here: whether a delivery is tried again (`reply`).
//!
//! `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)`: used of the last 24 hours. An org may
//! use more than it has; it has none left then. Neither it nor a 403 says when there will be more.

use super::fault::Words;
use crate::crm::Response;
use crate::model::{Limited, Usage, WindowUsage, WindowWord};
use std::time::Duration;

const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };

pub(super) fn usage(response: &Response) -> Usage {
    let told = response.headers.get("sforce-limit-info").and_then(|value| value.to_str().ok());
    Usage { spent: None, windows: told.and_then(day).into_iter().collect(), limited: limited(response) }
}

/// The day of the org, or of this application within it, whichever has less left.
fn day(told: &str) -> Option<WindowUsage> {
    let windows = told.split([';', ',']).filter_map(|part| {
        let (name, numbers) = part.trim().split_once('=')?;
        if name == "api-usage" || name == "per-app-api-usage" { window(numbers) } else { None }
    });
    windows.min_by_key(|it| it.remaining)
}

fn window(numbers: &str) -> Option<WindowUsage> {
    let (used, rest) = numbers.split_once('/')?;
    let limit = rest.split('(').next().unwrap_or_default();
    let (used, limit) = (number(used)?, number(limit)?);
    Some(WindowUsage { window: DAY, remaining: Some(limit.saturating_sub(used)), limit: Some(limit) })
}

fn limited(response: &Response) -> Option<Limited> {
    let window = match response.status {
        403 => {
            let words = Words::of_body(&response.body);
            if !words.code_is("REQUEST_LIMIT_EXCEEDED") {
                return None;
            }
            if words.is_concurrent() { None } else { Some(DAY) }
        }
        429 => None,
        _ => return None,
    };
    Some(Limited { window, wait: response.retry_after })
}

/// A number beyond what fits is as good as no limit.
fn number(text: &str) -> Option<u32> {
    let number: u64 = text.trim().parse().ok()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

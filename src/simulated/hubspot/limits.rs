//! HubSpot's limits, to the letter and on the server's clock: rolling burst, day, searches per second.
//! Not here: what a 429 looks like (`answer`), who counts violations (`ledger`).

use super::settings::{Limits, Settings};
use crate::simulated::{
    rolling::{Rolling, is_full},
    words::Policy,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// What an account has used of its limits.
#[derive(Default)]
pub struct Meters {
    burst: Rolling,
    search: Rolling,
    day: Day,
    /// When the other application of the account makes its next call; 0 = not yet known.
    other_next_us: u64,
}

impl Meters {
    /// A call arrives: the limit it exceeds, or `None` after counting it. A refused call uses nothing up.
    pub(super) fn arrive(&mut self, now_us: u64, search: bool, settings: &Settings) -> Option<Policy> {
        let limits = &settings.limits;
        self.others(now_us, settings);
        self.day.turn(now_us, limits);
        let daily = if settings.oauth { None } else { limits.daily };
        let over = if is_full(self.day.used, daily) {
            Some(Policy::Daily)
        } else if search {
            self.search.is_full(now_us, limits.search, limits.search_ms).then_some(Policy::Search)
        } else {
            self.burst.is_full(now_us, limits.burst, limits.burst_ms).then_some(Policy::Burst)
        };
        if over.is_none() || !limits.enforced {
            self.day.used += 1;
            match search {
                true => self.search.count(now_us, limits.search),
                false => self.burst.count(now_us, limits.burst),
            }
        }
        over
    }

    /// Another application of the account makes `calls` calls now, as far as the limits let it.
    pub(super) fn consume(&mut self, now_us: u64, calls: u64, settings: &Settings) {
        for _ in 0..calls {
            if self.arrive(now_us, false, settings).is_some() {
                return;
            }
        }
    }

    /// The headers of an answer: searches and calls of a full account carry fewer, as recorded.
    pub(super) fn headers(&mut self, now_us: u64, search: bool, settings: &Settings) -> HeaderMap {
        let limits = &settings.limits;
        let mut headers = HeaderMap::with_capacity(8);
        if let (Some(daily), false) = (limits.daily, settings.oauth) {
            put(&mut headers, "x-hubspot-ratelimit-daily", daily);
            put(&mut headers, "x-hubspot-ratelimit-daily-remaining", daily.saturating_sub(self.day.used));
        }
        if let (Some(burst), false) = (limits.burst, search) {
            self.burst.forget(now_us, limits.burst_ms);
            put(&mut headers, "x-hubspot-ratelimit-max", burst);
            put(&mut headers, "x-hubspot-ratelimit-remaining", burst.saturating_sub(self.burst.used()));
            put(&mut headers, "x-hubspot-ratelimit-interval-milliseconds", limits.burst_ms);
            // deprecated and no longer enforced, but still sent
            let secondly = (burst.saturating_mul(1000) / limits.burst_ms.max(1)).max(1);
            let used = self.burst.used_since(now_us.saturating_sub(1_000_000));
            put(&mut headers, "x-hubspot-ratelimit-secondly", secondly);
            put(&mut headers, "x-hubspot-ratelimit-secondly-remaining", secondly.saturating_sub(used));
        }
        headers
    }

    /// Counts the calls that another application made since the last look, at an even pace.
    fn others(&mut self, now_us: u64, settings: &Settings) {
        let limits = &settings.limits;
        let (Some(cap), true) = (limits.burst, settings.other_use > 0.0) else { return };
        let window_us = limits.burst_ms.saturating_mul(1000);
        let gap_us = gap(window_us, cap, settings.other_use);
        self.other_next_us = self.other_next_us.max(now_us.saturating_sub(window_us));
        while self.other_next_us <= now_us {
            let at_us = self.other_next_us;
            if !self.burst.is_full(at_us, limits.burst, limits.burst_ms) {
                self.burst.count(at_us, limits.burst);
                self.day.used += 1;
            }
            self.other_next_us = at_us.saturating_add(gap_us);
        }
    }
}

/// The count of one day.
#[derive(Default)]
struct Day {
    number: u64,
    used: u64,
}

impl Day {
    fn turn(&mut self, now_us: u64, limits: &Limits) {
        let number = now_us / limits.day_ms.max(1).saturating_mul(1000);
        if number != self.number {
            *self = Self { number, used: 0 };
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a float cast saturates, and a gap of a microsecond more or less does not matter"
)]
fn gap(window_us: u64, cap: u64, share: f64) -> u64 {
    let calls = (cap as f64 * share.min(1.0)).max(f64::MIN_POSITIVE);
    // Not a moment shorter than its share of the window: else each call comes just before the one of a window ago has
    // gone, and a full account refuses it.
    ((window_us as f64 / calls).ceil() as u64).max(1)
}

fn put(headers: &mut HeaderMap, name: &'static str, value: u64) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    fn settings(burst: u64) -> Settings {
        Settings { limits: Limits { burst: Some(burst), ..Limits::default() }, ..Settings::default() }
    }

    #[test]
    fn a_rolling_window_frees_a_call_exactly_one_window_after_it() {
        let (mut meters, settings) = (Meters::default(), settings(2));
        let start = 1_000 * SECOND_US;
        assert_eq!(meters.arrive(start, false, &settings), None);
        assert_eq!(meters.arrive(start + 9 * SECOND_US, false, &settings), None);
        assert_eq!(meters.arrive(start + 10 * SECOND_US - 1, false, &settings), Some(Policy::Burst));
        assert_eq!(meters.arrive(start + 10 * SECOND_US, false, &settings), None);
        assert_eq!(meters.arrive(start + 10 * SECOND_US, false, &settings), Some(Policy::Burst));
    }

    #[test]
    fn the_daily_limit_comes_before_the_others_and_ends_at_midnight() {
        let mut settings = settings(100);
        settings.limits.daily = Some(1);
        let mut meters = Meters::default();
        let noon = 86_400 * SECOND_US * 20_000 + 43_200 * SECOND_US;
        assert_eq!(meters.arrive(noon, false, &settings), None);
        assert_eq!(meters.arrive(noon, true, &settings), Some(Policy::Daily));
        assert_eq!(meters.arrive(noon + 43_200 * SECOND_US, false, &settings), None);
    }

    #[test]
    fn another_application_takes_its_share_of_the_window() {
        let mut settings = settings(100);
        settings.other_use = 0.4;
        let mut meters = Meters::default();
        let start = 1_000 * SECOND_US;
        let mut allowed = 0;
        for _ in 0..100 {
            allowed += u32::from(meters.arrive(start, false, &settings).is_none());
        }
        assert!((59..=61).contains(&allowed), "allowed {allowed}");
    }

    #[test]
    fn another_application_keeps_its_share_of_an_account_that_is_always_full() {
        let mut settings = settings(100);
        settings.other_use = 0.3;
        let (mut meters, start) = (Meters::default(), 1_000 * SECOND_US);
        // A call each 10 ms: whatever is free is taken.
        let allowed: Vec<u64> = (0..4_000)
            .map(|it| start + it * 10_000)
            .filter(|at_us| meters.arrive(*at_us, false, &settings).is_none())
            .collect();
        assert!((4 * 70..=4 * 70 + 4).contains(&allowed.len()), "allowed {}", allowed.len());
    }

    #[test]
    fn limits_that_are_not_enforced_still_report_what_exceeds_them() {
        let mut settings = settings(1);
        settings.limits.enforced = false;
        let mut meters = Meters::default();
        assert_eq!(meters.arrive(SECOND_US, false, &settings), None);
        assert_eq!(meters.arrive(SECOND_US, false, &settings), Some(Policy::Burst));
        let headers = meters.headers(SECOND_US, false, &settings);
        assert_eq!(headers["x-hubspot-ratelimit-remaining"], "0");
    }
}

//! Salesforce's limits, on the server's clock: calls of the last 24 hours, and calls that run for long.
//! Not here: what a refusal looks like (`answer`), who counts violations (`ledger`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::settings::Settings;
use crate::simulated::{rolling::Rolling, words::Policy};

/// What an org has used of its limits.
#[derive(Default)]
pub struct Meters {
    day: Rolling,
    /// When the calls that run now arrived.
    running: Vec<u64>,
}

impl Meters {
    /// A call arrives: the limit it exceeds, or `None` after counting it. A refused call uses nothing up.
    pub(super) fn arrive(&mut self, now_us: u64, settings: &Settings) -> Option<Policy> {
        let over = self.over(now_us, settings);
        self.running.push(now_us);
        if over.is_none() || !settings.limits.enforced {
            self.day.count(now_us, settings.limits.daily);
        }
        over
    }

    /// A call that arrived then is over.
    pub(super) fn leave(&mut self, arrived_us: u64) {
        if let Some(place) = self.running.iter().position(|at_us| *at_us == arrived_us) {
            self.running.swap_remove(place);
        }
    }

    /// Another application of the org makes `calls` calls now, as far as the limits let it.
    pub(super) fn consume(&mut self, now_us: u64, calls: u64, settings: &Settings) {
        for _ in 0..calls {
            if self.over(now_us, settings).is_some() {
                return;
            }
            self.day.count(now_us, settings.limits.daily);
        }
    }

    /// `Sforce-Limit-Info: api-usage=18/15000`
    pub(super) fn headers(&mut self, now_us: u64, settings: &Settings) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(4);
        self.day.forget(now_us, settings.limits.day_ms);
        if let Some(daily) = settings.limits.daily
            && let Ok(told) = HeaderValue::from_str(&format!("api-usage={}/{daily}", self.day.used()))
        {
            headers.insert(HeaderName::from_static("sforce-limit-info"), told);
        }
        headers
    }

    fn over(&mut self, now_us: u64, settings: &Settings) -> Option<Policy> {
        let limits = &settings.limits;
        let cap = limits.daily.map(|daily| daily.saturating_add(limits.overage));
        if self.day.is_full(now_us, cap, limits.day_ms) {
            return Some(Policy::Daily);
        }
        let long_us = limits.long_ms.saturating_mul(1000);
        let long = self.running.iter().filter(|at_us| at_us.saturating_add(long_us) <= now_us).count() as u64;
        limits.concurrent.filter(|most| *most <= long).map(|_| Policy::Concurrent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Limits;
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    fn settings(limits: Limits) -> Settings {
        Settings { limits, ..Settings::default() }
    }

    #[test]
    fn the_day_rolls_and_a_refused_call_is_not_in_it() {
        let settings = settings(Limits { daily: Some(2), day_ms: 10_000, ..Limits::default() });
        let (mut meters, start) = (Meters::default(), 1_000 * SECOND_US);
        assert_eq!(meters.arrive(start, &settings), None);
        assert_eq!(meters.arrive(start + 9 * SECOND_US, &settings), None);
        assert_eq!(meters.arrive(start + 10 * SECOND_US - 1, &settings), Some(Policy::Daily));
        assert_eq!(meters.headers(start + 10 * SECOND_US - 1, &settings)["sforce-limit-info"], "api-usage=2/2");
        assert_eq!(meters.arrive(start + 10 * SECOND_US, &settings), None);
        assert_eq!(meters.arrive(start + 10 * SECOND_US, &settings), Some(Policy::Daily));
    }

    #[test]
    fn an_org_may_use_more_than_it_has() {
        let settings = settings(Limits { daily: Some(1), overage: 1, ..Limits::default() });
        let mut meters = Meters::default();
        meters.consume(SECOND_US, 1, &settings);
        assert_eq!(meters.arrive(SECOND_US, &settings), None);
        assert_eq!(meters.headers(SECOND_US, &settings)["sforce-limit-info"], "api-usage=2/1");
        assert_eq!(meters.arrive(SECOND_US, &settings), Some(Policy::Daily));
    }

    #[test]
    fn calls_count_as_long_only_while_they_run_and_only_from_then_on() {
        let settings = settings(Limits { concurrent: Some(2), long_ms: 20_000, ..Limits::default() });
        let (mut meters, start) = (Meters::default(), 1_000 * SECOND_US);
        for second in 0..3 {
            assert_eq!(meters.arrive(start + second * SECOND_US, &settings), None);
        }
        assert_eq!(meters.arrive(start + 21 * SECOND_US, &settings), Some(Policy::Concurrent));
        meters.leave(start + SECOND_US);
        assert_eq!(meters.arrive(start + 21 * SECOND_US, &settings), None);
    }
}

//! Pipedrive's limits, on the server's clock: calls and searches of 2 seconds, tokens of a day, and a door that shuts on
//! who does not listen.
//! Not here: what a refusal looks like (`answer`), who counts violations (`ledger`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    request::Call,
    settings::{Limits, Settings},
};
use crate::simulated::{rolling::Rolling, words::Operation, words::Policy};

/// What an account has used of its limits.
#[derive(Default)]
pub struct Meters {
    burst: Rolling,
    searches: Rolling,
    day: Day,
    /// Calls refused since one was served.
    refused: u64,
    blocked_until_us: u64,
}

/// Tokens used of the day at hand.
#[derive(Default)]
struct Day {
    number: u64,
    tokens: u64,
}

impl Day {
    fn used(&mut self, now_us: u64, limits: &Limits) -> u64 {
        let number = now_us / limits.day_ms.saturating_mul(1000).max(1);
        if number != self.number {
            *self = Self { number, tokens: 0 };
        }
        self.tokens
    }
}

impl Meters {
    /// A call arrives: the limit it exceeds, or `None` after counting it. A refused call uses nothing up.
    pub(super) fn arrive(&mut self, now_us: u64, call: &Call, settings: &Settings) -> Option<Policy> {
        let limits = &settings.limits;
        let over = self.over(now_us, call, limits);
        match over {
            None => self.refused = 0,
            Some(Policy::Blocked) => {}
            Some(_) => {
                self.refused += 1;
                if limits.patience <= self.refused {
                    self.refused = 0;
                    self.blocked_until_us = now_us.saturating_add(limits.blocked_ms.saturating_mul(1000));
                }
            }
        }
        if over.is_none() || !limits.enforced {
            self.count(now_us, call, limits);
        }
        over
    }

    /// Another application of the account makes `calls` calls now that write, as far as the limits let it.
    pub(super) fn consume(&mut self, now_us: u64, calls: u64, settings: &Settings) {
        for _ in 0..calls {
            if self.over(now_us, &Call::of_another(), &settings.limits).is_some() {
                return;
            }
            self.count(now_us, &Call::of_another(), &settings.limits);
        }
    }

    /// `x-ratelimit-reset` in seconds that are left, as answers were seen to tell it.
    pub(super) fn headers(&mut self, now_us: u64, settings: &Settings) -> HeaderMap {
        let limits = &settings.limits;
        let mut headers = HeaderMap::with_capacity(8);
        let mut tell = |name: &'static str, number: u64| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        };
        self.burst.forget(now_us, limits.burst_ms);
        if let Some(cap) = limits.burst {
            tell("x-ratelimit-limit", cap);
            tell("x-ratelimit-remaining", cap.saturating_sub(self.burst.used()));
            tell("x-ratelimit-reset", limits.burst_ms.div_ceil(1000));
        }
        if let Some(cap) = limits.daily.filter(|_| limits.tells_day) {
            tell("x-daily-ratelimit-token-limit", cap);
            tell("x-daily-ratelimit-token-remaining", cap.saturating_sub(self.day.used(now_us, limits)));
        }
        headers
    }

    fn over(&mut self, now_us: u64, call: &Call, limits: &Limits) -> Option<Policy> {
        if now_us < self.blocked_until_us {
            return Some(Policy::Blocked);
        }
        let used = self.day.used(now_us, limits);
        if limits.daily.is_some_and(|cap| cap < used.saturating_add(call.tokens())) {
            return Some(Policy::Daily);
        }
        if self.burst.is_full(now_us, limits.burst, limits.burst_ms) {
            return Some(Policy::Burst);
        }
        let searched = call.operation == Operation::Search;
        let full = searched && self.searches.is_full(now_us, limits.searches, limits.burst_ms);
        full.then_some(Policy::Search)
    }

    fn count(&mut self, now_us: u64, call: &Call, limits: &Limits) {
        self.burst.count(now_us, limits.burst);
        if call.operation == Operation::Search {
            self.searches.count(now_us, limits.searches);
        }
        let used = self.day.used(now_us, limits);
        self.day.tokens = used.saturating_add(call.tokens());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;
    const NOON_US: u64 = 43_200 * SECOND_US;

    fn settings(limits: Limits) -> Settings {
        Settings { limits, ..Settings::default() }
    }

    fn search() -> Call {
        let mut call = Call::of_another();
        call.operation = Operation::Search;
        call
    }

    #[test]
    fn two_seconds_roll_and_searches_have_fewer_of_them() {
        let settings = settings(Limits { burst: Some(3), searches: Some(1), ..Limits::default() });
        let mut meters = Meters::default();
        assert_eq!(meters.arrive(NOON_US, &search(), &settings), None);
        assert_eq!(meters.arrive(NOON_US, &search(), &settings), Some(Policy::Search));
        assert_eq!(meters.arrive(NOON_US + SECOND_US, &Call::of_another(), &settings), None);
        assert_eq!(meters.arrive(NOON_US + SECOND_US, &Call::of_another(), &settings), None);
        assert_eq!(meters.headers(NOON_US + SECOND_US, &settings)["x-ratelimit-remaining"], "0");
        assert_eq!(meters.arrive(NOON_US + 2 * SECOND_US - 1, &Call::of_another(), &settings), Some(Policy::Burst));
        assert_eq!(meters.arrive(NOON_US + 2 * SECOND_US, &search(), &settings), None);
    }

    #[test]
    fn the_day_counts_tokens_and_begins_anew_at_once() {
        let settings = settings(Limits { burst: None, daily: Some(12), day_ms: 10_000, ..Limits::default() });
        let (mut meters, start) = (Meters::default(), 1_000 * SECOND_US);
        meters.consume(start, 100, &settings);
        assert_eq!(meters.headers(start, &settings)["x-daily-ratelimit-token-remaining"], "2");
        assert_eq!(meters.arrive(start + 9 * SECOND_US, &Call::of_another(), &settings), Some(Policy::Daily));
        assert_eq!(meters.arrive(start + 10 * SECOND_US, &Call::of_another(), &settings), None);
        assert_eq!(meters.headers(start + 10 * SECOND_US, &settings)["x-daily-ratelimit-token-remaining"], "7");
    }

    #[test]
    fn who_goes_on_through_refusals_is_shut_out_for_a_while() {
        let settings = settings(Limits { burst: Some(1), patience: 2, blocked_ms: 60_000, ..Limits::default() });
        let mut meters = Meters::default();
        let mut arrive = |at_us: u64| meters.arrive(NOON_US + at_us, &Call::of_another(), &settings);
        assert_eq!(arrive(0), None);
        assert_eq!(arrive(1), Some(Policy::Burst));
        assert_eq!(arrive(2 * SECOND_US), None, "one that is served ends the row");
        assert_eq!([arrive(2 * SECOND_US + 1), arrive(2 * SECOND_US + 2)], [Some(Policy::Burst); 2]);
        assert_eq!(arrive(61 * SECOND_US), Some(Policy::Blocked));
        assert_eq!(arrive(62 * SECOND_US + 2), None);
    }
}

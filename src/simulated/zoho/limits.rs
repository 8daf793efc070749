//! Zoho's limits, on the server's clock: credits of the last 24 hours, and calls at once.
//! Not here: what a refusal looks like (`answer`), who counts violations (`ledger`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{request::Call, settings::Settings};
use crate::simulated::{
    pretend::Asked,
    rolling::Rolling,
    words::{Operation, Policy},
};

/// A write of more records is heavy, and costs a credit for each so many begun.
const RECORDS_PER_CREDIT: u64 = 10;

/// What an organisation has used of its limits.
#[derive(Default)]
pub struct Meters {
    credits: Rolling,
    running: Vec<Running>,
}

struct Running {
    arrived_us: u64,
    heavy: bool,
    /// A refused call takes nobody's place.
    counts: bool,
}

/// What a call costs, and whether it is heavy.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    credits: u64,
    heavy: bool,
}

impl Weight {
    pub(super) fn of(call: &Call) -> Self {
        let inputs = call.ids().count() as u64;
        match call.operation() {
            Operation::BatchUpsert | Operation::BatchCreate => {
                Self { credits: inputs.div_ceil(RECORDS_PER_CREDIT).max(1), heavy: inputs > RECORDS_PER_CREDIT }
            }
            _ => Self { credits: 1, heavy: false },
        }
    }
}

impl Meters {
    /// A call arrives: the limit it exceeds, or `None` after counting it. A refused call uses nothing up.
    pub(super) fn arrive(&mut self, now_us: u64, weight: Weight, settings: &Settings) -> Option<Policy> {
        let over = self.over(now_us, weight, settings);
        let counts = over.is_none() || !settings.limits.enforced;
        self.running.push(Running { arrived_us: now_us, heavy: weight.heavy, counts });
        if counts {
            self.spend(now_us, weight.credits, settings);
        }
        over
    }

    /// A call that arrived then is over.
    pub(super) fn leave(&mut self, arrived_us: u64) {
        if let Some(place) = self.running.iter().position(|it| it.arrived_us == arrived_us) {
            self.running.swap_remove(place);
        }
    }

    /// Another application of the organisation makes `calls` calls of one credit now, as far as credits let it.
    pub(super) fn consume(&mut self, now_us: u64, calls: u64, settings: &Settings) {
        let left = self.left(now_us, settings).unwrap_or(calls);
        self.spend(now_us, calls.min(left), settings);
    }

    /// `X-API-CREDITS-REMAINING: 2480`, once half is used.
    pub(super) fn headers(&mut self, now_us: u64, settings: &Settings) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(4);
        if let (Some(left), Some(cap)) = (self.left(now_us, settings), settings.limits.credits) {
            let used = cap.saturating_sub(left);
            let is_told = used.saturating_mul(100) >= cap.saturating_mul(settings.limits.told_from_percent);
            if is_told {
                headers.insert(HeaderName::from_static("x-api-credits-remaining"), HeaderValue::from(left));
            }
        }
        headers
    }

    fn over(&mut self, now_us: u64, weight: Weight, settings: &Settings) -> Option<Policy> {
        if self.left(now_us, settings).is_some_and(|left| left < weight.credits) {
            return Some(Policy::Daily);
        }
        let limits = &settings.limits;
        let running = self.running.iter().filter(|it| it.counts).count() as u64;
        let heavy = self.running.iter().filter(|it| it.counts && it.heavy).count() as u64;
        let is_full = limits.concurrent.is_some_and(|most| most <= running);
        let is_too_heavy = weight.heavy && limits.heavy.is_some_and(|most| most <= heavy);
        (is_full || is_too_heavy).then_some(Policy::Concurrent)
    }

    fn spend(&mut self, now_us: u64, credits: u64, settings: &Settings) {
        (0..credits).for_each(|_| self.credits.count(now_us, settings.limits.credits));
    }

    fn left(&mut self, now_us: u64, settings: &Settings) -> Option<u64> {
        let cap = settings.limits.credits?;
        self.credits.forget(now_us, settings.limits.day_ms);
        Some(cap.saturating_sub(self.credits.used()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Limits;
    use super::*;

    const SECOND_US: u64 = 1_000_000;
    const LIGHT: Weight = Weight { credits: 1, heavy: false };
    const HEAVY: Weight = Weight { credits: 10, heavy: true };

    fn settings(limits: Limits) -> Settings {
        Settings { limits, ..Settings::default() }
    }

    #[test]
    fn credits_roll_and_a_refused_call_uses_none() {
        let settings = settings(Limits { credits: Some(20), day_ms: 10_000, ..Limits::default() });
        let (mut meters, start) = (Meters::default(), 1_000 * SECOND_US);
        assert_eq!(meters.arrive(start, HEAVY, &settings), None);
        assert_eq!(meters.headers(start, &settings)["x-api-credits-remaining"], "10");
        assert_eq!(meters.arrive(start + SECOND_US, LIGHT, &settings), None);
        assert_eq!(meters.arrive(start + SECOND_US, HEAVY, &settings), Some(Policy::Daily));
        assert_eq!(meters.headers(start + SECOND_US, &settings)["x-api-credits-remaining"], "9");
        assert_eq!(meters.arrive(start + 10 * SECOND_US, HEAVY, &settings), None);
        assert!(meters.headers(start + 20 * SECOND_US, &settings).is_empty(), "less than half is used");
    }

    #[test]
    fn only_calls_that_run_take_a_place() {
        let limits = Limits { concurrent: Some(3), heavy: Some(1), ..Limits::default() };
        let (mut meters, settings) = (Meters::default(), settings(limits));
        assert_eq!(meters.arrive(1, HEAVY, &settings), None);
        assert_eq!(meters.arrive(2, HEAVY, &settings), Some(Policy::Concurrent));
        assert_eq!(meters.arrive(3, LIGHT, &settings), None);
        assert_eq!(meters.arrive(4, LIGHT, &settings), None);
        assert_eq!(meters.arrive(5, LIGHT, &settings), Some(Policy::Concurrent));
        meters.leave(1);
        assert_eq!(meters.arrive(6, HEAVY, &settings), None);
    }
}

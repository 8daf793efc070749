//! When a delivery that failed for a passing reason is tried again, and when no more.
//! Not here: which failures pass (the connectors), what else may delay a call.

use crate::model::{Attempt, Millis, Tier};
use std::time::Duration;

/// `[retry]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    pub base: Duration,
    /// At least 1.
    pub factor: f64,
    /// Bounds of the random factor of a delay.
    pub jitter: (f64, f64),
    /// Retries after the first attempt.
    pub retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Again { due: Millis, delay: Duration, tier: Tier },
    Exhausted,
}

impl Policy {
    /// What follows the failed attempt number `attempt` (counted, so at least 1): retry n comes
    /// `base × factor^(n−1) × jitter` later, or when the CRM says, if that is later.
    /// `dice` in 0..1 picks the jitter.
    pub fn after(&self, attempt: Attempt, now: Millis, retry_after: Option<Duration>, dice: f64) -> Next {
        let retry = attempt.0.max(1);
        if self.retries < retry {
            return Next::Exhausted;
        }
        let (low, high) = self.jitter;
        let jitter = low + (high - low) * dice.clamp(0.0, 1.0);
        let doublings = i32::try_from(retry - 1).unwrap_or(i32::MAX);
        let seconds = self.base.as_secs_f64() * self.factor.max(1.0).powi(doublings) * jitter;
        let jittered = Duration::try_from_secs_f64(seconds.min(DELAY_SECONDS_MAX)).unwrap_or_default();
        let delay = jittered.max(retry_after.unwrap_or_default());
        Next::Again { due: now.after(delay), delay, tier: tier(retry) }
    }
}

/// The seeded generator behind the jitter (SplitMix64, Steele et al. 2014): the loop hands in the seed.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number in 0..1.
    pub fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(high) / f64::from(u32::MAX)
    }
}

/// No retry waits longer than a day, whatever base and factor say.
const DELAY_SECONDS_MAX: f64 = 86_400.0;

/// Retry n lies in tier n, further ones in the last.
fn tier(retry: u32) -> Tier {
    match retry {
        0 | 1 => Tier::S5,
        2 => Tier::S10,
        3 => Tier::S20,
        4 => Tier::S40,
        _ => Tier::S80,
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Policy};
    use crate::model::{Attempt, Millis, Tier};
    use std::time::Duration;

    const POLICY: Policy = Policy { base: Duration::from_secs(5), factor: 2.0, jitter: (0.8, 1.2), retries: 5 };

    fn check(attempt: u32, dice: f64, retry_after: u64, expect: Option<(u64, Tier)>) {
        let next = POLICY.after(Attempt(attempt), Millis(1_000), Some(Duration::from_secs(retry_after)), dice);
        let expect = expect.map_or(Next::Exhausted, |(delay, tier)| Next::Again {
            due: Millis(1_000 + delay),
            delay: Duration::from_millis(delay),
            tier,
        });
        assert_eq!(next, expect, "attempt {attempt}");
    }

    #[test]
    fn five_retries_double_and_the_sixth_failure_is_the_last() {
        check(1, 0.5, 0, Some((5_000, Tier::S5)));
        check(2, 0.5, 0, Some((10_000, Tier::S10)));
        check(3, 0.5, 0, Some((20_000, Tier::S20)));
        check(4, 0.5, 0, Some((40_000, Tier::S40)));
        check(5, 0.5, 0, Some((80_000, Tier::S80)));
        check(6, 0.5, 0, None);
    }

    #[test]
    fn jitter_spreads_a_delay_over_its_bounds() {
        check(1, 0.0, 0, Some((4_000, Tier::S5)));
        check(1, 1.0, 0, Some((6_000, Tier::S5)));
    }

    #[test]
    fn the_crm_may_ask_for_more_patience_but_not_for_less() {
        check(1, 0.5, 60, Some((60_000, Tier::S5)));
        check(5, 0.5, 60, Some((80_000, Tier::S80)));
    }
}

//! One limit window of a connection: what is free of it now, and when more will be.
//! Not here: several windows together (`account`), what the changelog keeps (`saved`).
//!
//! A token comes back one window after the *answer* to the call that spent it: then no window on the CRM's clock holds
//! more than its cap, whatever the latency.

use crate::machine::limit::slots::Slots;
use crate::model::{Millis, Turnover, Window};
use std::time::Duration;

/// Former owners' spending that is remembered apart; more of them share the last.
const DEBTS: usize = 4;
/// How far the CRM's clock may be from ours where a window resets at a known instant.
const RESET_MARGIN: Duration = Duration::from_secs(60);
/// The slots that show how fast a window is being used: a sixteenth of it.
const PACE_SLOTS: u64 = 8;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub window: Window,
    /// The limit that the CRM last told.
    pub told: Option<u32>,
    pub slots: Slots,
    /// Units of calls that are out.
    pub out: u32,
    pub debts: [Debt; DEBTS],
    others: Others,
    pub block: Block,
    /// Resets so far, of a window that resets.
    period: u64,
}

/// Units that a former owner may have spent: they count until `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Debt {
    pub until: Millis,
    pub units: u32,
}

/// What other users of the account have used, or former owners, or we forgot, as the CRM's answers show.
///
/// Calls that are out together arrive in any order, and each answer counts those that arrived before it. So of the answers
/// to calls that were out together the one that shows most is right, and what is still out may not be in any of them.
#[derive(Clone, Copy, Debug, Default)]
struct Others {
    /// Believed now, until `until`.
    units: u32,
    until: Millis,
    /// The most that an answer showed since a call was answered that had started after the ones before it: they are the
    /// newest; and the most before that.
    newest: u32,
    before: u32,
    /// The last call that had started when the newest began; answers to those that had started earlier still say nothing.
    call: u64,
    call_before: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    pub until: Millis,
    refused_at: Millis,
    /// Refusals since an answer that was none.
    refusals: u32,
}

/// An answer's place among the calls of its connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub call: u64,
    /// The last call that has started.
    pub last: u64,
    pub sent: Millis,
}

impl Others {
    /// An answer shows so many units that are not ours. Whether it still says something.
    fn hear(&mut self, (valid, heard): (bool, Heard), shown: u32) -> bool {
        if heard.call <= self.call_before {
            return false;
        }
        if self.call < heard.call {
            self.before = if valid { self.newest } else { 0 };
            self.newest = shown;
            (self.call_before, self.call) = (self.call, heard.last);
        } else {
            self.newest = self.newest.max(shown);
        }
        true
    }
}

impl Bucket {
    pub(super) fn new(window: Window, now: Millis) -> Self {
        let mut bucket = Self {
            window,
            told: None,
            slots: Slots::new(window.name.per, now),
            out: 0,
            debts: [Debt::default(); DEBTS],
            others: Others::default(),
            block: Block::default(),
            period: 0,
        };
        bucket.period = bucket.period(now);
        bucket
    }

    /// A lower limit than ours is adopted, a higher one is not.
    pub(super) fn cap(&self) -> u32 {
        self.told.map_or(self.window.cap, |it| it.min(self.window.cap))
    }

    /// What a call that costs `units` must find free: more than the whole cap is never asked for.
    pub(super) fn need(&self, units: u32) -> u32 {
        units.min(self.cap())
    }

    pub(super) fn free(&mut self, now: Millis) -> u32 {
        self.roll(now);
        if now < self.block.until { 0 } else { self.unspent().saturating_sub(self.foreign(now)) }
    }

    /// Free share, 0 to 1.
    pub(super) fn level(&mut self, now: Millis) -> f64 {
        f64::from(self.free(now)) / f64::from(self.cap().max(1))
    }

    pub(super) fn take(&mut self, units: u32) {
        self.out = self.out.saturating_add(units);
    }

    /// A call that took `taken` has ended; it came to `used`.
    pub(super) fn give_back(&mut self, now: Millis, taken: u32, (used, at): (u32, Millis)) {
        self.roll(now);
        self.out = self.out.saturating_sub(taken);
        self.slots.add(at, used);
    }

    /// The CRM says how much is left, after `give_back` of the same call. Whether our count was corrected: up or down.
    pub(super) fn hear(&mut self, now: Millis, heard: Heard, remaining: u32) -> Option<bool> {
        let before = self.foreign(now);
        let shown = self.unspent().saturating_add(self.lapsed_there(now, heard.sent)).saturating_sub(remaining);
        if !self.others.hear((now < self.others.until, heard), shown) {
            return None;
        }
        self.others.units = self.others.newest.max(self.others.before).saturating_add(self.out);
        self.others.until = now.after(self.window.name.per);
        let after = self.foreign(now);
        (after != before).then_some(after < before)
    }

    /// Units of ours that the CRM may have let go of already, when it gave an answer: it counts them from their arrival on,
    /// we from the end of the slot in which their answer came.
    fn lapsed_there(&self, now: Millis, sent: Millis) -> u32 {
        match self.window.turnover {
            Turnover::Rolling => {
                let ways = now.since(sent).saturating_mul(2);
                self.slots.free_by(now.after(self.slots.width()).after(ways))
            }
            Turnover::ResetsAt(_) => 0,
        }
    }

    /// The CRM's limit; nonsense is not believed.
    pub(super) fn hear_limit(&mut self, limit: u32) {
        self.told = Some(limit).filter(|it| 0 < *it);
    }

    /// A limit answer: nothing more until the CRM's word, the reset, or ever longer.
    pub(super) fn refused(&mut self, now: Millis, sent: Millis, wait: Option<Duration>) {
        // Calls that were under way together are refused together: that counts once.
        if self.block.refused_at <= sent {
            self.block.refusals = self.block.refusals.saturating_add(1);
            self.block.refused_at = now;
        }
        let doublings = self.block.refusals.saturating_sub(1).min(31);
        let own = Duration::from_secs(1_u64 << doublings).min(self.window.name.per);
        let until = match (wait, self.next_reset(now)) {
            (Some(wait), _) => now.after(wait),
            (None, Some(reset)) => reset,
            (None, None) => now.after(own),
        };
        self.block.until = self.block.until.max(until);
    }

    /// An answer that is no refusal, to a call sent after the last one.
    pub(super) fn served(&mut self, sent: Millis) {
        if self.block.refused_at < sent {
            self.block.refusals = 0;
        }
    }

    /// Being used faster than it passes: at this pace it will be empty before it is over.
    pub(super) fn is_burning(&mut self, now: Millis) -> bool {
        self.roll(now);
        let recent = self.slots.latest(PACE_SLOTS).saturating_add(self.out);
        self.cap() / 16 < recent
    }

    /// When at least `units` will be free if nothing more is spent; calls that are out may give theirs back later.
    pub(super) fn free_at(&mut self, now: Millis, units: u32) -> Millis {
        if units <= self.free(now) {
            return now;
        }
        let sum = self.slots.sum();
        let is_enough = |freed: u32, at: Millis| {
            let held = sum.saturating_sub(freed).saturating_add(self.out).saturating_add(self.foreign(at));
            units <= self.cap().saturating_sub(held)
        };
        let mut best = now.after(self.window.name.per);
        let mut freed = 0_u32;
        for (at, back) in self.slots.returns() {
            freed = freed.saturating_add(back);
            if best <= at {
                break;
            }
            if is_enough(freed, at) {
                best = at;
            }
        }
        let lapses = self.debts.iter().map(|it| it.until).chain([self.others.until]);
        for at in lapses.filter(|it| now < *it) {
            if at < best && is_enough(self.slots.free_by(at), at) {
                best = at;
            }
        }
        let best = self.next_reset(now).map_or(best, |it| it.min(best));
        best.max(self.block.until)
    }

    /// Units that will be free within `span`, what is out left aside.
    pub(super) fn free_within(&mut self, now: Millis, span: Duration) -> u32 {
        let at = now.after(span);
        self.roll(now);
        if at < self.block.until {
            return 0;
        }
        let spent = self.slots.sum().saturating_sub(self.slots.free_by(at));
        let held = spent.saturating_add(self.out).saturating_add(self.foreign(at));
        self.cap().saturating_sub(held)
    }

    /// Whether it is as if nothing had ever been called.
    pub(super) fn is_default(&mut self, now: Millis) -> bool {
        self.roll(now);
        let quiet = self.slots.sum() == 0 && self.out == 0 && self.owed(now) == 0;
        quiet && self.told.is_none_or(|it| self.window.cap <= it) && self.block.until <= now && self.others_at(now) == 0
    }

    /// A former owner may have spent `units`; they count until `until`.
    pub(super) fn owe(&mut self, until: Millis, units: u32) {
        if units == 0 {
            return;
        }
        let free = self.debts.iter_mut().find(|it| it.units == 0 || it.until == until);
        let place = match free {
            Some(place) => Some(place),
            None => self.debts.last_mut(),
        };
        if let Some(debt) = place {
            *debt = Debt { until: debt.until.max(until), units: debt.units.saturating_add(units) };
        }
    }

    /// Whether a former owner's spending still counts.
    pub(super) fn owes(&self, now: Millis) -> bool {
        0 < self.owed(now)
    }

    fn roll(&mut self, now: Millis) {
        self.slots.roll(now);
        let period = self.period(now);
        if self.period < period {
            self.period = period;
            if let Turnover::ResetsAt(instant) = self.window.turnover {
                let reset = Millis(period.saturating_mul(self.per())).after(instant);
                // What was spent around the instant may have counted after it.
                self.slots.clear_before(reset.before(self.margin()));
                self.others = Others { units: 0, newest: 0, before: 0, ..self.others };
            }
        }
        for debt in &mut self.debts {
            if debt.until <= now {
                *debt = Debt::default();
            }
        }
    }

    /// Everything but what we know that we spent.
    fn unspent(&self) -> u32 {
        self.cap().saturating_sub(self.slots.sum().saturating_add(self.out))
    }

    /// What somebody else has spent: a former owner may have, or the CRM says that somebody has. That one was right does
    /// not make it twice as much; and what the CRM said holds when a former owner's spending lapses.
    fn foreign(&self, now: Millis) -> u32 {
        self.owed(now).max(self.others_at(now))
    }

    fn others_at(&self, now: Millis) -> u32 {
        if now < self.others.until { self.others.units } else { 0 }
    }

    fn owed(&self, now: Millis) -> u32 {
        self.debts.iter().filter(|it| now < it.until).map(|it| it.units).fold(0, u32::saturating_add)
    }

    /// How often a window that resets has surely been reset; one that rolls never is.
    fn period(&self, now: Millis) -> u64 {
        match self.window.turnover {
            Turnover::Rolling => 0,
            Turnover::ResetsAt(instant) => now.before(instant).before(self.margin()).0 / self.per(),
        }
    }

    /// When a window that resets will surely have been reset next.
    fn next_reset(&self, now: Millis) -> Option<Millis> {
        match self.window.turnover {
            Turnover::Rolling => None,
            Turnover::ResetsAt(instant) => {
                let next = Millis(self.period(now).saturating_add(1).saturating_mul(self.per()));
                Some(next.after(instant).after(self.margin()))
            }
        }
    }

    fn margin(&self) -> Duration {
        RESET_MARGIN.min(self.window.name.per / 16)
    }

    fn per(&self) -> u64 {
        u64::try_from(self.window.name.per.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

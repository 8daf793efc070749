//! The limits of the accounts, on the CRM's own clock: what is used, by us and by others, and what an answer says of it.
//! Not here: what the engine makes of it; that is I4, never over, and that the CRM is believed.

use crate::crm::{DEADLINE_MS, Flight, fault};
use crate::marks::Mark;
use crate::workload::ConnIx;
use crate::world::{Life, World};
use sluicegate::model::{Answer, Cost, Limited, Millis, Reason, Shard, Usage, WindowUsage, WindowWord};
use std::time::Duration;

/// What has been used of one account.
#[derive(Debug, Default)]
pub struct Meter {
    uses: Vec<Use>,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    at: Millis,
    units: u32,
    /// Absent: somebody else's.
    who: Option<Life>,
}

impl Meter {
    /// Units used in the window that ends now.
    fn used(&self, now: Millis, per_ms: u64, of: impl Fn(&Use) -> bool) -> u32 {
        self.uses.iter().rev().take_while(|it| now.0 < it.at.0 + per_ms).filter(|it| of(it)).map(|it| it.units).sum()
    }
}

impl World {
    /// A call reaches its account: it is counted, or refused because the account is used up.
    pub fn meter(&mut self, flight: usize) {
        let it = &self.crm.flights[flight];
        let (who, conn, units) = (it.who, it.conn, it.units);
        let windows = self.options.limits.windows.clone();
        if windows.is_empty() {
            return;
        }
        self.use_by_others(conn);
        for (cap, per_ms) in &windows {
            let meter = self.crm.meters.entry(conn).or_default();
            let ours = meter.used(self.now, *per_ms, |it| it.who.is_some()) + units.min(*cap);
            let former = meter.used(self.now, *per_ms, |it| it.who.is_some_and(|it| it != who));
            if *cap < ours {
                let what =
                    format!("{ours} units of {conn} within {per_ms} ms, of {cap}; {former} of them of others of us");
                self.broken("I4", what);
            }
            self.marks.hit_if(ours == *cap, Mark::BucketEmpty);
            self.marks.hit_if(!self.is_alive(who) && 0 < former, Mark::LandedAfterHandOver);
        }
        let meter = self.crm.meters.entry(conn).or_default();
        let full =
            windows.iter().find(|(cap, per_ms)| *cap < meter.used(self.now, *per_ms, |_| true) + units.min(*cap));
        match full.copied() {
            Some(window) => self.refuse(flight, window),
            None => meter.uses.push(Use { at: self.now, units, who: Some(who) }),
        }
        self.say_what_is_left(flight);
    }

    /// Others use the account, as far as it lets them.
    fn use_by_others(&mut self, conn: ConnIx) {
        if !self.faults_on || !self.dice.crm.chance(self.options.limits.others) {
            return;
        }
        let meter = self.crm.meters.entry(conn).or_default();
        let left = self.options.limits.windows.iter();
        let left = left.map(|(cap, per)| cap.saturating_sub(meter.used(self.now, *per, |_| true))).min();
        let units = u32::try_from(self.dice.crm.between(0, u64::from(left.unwrap_or(0)))).unwrap();
        meter.uses.push(Use { at: self.now, units, who: None });
    }

    /// 429: nothing of it takes effect, and nothing is used.
    fn refuse(&mut self, flight: usize, (_, per_ms): (u32, u64)) {
        self.marks.hit(Mark::LimitedByOthers);
        let asked = self.dice.crm.chance(self.options.limits.retry_after);
        let wait = asked.then(|| Duration::from_millis(self.dice.crm.between(1, per_ms)));
        let named = self.dice.crm.chance(700);
        let it = &mut self.crm.flights[flight];
        it.units = 0;
        it.inputs.iter_mut().for_each(|it| (it.lands, it.told) = (false, false));
        let silent = matches!(&it.answer, Answer::Failed(fault) if fault.status.is_none());
        if !silent {
            it.answer = Answer::Failed(fault(Reason::RateLimited, Some(429), wait));
            let window = named.then_some(WindowWord { per: Duration::from_millis(per_ms), searches: false });
            it.usage.limited = Some(Limited { window, wait });
        }
    }

    /// What the answer carries: what the call came to, and what is left of each window.
    fn say_what_is_left(&mut self, flight: usize) {
        let it = &self.crm.flights[flight];
        let silent = matches!(&it.answer, Answer::Failed(fault) if fault.status.is_none());
        if silent {
            return;
        }
        let meter = self.crm.meters.entry(it.conn).or_default();
        let word = |(cap, per_ms): &(u32, u64)| WindowUsage {
            window: WindowWord { per: Duration::from_millis(*per_ms), searches: false },
            remaining: Some(cap.saturating_sub(meter.used(self.now, *per_ms, |_| true))),
            limit: Some(*cap),
        };
        let windows =
            if self.options.limits.told { self.options.limits.windows.iter().map(word).collect() } else { Vec::new() };
        let it = &mut self.crm.flights[flight];
        let spent = Some(Cost { calls: it.units, searches: 0, credits: 0 });
        it.usage = Usage { spent, windows, limited: it.usage.limited };
    }

    /// What the newest answer said is left is not exceeded by what was started since, but for what came back meanwhile.
    pub fn the_crm_is_believed(&mut self, who: Life, shard: Shard, (conn, taken): (ConnIx, u32)) {
        for (place, (cap, per_ms)) in self.options.limits.windows.clone().into_iter().enumerate() {
            if taken <= cap && self.has_more_than_is_left(who, (shard, conn, place), (taken, per_ms)) {
                let what =
                    format!("{who} starts {taken} more of {conn} than the CRM said are left of {cap} in {per_ms} ms");
                self.broken("I4", what);
            }
        }
    }

    fn has_more_than_is_left(
        &self,
        who: Life,
        (shard, conn, place): (Shard, ConnIx, usize),
        (taken, per_ms): (u32, u64),
    ) -> bool {
        let Some(view) = self.processes[who.slot].view.shards.get(&shard) else { return false };
        let Some(heard) = view.heard.get(&(conn, place)).copied() else { return false };
        // Before that it cannot be told what a former owner left to be counted.
        let settled = view.begun.0 + DEADLINE_MS + 2 * per_ms;
        if heard.at.0 < settled || heard.at.0 + per_ms <= self.now.0 {
            return false;
        }
        let mine = |it: &&Flight| it.who == who && it.shard == shard && it.epoch == view.epoch && it.conn == conn;
        let flights = &self.crm.flights;
        let started = |range: &[Flight]| range.iter().filter(mine).map(|it| it.taken).sum::<u32>();
        let left = heard.remaining.saturating_sub(started(&flights[heard.flight + 1..heard.next]));
        let slot_ms = per_ms / 128 + 2;
        let is_back = |ended: Millis| ended.0 + per_ms <= self.now.0 && heard.at.0 <= ended.0 + per_ms + slot_ms;
        let ended = || flights.iter().filter(mine).filter_map(|it| Some((it.ended_at?, it)));
        let back: u32 = ended().filter(|it| is_back(it.0)).map(|it| it.1.believed()).sum();
        // What was out at that moment, or started since, and came to less than it had taken.
        let unused: u32 = ended().filter(|it| heard.at <= it.0).map(|it| it.1.taken - it.1.believed()).sum();
        left + back + unused < started(&flights[heard.next..]) + taken
    }
}

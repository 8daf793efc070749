//! The windows against a brute-force CRM: it keeps the moment of every request and counts any window of its clock.
//! Not here: single situations (`tests`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::tests::{account, assigned, connection, limited, word};
use super::{Account, Room, Ticket};
use crate::machine::Bug;
use crate::model::{Connection, Cost, Millis, Usage, Window};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

const BEGIN: u64 = 1_748_736_000_000;
const DEADLINE_MS: u64 = 10_000;

/// One account at its CRM.
struct Crm {
    windows: Vec<Window>,
    /// When, how much, and whether it was ours.
    requests: Vec<(u64, u32, bool)>,
}

impl Crm {
    fn used(&self, window: &Window, at: u64, ours_alone: bool) -> u32 {
        let per = u64::try_from(window.name.per.as_millis()).unwrap();
        let counted = self.requests.iter().filter(|it| it.0 <= at && at < it.0 + per && (it.2 || !ours_alone));
        counted.map(|it| it.1).sum()
    }

    /// A request lands: 429 for the first window that is full, else what is left of each.
    fn land(&mut self, at: u64, units: u32, ours: bool) -> Usage {
        let full = self.windows.iter().find(|it| it.cap < self.used(it, at, false) + units).copied();
        if full.is_none() {
            self.requests.push((at, units, ours));
        }
        let left = |it: &Window| it.cap.saturating_sub(self.used(it, at, false));
        let windows = self.windows.iter().map(|it| word(it, left(it))).collect();
        let limited = full.map(|it| limited(&it, None));
        Usage { spent: full.map(|_| Cost::default()), windows, limited }
    }
}

/// A call on its way: who sent it, when it lands and when its answer is heard.
struct Flight {
    ticket: Ticket,
    lands: u64,
    heard: u64,
    usage: Option<Usage>,
    life: u32,
}

#[derive(Clone, Debug)]
struct Plan {
    caps: Vec<(u32, u64)>,
    latency_ms: u64,
    others: u32,
    crash: u32,
    commit: u32,
    jump_ms: i64,
    cost: u32,
    steps: Vec<(u16, u8)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let cap = (1_u32..30, prop::sample::select(vec![1_000_u64, 3_000, 10_000]));
    let caps = prop::collection::vec(cap, 1..3).prop_map(|mut caps| {
        caps.dedup_by_key(|it| it.1);
        caps
    });
    let rates =
        (prop::sample::select(vec![0_u32, 0, 10, 60]), prop::sample::select(vec![0_u32, 0, 4, 20]), 10_u32..200);
    let jump = prop::sample::select(vec![0_i64, 0, -30_000, 30_000]);
    let steps = prop::collection::vec((1_u16..400, any::<u8>()), 50..400);
    (caps, 1_u64..2_000, rates, jump, 1_u32..3, steps).prop_map(|(caps, latency_ms, rates, jump_ms, cost, steps)| {
        Plan { caps, latency_ms, others: rates.0, crash: rates.1, commit: rates.2, jump_ms, cost, steps }
    })
}

/// One owner after the other calls whenever it may; `Err`: what was over, and when.
fn play(plan: &Plan, bug: Option<Bug>) -> Result<u32, String> {
    let windows: Vec<Window> =
        plan.caps.iter().map(|(cap, per)| Window::rolling(*cap, Duration::from_millis(*per))).collect();
    let connection = connection(&windows, plan.cost);
    let mut crm = Crm { windows, requests: Vec::new() };
    let mut world = World { now: BEGIN, clock: 0, life: 0, flights: Vec::new(), committed: None, sealed: None };
    let mut owner = account(&connection, Millis(BEGIN), bug);
    let mut served = 0;
    for (wait, dice) in &plan.steps {
        world.now += u64::from(*wait);
        world.land(&mut crm, plan.cost)?;
        let now = world.clock();
        world.hear(&mut owner, now, bug);
        let dice = u32::from(*dice);
        if dice < plan.others {
            let _refused_or_not = crm.land(world.now, 1, false);
        }
        if 255 - plan.crash < dice {
            world.crash(plan.jump_ms);
            owner = world.begin(&connection, bug);
            continue;
        }
        if dice % 7 == 0 || dice < plan.commit {
            world.commit(&mut owner, now);
        }
        let cost = Cost { calls: plan.cost, searches: 0, credits: 0 };
        while owner.room(now, cost) == Room::Yes {
            let ticket = owner.take(now, cost);
            let lands = world.now + u64::from(*wait) % plan.latency_ms;
            let heard = lands + plan.latency_ms;
            world.flights.push(Flight { ticket, lands, heard, usage: None, life: world.life });
            served += 1;
        }
    }
    Ok(served)
}

struct World {
    now: u64,
    /// What the clock of the present owner is ahead.
    clock: i64,
    life: u32,
    flights: Vec<Flight>,
    committed: Option<crate::model::ConnectionMark>,
    sealed: Option<Option<crate::model::ConnectionMark>>,
}

impl World {
    fn clock(&self) -> Millis {
        Millis(self.now.checked_add_signed(self.clock).unwrap())
    }

    /// What of the calls has reached the CRM by now, those of dead owners too.
    fn land(&mut self, crm: &mut Crm, cost: u32) -> Result<(), String> {
        self.flights.sort_by_key(|it| it.lands);
        for flight in self.flights.iter_mut().filter(|it| it.usage.is_none() && it.lands <= self.now) {
            let at = flight.lands;
            for window in crm.windows.clone() {
                let used = crm.used(&window, at, true) + cost.min(window.cap);
                if window.cap < used {
                    return Err(format!("{used} of {} in {:?} at {}", window.cap, window.name.per, at - BEGIN));
                }
            }
            flight.usage = Some(crm.land(at, cost, true));
        }
        Ok(())
    }

    fn hear(&mut self, owner: &mut Account, now: Millis, bug: Option<Bug>) {
        let (over, out) = std::mem::take(&mut self.flights).into_iter().partition(|it| it.heard <= self.now);
        self.flights = out;
        let over: Vec<Flight> = over;
        for flight in over.into_iter().filter(|it| it.life == self.life) {
            owner.ended(now, (flight.ticket, &flight.usage.unwrap_or_default()), bug, |_| {});
        }
    }

    /// The commit before is done, the next one is sealed.
    fn commit(&mut self, owner: &mut Account, now: Millis) {
        if let Some(sealed) = self.sealed.take() {
            self.committed = sealed;
            owner.committed();
        }
        self.sealed = Some(owner.seal(now));
    }

    /// What had been sent still lands, within its deadline; nobody hears the answers.
    fn crash(&mut self, jump_ms: i64) {
        self.life += 1;
        self.clock = if self.clock == 0 { jump_ms } else { 0 };
        self.sealed = None;
        for flight in &mut self.flights {
            flight.lands = flight.lands.max(self.now + 1 + flight.lands % 5_000).min(flight.lands + DEADLINE_MS / 2);
            flight.heard = u64::MAX;
        }
    }

    fn begin(&self, connection: &Connection, bug: Option<Bug>) -> Account {
        let mut owner = self.committed.clone().map(Account::restored).unwrap_or_default();
        owner.fit(connection, self.clock(), &assigned(self.clock(), bug));
        owner
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_window_is_ever_over(plan in plan()) {
        let played = play(&plan, None);
        prop_assert!(played.is_ok(), "{:?}", played);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// A steady stream of more than the limit: what is not used is a slot and the latency of each window.
    #[test]
    fn hardly_anything_of_a_window_goes_unused(
        cap in 1_u32..200,
        per in prop::sample::select(vec![1_000_u64, 5_000, 10_000]),
        latency in 1_u64..400,
    ) {
        let connection = connection(&[Window::rolling(cap, Duration::from_millis(per))], 1);
        let mut owner = account(&connection, Millis(BEGIN - 600_000), None);
        let (mut out, mut served): (VecDeque<(u64, Ticket)>, u64) = (VecDeque::new(), 0);
        let windows = 5;
        let cost = Cost { calls: 1, searches: 0, credits: 0 };
        for now in BEGIN..BEGIN + windows * per {
            let at = Millis(now);
            while out.front().is_some_and(|it| it.0 <= now) {
                let (_, ticket) = out.pop_front().unwrap();
                owner.ended(at, (ticket, &Usage::default()), None, |_| {});
            }
            loop {
                match owner.room(at, cost) {
                    Room::Yes => {
                        out.push_back((now + latency, owner.take(at, cost)));
                        served += 1;
                    }
                    Room::Commit => {
                        let _shown = owner.seal(at);
                        owner.committed();
                    }
                    Room::At(later) => {
                        prop_assert!(at < later);
                        break;
                    }
                }
            }
        }
        // The first window is used at once; each further cycle lasts a window, a slot and the latency.
        let cycle = per + per.div_ceil(128) + latency + 1;
        let cycles = (windows * per) / cycle;
        prop_assert!(u64::from(cap) * cycles <= served, "{served} of {}", u64::from(cap) * windows);
    }
}

#[test]
fn the_oracle_catches_each_way_to_be_over() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    for bug in [Bug::ReturnsTokensFromTheStart, Bug::ForgetsCallsOut, Bug::StartsUnseen] {
        let mut runner = TestRunner::deterministic();
        let caught = (0..400).any(|_| play(&plan().new_tree(&mut runner).unwrap().current(), Some(bug)).is_err());
        assert!(caught, "{bug:?}");
    }
}

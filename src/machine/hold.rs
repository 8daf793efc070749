//! Which connections are not called for now, and when they will be again: holds and pauses (core rules §6).
//! Not here: what becomes of the deliveries of a held connection (`held`).
//!
//! A hold for an outage or for credentials ends by a probe that is answered, one for a quota at its reset, one because
//! the connection is not configured when it is again. A pause ends when a person says so, or at the time they named.

use crate::machine::Bug;
use crate::model::{
    CallId, Connection, ConnectionId, Fault, Hold, HoldCause, Millis, Pause, Reason, Scope, StateKey, StateValue,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Between an outage's beginning and its first probe …
const OUTAGE_FIRST: Duration = Duration::from_secs(5);
/// … each that fails makes the next wait a quarter longer: at worst it is noticed that an outage is over when a quarter
/// of its length has passed again …
const OUTAGE_GROWTH: f64 = 1.25;
/// … and this is the longest.
const OUTAGE_MAX: Duration = Duration::from_secs(300);
/// Probes after which the wait is the longest for sure; a power of more would overflow.
const OUTAGE_STEPS: u32 = 64;
/// How long credentials are given before they are asked for and tried again; the last for all that follow.
const CREDENTIALS_WAITS: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(120), Duration::from_secs(300), Duration::from_secs(900)];
/// A quota whose reset nobody told.
const QUOTA_UNTOLD: Duration = Duration::from_secs(900);
const NEVER: Millis = Millis(u64::MAX);
/// No CRM can hold a tenant for longer by one answer.
const WAIT_MAX: Duration = Duration::from_secs(25 * 3600);

/// Whether a connection may be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    /// One delivery may go, to find out.
    Probe,
    Shut,
}

/// What a call's end says of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered as a CRM does.
    Well,
    /// It did not, or only with passing faults.
    Failed(Fault),
    /// The account as a whole was refused.
    Account(Fault),
    /// Only the rate was too high: whoever counts our calls is there.
    Limited,
    /// It was not sent.
    Unsent,
}

/// What of a connection changed, for the changelog and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Held(ConnectionId, Hold),
    /// A probe has failed: the next one is later.
    StillHeld(ConnectionId, Hold),
    Freed(ConnectionId, HoldCause),
    Paused(Scope, Pause),
    Resumed(Scope),
}

impl Change {
    /// What the commit carries of it.
    pub(super) fn put(&self) -> (StateKey, Option<StateValue>) {
        match self {
            Self::Held(id, hold) | Self::StillHeld(id, hold) => {
                (StateKey::Hold(id.clone()), Some(StateValue::Hold(hold.clone())))
            }
            Self::Freed(id, _) => (StateKey::Hold(id.clone()), None),
            Self::Paused(scope, pause) => (StateKey::Pause(scope.clone()), Some(StateValue::Pause(pause.clone()))),
            Self::Resumed(scope) => (StateKey::Pause(scope.clone()), None),
        }
    }
}

/// The holds and pauses of one shard.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Failed calls in a row that begin a hold; none: never.
    after: Option<u32>,
    holds: BTreeMap<ConnectionId, Hold>,
    pauses: BTreeMap<Scope, Pause>,
    /// Failed calls in a row, where there are any. Not kept over a restart.
    failures: BTreeMap<ConnectionId, u32>,
    /// Probes that are out.
    probes: BTreeMap<ConnectionId, CallId>,
    /// Connections that are shut and may still have deliveries in memory.
    pub(super) crowded: BTreeSet<ConnectionId>,
    /// Nothing ends and no probe is due before, so that no turn walks ten thousand holds.
    soonest: Millis,
    bug: Option<Bug>,
}

impl Holds {
    /// As the changelog says. New credentials may be why somebody restarted: they are tried at once.
    pub(super) fn new(
        (after, bug): (Option<u32>, Option<Bug>),
        mut holds: BTreeMap<ConnectionId, Hold>,
        mut pauses: BTreeMap<Scope, Pause>,
    ) -> Self {
        if bug == Some(Bug::ForgetsHolds) {
            holds.clear();
            pauses.clear();
        }
        for hold in holds.values_mut().filter(|it| it.cause == HoldCause::Credentials) {
            hold.next = Millis(0);
        }
        let mut restored = Self { after, bug, holds, pauses, ..Self::default() };
        restored.soonest = restored.next_moment(|_| true);
        restored
    }

    pub(super) fn standing(&self, connection: &Connection, now: Millis) -> Standing {
        if self.holds.is_empty() && self.pauses.is_empty() {
            return Standing::Open;
        }
        if self.pause_of(connection, now).is_some() && self.bug != Some(Bug::CallsThePaused) {
            return Standing::Shut;
        }
        let Some(hold) = self.holds.get(&connection.id) else { return Standing::Open };
        let due = hold.next <= now && !self.probes.contains_key(&connection.id);
        match hold.cause {
            HoldCause::Outage | HoldCause::Credentials if due => Standing::Probe,
            HoldCause::Quota if hold.next <= now => Standing::Open,
            HoldCause::Outage | HoldCause::Credentials | HoldCause::Quota | HoldCause::Unconfigured => Standing::Shut,
        }
    }

    pub(super) fn pause_of(&self, connection: &Connection, now: Millis) -> Option<&Pause> {
        let id = &connection.id;
        let scopes =
            [Scope::All, Scope::Crm(connection.crm), Scope::Tenant(id.tenant.clone()), Scope::Connection(id.clone())];
        scopes.iter().filter_map(|it| self.pauses.get(it)).find(|it| it.until.is_none_or(|until| now < until))
    }

    pub(super) fn holds(&self) -> &BTreeMap<ConnectionId, Hold> {
        &self.holds
    }

    pub(super) fn pauses(&self) -> &BTreeMap<Scope, Pause> {
        &self.pauses
    }

    pub(super) fn probe_started(&mut self, id: &ConnectionId, call: CallId) {
        self.probes.insert(id.clone(), call);
    }

    /// What follows from the end of a call of this connection.
    pub(super) fn call_ended(
        &mut self,
        id: &ConnectionId,
        call: CallId,
        (now, sign): (Millis, Sign),
    ) -> Option<Change> {
        let probe = self.probes.get(id) == Some(&call);
        if probe {
            self.probes.remove(id);
        }
        match self.holds.get(id).cloned() {
            Some(hold) if probe && hold.cause != HoldCause::Unconfigured => self.probed(id, hold, (now, sign)),
            // Sent before the hold began: only a probe ends it.
            Some(_) => None,
            None => self.called(id, now, sign),
        }
    }

    fn called(&mut self, id: &ConnectionId, now: Millis, sign: Sign) -> Option<Change> {
        match sign {
            Sign::Limited | Sign::Unsent => None,
            Sign::Well => {
                self.failures.remove(id);
                None
            }
            Sign::Failed(fault) => {
                let failures = self.failures.entry(id.clone()).or_default();
                *failures = failures.saturating_add(1);
                let over = self.after.is_some_and(|after| after <= *failures);
                over.then(|| self.hold(id, begun(HoldCause::Outage, now, &fault)))
            }
            Sign::Account(fault) => Some(self.hold(id, of_account(now, &fault))),
        }
    }

    fn probed(&mut self, id: &ConnectionId, hold: Hold, (now, sign): (Millis, Sign)) -> Option<Change> {
        match (sign, hold.cause) {
            (Sign::Well, _) | (Sign::Limited, HoldCause::Outage) => {
                self.holds.remove(id);
                self.failures.remove(id);
                Some(Change::Freed(id.clone(), hold.cause))
            }
            (Sign::Unsent, _) => None,
            (Sign::Account(fault), _) => {
                let new = of_account(now, &fault);
                let same = new.cause == hold.cause;
                Some(if same { self.hold_on(id, hold, now, Some(&fault)) } else { self.hold(id, new) })
            }
            (Sign::Failed(fault), _) => Some(self.hold_on(id, hold, now, Some(&fault))),
            (Sign::Limited, HoldCause::Credentials | HoldCause::Quota | HoldCause::Unconfigured) => {
                Some(self.hold_on(id, hold, now, None))
            }
        }
    }

    fn hold(&mut self, id: &ConnectionId, hold: Hold) -> Change {
        self.failures.remove(id);
        self.crowded.insert(id.clone());
        if hold.cause != HoldCause::Unconfigured {
            self.soonest = self.soonest.min(hold.next);
        }
        self.holds.insert(id.clone(), hold.clone());
        Change::Held(id.clone(), hold)
    }

    /// A probe has failed.
    fn hold_on(&mut self, id: &ConnectionId, mut hold: Hold, now: Millis, fault: Option<&Fault>) -> Change {
        hold.failures = hold.failures.saturating_add(1);
        hold.next = now.after(wait(hold.cause, hold.failures, fault));
        self.crowded.insert(id.clone());
        self.soonest = self.soonest.min(hold.next);
        self.holds.insert(id.clone(), hold.clone());
        Change::StillHeld(id.clone(), hold)
    }

    /// A person's pause. One whose end has passed says nothing.
    pub(super) fn pause(&mut self, now: Millis, scope: &Scope, pause: &Pause) -> Option<Change> {
        let over = pause.until.is_some_and(|it| it <= now);
        if over || self.pauses.get(scope) == Some(pause) {
            return None;
        }
        self.soonest = self.soonest.min(pause.until.unwrap_or(NEVER));
        self.pauses.insert(scope.clone(), pause.clone());
        Some(Change::Paused(scope.clone(), pause.clone()))
    }

    /// A person resumes: a pause of just this scope ends, and what the machine holds within it is tried at once.
    pub(super) fn resume(&mut self, now: Millis, scope: &Scope) -> Option<Change> {
        for (id, hold) in &mut self.holds {
            // Which CRM a held connection is of is not known here; to try one too many is harmless.
            let within = match scope {
                Scope::All | Scope::Crm(_) => true,
                Scope::Tenant(tenant) => id.tenant == *tenant,
                Scope::Connection(connection) => id == connection,
            };
            if within {
                hold.next = hold.next.min(now);
                self.soonest = self.soonest.min(now);
            }
        }
        self.pauses.remove(scope).map(|_| Change::Resumed(scope.clone()))
    }

    /// The connection's credentials or its address are others than before: they are tried at once. A quota is used up
    /// all the same.
    pub(super) fn try_access(&mut self, id: &ConnectionId, now: Millis) {
        let helps = |cause: HoldCause| match cause {
            HoldCause::Credentials | HoldCause::Outage => true,
            HoldCause::Quota | HoldCause::Unconfigured => false,
        };
        if let Some(hold) = self.holds.get_mut(id).filter(|it| helps(it.cause)) {
            hold.next = hold.next.min(now);
            self.soonest = self.soonest.min(now);
        }
    }

    /// The connection is in the configuration, or has vanished from it while something of it waits.
    pub(super) fn configured(&mut self, id: &ConnectionId, is_configured: bool, now: Millis) -> Option<Change> {
        let vanished = self.holds.get(id).is_some_and(|it| it.cause == HoldCause::Unconfigured);
        match (is_configured, vanished) {
            (true, true) => {
                self.holds.remove(id);
                Some(Change::Freed(id.clone(), HoldCause::Unconfigured))
            }
            (false, false) => {
                let cause = HoldCause::Unconfigured;
                let hold = Hold { cause, since: now, next: now, failures: 0, reason: None, status: None };
                Some(self.hold(id, hold))
            }
            (true, false) | (false, true) => None,
        }
    }

    /// Whether something may have ended, or a probe be due.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        self.soonest <= now
    }

    /// What has ended because its time has come: pauses, and holds for a quota. From then on nothing is due before the
    /// next of these moments.
    pub(super) fn ended(&mut self, now: Millis) -> Vec<Change> {
        let over = |pause: &Pause| pause.until.is_some_and(|it| it <= now);
        let pauses = self.pauses.extract_if(.., |_, it| over(it)).map(|(scope, _)| Change::Resumed(scope));
        let mut ended: Vec<Change> = pauses.collect();
        let quotas = self.holds.extract_if(.., |_, it| it.cause == HoldCause::Quota && it.next <= now);
        ended.extend(quotas.map(|(id, hold)| Change::Freed(id, hold.cause)));
        self.soonest = self.next_moment(|it| now < it);
        ended
    }

    fn next_moment(&self, counts: impl Fn(Millis) -> bool) -> Millis {
        let ends = self.pauses.values().filter_map(|it| it.until);
        let timed = self.holds.values().filter(|it| it.cause != HoldCause::Unconfigured).map(|it| it.next);
        ends.chain(timed).filter(|it| counts(*it)).min().unwrap_or(NEVER)
    }

    /// When something ends or a probe is due, after `now`.
    pub(super) fn wake(&self, now: Millis) -> Option<Millis> {
        let next = if now < self.soonest { self.soonest } else { self.next_moment(|it| now < it) };
        (next < NEVER).then_some(next)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holds.is_empty() && self.pauses.is_empty() && self.crowded.is_empty()
    }
}

/// The hold that an account-wide refusal makes.
fn of_account(now: Millis, fault: &Fault) -> Hold {
    let cause = match fault.reason {
        Reason::Unauthorized | Reason::Forbidden => HoldCause::Credentials,
        Reason::RateLimited => HoldCause::Quota,
        Reason::InvalidJob
        | Reason::UnknownTenant
        | Reason::NoRoute
        | Reason::MappingFailed
        | Reason::BadRequest
        | Reason::NotFound
        | Reason::Conflict
        | Reason::Unprocessable
        | Reason::OtherClientError
        | Reason::AmbiguousRecord
        | Reason::Unavailable
        | Reason::ServerError
        | Reason::Timeout
        | Reason::Network
        | Reason::MalformedResponse
        | Reason::OutcomeUnknown
        | Reason::Expired => HoldCause::Outage,
    };
    begun(cause, now, fault)
}

fn begun(cause: HoldCause, now: Millis, fault: &Fault) -> Hold {
    let next = now.after(wait(cause, 0, Some(fault)));
    Hold { cause, since: now, next, failures: 0, reason: Some(fault.reason), status: fault.status }
}

/// How long until the next automatic action, after so many probes that failed.
fn wait(cause: HoldCause, failures: u32, fault: Option<&Fault>) -> Duration {
    let asked = fault.and_then(|it| it.retry_after);
    let own = match cause {
        HoldCause::Outage => {
            let steps = i32::try_from(failures.min(OUTAGE_STEPS)).unwrap_or_default();
            OUTAGE_FIRST.mul_f64(OUTAGE_GROWTH.powi(steps)).min(OUTAGE_MAX)
        }
        HoldCause::Credentials => {
            let place = usize::try_from(failures).unwrap_or(usize::MAX);
            CREDENTIALS_WAITS.get(place).or(CREDENTIALS_WAITS.last()).copied().unwrap_or_default()
        }
        HoldCause::Quota => asked.unwrap_or(QUOTA_UNTOLD),
        HoldCause::Unconfigured => Duration::ZERO,
    };
    own.max(asked.unwrap_or_default()).min(WAIT_MAX)
}

#[cfg(test)]
#[path = "hold/tests.rs"]
mod tests;

//! Promise 2 where the CRM has no unique key (core rules §7): a record is created only after a commit says so, and looked
//! for before it is created again.
//! Not here: how a search is made (the connectors); what a key is (`model`).
//!
//! Of each such record the changelog keeps a mark: its id, or that a call may have created it. The mark of what is in
//! memory travels with each delivery; deliveries of one record are called one after the other, so none is ever stale.

use crate::machine::moment::Moment;
use crate::machine::{Bug, Delivery, Machine, Target, Wants};
use crate::model::{
    Because, Change, Connection, ConnectionId, Fault, Finding, Intent, Key, Millis, Operation, Reason, RecordHash,
    RefMark, Reply, Seq, StateKey, StateValue,
};
use std::time::Duration;

/// How long a planned call may take to start: two slow commits and a full line of others before it.
const START_WITHIN: Duration = Duration::from_secs(20);
/// From then on a search finds what was written (HubSpot, Zoho, Pipedrive and Salesforce all index within seconds).
const SEARCH_LAG: Duration = Duration::from_secs(30);
/// The clocks of two owners differ by no more.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

/// What a delivery knows of its record, where the CRM has no unique key for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    mark: Option<RefMark>,
    /// Decided once it is first of its record.
    finding: Option<Finding>,
    planned: Option<Planned>,
}

/// A call that may create the record, announced in the changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    landed_by: Millis,
    /// The announcement is committed.
    shown: bool,
    /// The mark from before, in case that it comes to nothing.
    before: Option<RefMark>,
}

impl Delivery {
    /// How the call finds the record.
    pub(super) fn finding(&self) -> Finding {
        self.way.as_ref().and_then(|it| it.finding.clone()).unwrap_or(Finding::ByKey)
    }

    /// Whether the two find their records alike and are announced alike.
    pub(super) fn goes_like(&self, other: &Self) -> bool {
        self.finding().is_like(&other.finding()) && self.is_announced() == other.is_announced()
    }

    /// Whether it is still to be decided how its record is found.
    pub(super) fn is_unfound(&self) -> bool {
        self.way.as_ref().is_some_and(|it| it.finding.is_none())
    }

    fn is_announced(&self) -> bool {
        self.way.as_ref().and_then(|it| it.planned.as_ref()).is_some_and(|it| it.shown)
    }

    fn record_key(&self) -> Key {
        self.target.connection.keys.key(&self.job.change.object)
    }

    fn planned(&mut self) -> Option<&mut Planned> {
        self.way.as_mut()?.planned.as_mut()
    }

    /// Whether its call may create the record.
    fn may_create(&self) -> bool {
        let creates = match self.finding() {
            Finding::New | Finding::Search => true,
            Finding::ByKey | Finding::ById(_) => false,
        };
        creates && self.job.change.operation == Operation::Upsert
    }
}

/// Where the mark of a record lies; none where the CRM has a unique key.
fn ref_key(connection: &Connection, change: &Change) -> Option<StateKey> {
    match connection.keys.key(&change.object) {
        Key::Unique => None,
        Key::Searched | Key::None => {
            Some(StateKey::Ref(connection.id.clone(), change.object.clone(), change.external_id.clone()))
        }
    }
}

fn key_of(delivery: &Delivery) -> Option<StateKey> {
    ref_key(&delivery.target.connection, &delivery.job.change)
}

impl Machine {
    pub(super) fn want_ref(target: &Target, change: &Change, wants: &mut Wants) {
        wants.refs.extend(ref_key(&target.connection, change));
    }

    /// Notes what is known of the record. None: the answer to a call of this delivery was lost, and that is dealt with.
    pub(super) fn know_record(&mut self, at: &mut Moment<'_>, mut delivery: Box<Delivery>) -> Option<Box<Delivery>> {
        let Some(key) = key_of(&delivery) else { return Some(delivery) };
        let mark = match self.overlay(&key) {
            Some(Some(StateValue::Ref(mark))) => Some(mark.clone()),
            Some(_) => None,
            None => at.seen.refs.get(&key).cloned(),
        };
        let own = Some((delivery.seq, delivery.attempt));
        match mark {
            Some(RefMark::Intended(intent)) if intent.of == own => {
                self.count_lost(at, delivery, intent);
                None
            }
            mark => {
                let mark = mark.filter(|_| !self.bug(Bug::ForgetsIds));
                delivery.way = Some(Box::new(Way { mark, ..Way::default() }));
                Some(delivery)
            }
        }
    }

    /// A process announced a call and ended: that counts as an attempt whose outcome nobody knows.
    fn count_lost(&mut self, at: &mut Moment<'_>, delivery: Box<Delivery>, intent: Intent) {
        let fault = Fault {
            reason: Reason::OutcomeUnknown,
            status: None,
            code: None,
            message: "the process that made this call ended before it heard the answer".to_owned(),
            retry_after: Some(self.found_from(intent.landed_by).since(at.now)),
        };
        let doubt = RefMark::Intended(Intent { of: None, ..intent });
        self.in_doubt(at, delivery, (fault, Duration::ZERO, doubt));
    }

    /// Whether a call created the record is not known: a later search tells, or nobody can.
    fn in_doubt(
        &mut self,
        at: &mut Moment<'_>,
        delivery: Box<Delivery>,
        (fault, took, doubt): (Fault, Duration, RefMark),
    ) {
        match delivery.record_key() {
            Key::Unique | Key::Searched => {
                self.put_mark(&delivery, Some(doubt));
                self.fail(at, delivery, (fault, took));
            }
            // Whoever replays the dead letter has looked: it is created then.
            Key::None => {
                self.put_mark(&delivery, None);
                let message = format!("{}; the record cannot be searched for: look whether it is there", fault.message);
                let fault = Fault { reason: Reason::OutcomeUnknown, message, ..fault };
                self.die(at, delivery, (fault, took, false));
            }
        }
    }

    /// Decides for each callable delivery of the line how its record is found. Those that must wait for the search to be
    /// up to date leave memory.
    pub(super) fn find_records(&mut self, at: &mut Moment<'_>, id: &ConnectionId) {
        let Some(line) = self.lines.get(id) else { return };
        let open: Vec<Seq> = line.unfound.intersection(&line.callable).copied().collect();
        for seq in open {
            let Some(mut delivery) = self.lines.line(id).ready.remove(&seq) else { continue };
            let found = self.find(at.now, &delivery);
            if let (Ok(finding), Some(way)) = (&found, &mut delivery.way) {
                way.finding = Some(finding.clone());
            }
            let line = self.lines.line(id);
            line.unfound.remove(&seq);
            line.ready.insert(seq, delivery);
            if let Err(due) = found
                && let Some(delivery) = self.take_from_memory(id, seq)
            {
                self.release(at, delivery, Because::Retry, due);
            }
        }
    }

    /// `Err`: a search is up to date from then on.
    fn find(&self, now: Millis, delivery: &Delivery) -> Result<Finding, Millis> {
        let searched = delivery.record_key() == Key::Searched;
        let archive = delivery.job.change.operation == Operation::Archive;
        match delivery.way.as_ref().and_then(|it| it.mark.as_ref()) {
            Some(RefMark::Known(id)) => Ok(Finding::ById(id.clone())),
            // What somebody else wrote under our external ID is not ours to double, but it is to archive.
            None if archive && searched => Ok(Finding::Search),
            None => Ok(Finding::New),
            Some(RefMark::Intended(_)) if !searched => Ok(Finding::New),
            Some(RefMark::Intended(intent)) => {
                let from = self.found_from(intent.landed_by);
                if now < from && !self.bug(Bug::SearchesTooEarly) { Err(from) } else { Ok(Finding::Search) }
            }
        }
    }

    /// From when on a search finds what a call wrote that had landed by then, by the clock of whoever made it: it may be
    /// an earlier owner's, whose calls have all landed one deadline after our assignment.
    fn found_from(&self, landed_by: Millis) -> Millis {
        let ours = self.assigned_at.after(self.settings.call_deadline);
        let long_ago = landed_by.after(CLOCKS_DIFFER) < self.assigned_at;
        let landed_by = if long_ago { landed_by } else { landed_by.max(ours) };
        landed_by.after(SEARCH_LAG)
    }

    /// Whether all calls that may create a record are announced; those that are not are from now on.
    pub(super) fn announce(&mut self, now: Millis, id: &ConnectionId, members: &[Seq]) -> bool {
        if self.bug(Bug::CreatesUnannounced) {
            return true;
        }
        let deadline = self.settings.call_deadline;
        let mut announced = true;
        for seq in members {
            let Some(delivery) = self.lines.line(id).ready.get_mut(seq) else { continue };
            if !delivery.may_create() {
                continue;
            }
            let in_time = |it: &&mut Planned| now.after(deadline) < it.landed_by;
            if let Some(planned) = delivery.planned().filter(in_time) {
                announced &= planned.shown;
                continue;
            }
            announced = false;
            self.plan(now, (id, *seq));
        }
        announced
    }

    fn plan(&mut self, now: Millis, (id, seq): (&ConnectionId, Seq)) {
        let landed_by = now.after(START_WITHIN).after(self.settings.call_deadline);
        let Some(delivery) = self.lines.line(id).ready.get_mut(&seq) else { return };
        let Some(key) = key_of(delivery) else { return };
        let of = Some((seq, delivery.attempt));
        let Some(way) = &mut delivery.way else { return };
        let before = way.planned.take().map_or_else(|| way.mark.clone(), |it| it.before);
        way.planned = Some(Planned { landed_by, shown: false, before });
        let mark = RefMark::Intended(Intent { of, landed_by });
        self.building.puts.insert(key, Some(StateValue::Ref(mark)));
    }

    /// The moment until which all of these may be sent, as announced.
    pub(super) fn sent_until(&self, members: &[Box<Delivery>]) -> Option<Millis> {
        let planned = members.iter().filter_map(|it| it.way.as_ref()?.planned.as_ref());
        planned.map(|it| it.landed_by.before(self.settings.call_deadline)).min()
    }

    /// A commit has shown these announcements.
    pub(super) fn announcements_committed<'a>(
        &mut self,
        puts: impl Iterator<Item = (&'a StateKey, &'a Option<StateValue>)>,
    ) {
        for (key, value) in puts {
            if let StateKey::Ref(id, _, _) = key
                && let Some(StateValue::Ref(RefMark::Intended(intent))) = value
                && let Some((seq, _)) = intent.of
                && let Some(delivery) = self.lines.line(id).ready.get_mut(&seq)
                && let Some(planned) = delivery.planned().filter(|it| it.landed_by == intent.landed_by)
            {
                planned.shown = true;
            }
        }
    }

    /// It was not called, or surely created nothing: its announcement comes to nothing.
    pub(super) fn take_back(&mut self, delivery: &mut Delivery) {
        let Some(way) = &mut delivery.way else { return };
        let Some(planned) = way.planned.take() else { return };
        way.mark.clone_from(&planned.before);
        way.finding = None;
        self.put_mark(delivery, planned.before);
    }

    /// What an answer says of the record's id. The reply that is left to deal with, or none.
    pub(super) fn learn(
        &mut self,
        at: &mut Moment<'_>,
        mut member: Box<Delivery>,
        (reply, took): (Reply, Duration),
    ) -> Option<(Box<Delivery>, Reply)> {
        if member.way.is_none() {
            return Some((member, reply));
        }
        match reply {
            Reply::Applied { ref record_id, .. } => {
                let known = (member.job.change.operation == Operation::Upsert).then(|| record_id.as_str().into());
                self.put_mark(&member, known.map(RefMark::Known));
                Some((member, reply))
            }
            Reply::Gone(fault) => {
                let doubt = (member.record_key() == Key::Searched).then(|| doubt(at.now));
                self.put_mark(&member, doubt);
                Some((member, Reply::Gone(fault)))
            }
            Reply::Transient(fault) if leaves_doubt(fault.reason) && member.planned().is_some() => {
                let retry_after = Some(fault.retry_after.unwrap_or_default().max(SEARCH_LAG));
                self.in_doubt(at, member, (Fault { retry_after, ..fault }, took, doubt(at.now)));
                None
            }
            Reply::Transient(_) | Reply::Permanent(_) | Reply::Account(_) => {
                self.take_back(&mut member);
                Some((member, reply))
            }
        }
    }

    /// The mark of its record from now on, for the changelog and for what is in memory of the record.
    fn put_mark(&mut self, delivery: &Delivery, mark: Option<RefMark>) {
        let Some(key) = key_of(delivery) else { return };
        let (record, id): (RecordHash, _) = (delivery.target.record, &delivery.target.connection.id);
        for seq in self.order.ready(record) {
            let line = self.lines.line(id);
            if let Some(way) = line.ready.get_mut(&seq).and_then(|it| it.way.as_mut()) {
                **way = Way { mark: mark.clone(), ..Way::default() };
                line.unfound.insert(seq);
            }
        }
        self.building.puts.insert(key, mark.map(StateValue::Ref));
    }
}

/// Nobody waits for an answer any more; what was written has landed.
fn doubt(now: Millis) -> RefMark {
    RefMark::Intended(Intent { of: None, landed_by: now })
}

/// Whether a call that failed in this way may have done its work all the same.
fn leaves_doubt(reason: Reason) -> bool {
    match reason {
        Reason::Unavailable
        | Reason::ServerError
        | Reason::Timeout
        | Reason::Network
        | Reason::MalformedResponse
        | Reason::OutcomeUnknown => true,
        Reason::InvalidJob
        | Reason::UnknownTenant
        | Reason::NoRoute
        | Reason::MappingFailed
        | Reason::BadRequest
        | Reason::Unauthorized
        | Reason::Forbidden
        | Reason::NotFound
        | Reason::Conflict
        | Reason::Unprocessable
        | Reason::OtherClientError
        | Reason::AmbiguousRecord
        | Reason::RateLimited
        | Reason::Expired => false,
    }
}

#[cfg(test)]
mod tests;

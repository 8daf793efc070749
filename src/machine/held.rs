//! What becomes of the deliveries of a connection that is held or paused: they wait in delay topics, none in memory, and
//! one at a time is a probe.
//! Not here: when a hold begins and ends (`hold`), when a call is tried again (`retry`).

use crate::machine::batch::{self, Batch};
use crate::machine::fair::Line;
use crate::machine::finish::tried;
use crate::machine::hold::{Change, Sign, Standing};
use crate::machine::moment::Moment;
use crate::machine::{Bug, Delivery, Machine, Note, Out, Seen};
use crate::model::{
    Answer, Because, CallId, Command, Connection, ConnectionId, Fault, Hold, Millis, Offset, Pause, Reason, Reply,
    Scope, Topic,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Machine {
    /// Whether new jobs of the connection go to a delay topic.
    pub(super) fn is_held(&self, connection: &Connection, now: Millis) -> bool {
        self.holds.standing(connection, now) != Standing::Open
    }

    /// Whether a person has paused it.
    pub fn is_paused(&self, connection: &Connection, now: Millis) -> bool {
        self.holds.pause_of(connection, now).is_some()
    }

    /// Whether heads of the connection may be loaded: it can be called, or is to be probed.
    pub fn may_load(&self, connection: &Connection, now: Millis) -> bool {
        self.holds.standing(connection, now) != Standing::Shut
    }

    /// What may be called of the connection now: a batch, one delivery to probe it with, or nothing.
    pub(super) fn batch_as_it_stands(&mut self, id: &ConnectionId, now: Millis) -> Batch {
        let nothing = || Batch { members: Vec::new(), full: false };
        let Some(connection) = self.connection_in_memory(id) else { return nothing() };
        match self.holds.standing(&connection, now) {
            Standing::Open => self.batch_of(id),
            Standing::Shut => nothing(),
            Standing::Probe if self.bug(Bug::ProbesWithAll) => self.batch_of(id),
            Standing::Probe => self.probe_of(id).unwrap_or_else(nothing),
        }
    }

    /// None while calls of before the hold are out: their end brings the turn back.
    fn probe_of(&mut self, id: &ConnectionId) -> Option<Batch> {
        let end = self.settled.here(Topic::Jobs);
        let line = self.lines.get(id).filter(|it| it.calls == 0)?;
        let busy = |it: &Delivery| self.dedupe.is_in_flight(it.target.dedupe);
        let mut batch = batch::least_tried(&line.callable, &line.ready, end, busy);
        if self.bug(Bug::ProbesTheMostTried) {
            let most = line.callable.range(..end).filter_map(|it| line.ready.get(it)).max_by_key(|it| it.attempt);
            batch.members = most.map(|it| it.seq).into_iter().collect();
        }
        if line.callable.last().is_some_and(|last| end <= *last) {
            self.lines.stall(id);
        }
        Some(batch)
    }

    /// A call of the connection starts; it may be its probe.
    pub(super) fn note_start(&mut self, id: &ConnectionId, (call, now): (CallId, Millis)) {
        let probe = self.calls.get(&call).and_then(|it| it.members.first());
        let connection = probe.map(|it| Arc::clone(&it.target.connection));
        if connection.is_some_and(|it| self.holds.standing(&it, now) == Standing::Probe) {
            self.holds.probe_started(id, call);
            self.holds.crowded.insert(id.clone());
        }
    }

    /// A call of the connection has ended: a hold may begin, go on or end by it.
    pub(super) fn note_end(&mut self, at: &mut Moment<'_>, connection: &Connection, (call, answer): (CallId, &Answer)) {
        let change = self.holds.call_ended(&connection.id, call, (at.now, sign_of(answer)));
        self.take_change(at, change);
        self.lines.open(&connection.id);
        if self.is_held(connection, at.now) {
            self.holds.crowded.insert(connection.id.clone());
        }
    }

    /// The account was refused as a whole: the delivery waits as it was, its attempt not counted.
    pub(super) fn stand_back(
        &mut self,
        at: &mut Moment<'_>,
        mut member: Box<Delivery>,
        (fault, took): (Fault, Duration),
    ) {
        if self.bug(Bug::CountsTheAccount) {
            return self.fail(at, member, (fault, took));
        }
        let mut tried = tried(&member, at.now, &fault, took, None);
        tried.counted = false;
        member.history.0.push(tried);
        self.release(at, member, Because::Held, at.now);
    }

    /// Does what an operator commands. The part that is building carries it, also if nothing changes by it.
    pub(super) fn obey(&mut self, at: &mut Moment<'_>, command: Command) {
        let change = self.hear_it(at.now, &command);
        let put = match command {
            Command::Pause(scope, pause) if pause.until.is_none_or(|it| at.now < it) => Change::Paused(scope, pause),
            Command::Pause(_, _) => return,
            Command::Resume { scope, .. } => Change::Resumed(scope),
        };
        let (key, value) = put.put();
        self.building.puts.insert(key, value);
        at.out.notes.extend(change.map(note));
    }

    /// A command was read and will be obeyed with the next filing: it has its effect at once, because a commit that
    /// hangs must not delay a pause.
    pub fn hear(&mut self, now: Millis, (topic, offset): (Topic, Offset), command: &Command, out: &mut Out) {
        if !self.settled.is_settled(topic, offset) {
            let change = self.hear_it(now, command);
            out.notes.extend(change.map(note));
        }
    }

    fn hear_it(&mut self, now: Millis, command: &Command) -> Option<Change> {
        let change = match command {
            Command::Pause(scope, pause) => self.holds.pause(now, scope, pause),
            Command::Resume { scope, .. } => self.holds.resume(now, scope),
        };
        self.look_at_all_lines();
        change
    }

    pub(super) fn access_changed(&mut self, now: Millis, id: &ConnectionId) {
        self.holds.try_access(id, now);
        self.holds.crowded.insert(id.clone());
        self.lines.open(id);
    }

    /// Called with each turn: ends what has had its time, wakes who may be called again, and takes up to `most`
    /// deliveries of connections that may not out of memory. `true`: there are more.
    pub fn tend_holds(&mut self, now: Millis, most: usize, out: &mut Out) -> bool {
        if self.holds.is_empty() {
            return false;
        }
        let seen = Seen::default();
        let at = &mut Moment { now, seen: &seen, out };
        if self.holds.is_due(now) {
            for change in self.holds.ended(now) {
                self.take_change(at, Some(change));
                self.look_at_all_lines();
            }
            self.open_probed(now);
        }
        let mut room = most;
        for id in self.holds.crowded.clone() {
            let standing = self.connection_in_memory(&id).map(|it| self.holds.standing(&it, now));
            match standing {
                Some(Standing::Shut) => room -= self.empty_line(at, &id, room),
                Some(Standing::Probe) => self.lines.wake(&id),
                Some(Standing::Open) => {
                    self.lines.wake(&id);
                    self.holds.crowded.remove(&id);
                }
                None => {
                    self.holds.crowded.remove(&id);
                }
            }
            if room == 0 {
                return true;
            }
        }
        false
    }

    /// Connections whose probe is due have heads loaded to choose from.
    fn open_probed(&mut self, now: Millis) {
        if self.bug(Bug::ForgetsTheReleased) {
            return;
        }
        let due = self.holds.holds().iter().filter(|(_, it)| it.next <= now).map(|(id, _)| id);
        due.for_each(|id| self.lines.open(id));
    }

    /// Takes up to `most` ready deliveries out of memory, lowest first: to a delay topic, or back to the index where
    /// they lie. Answers how many.
    fn empty_line(&mut self, at: &mut Moment<'_>, id: &ConnectionId, most: usize) -> usize {
        for done in 0..most {
            let first = self.lines.get(id).and_then(|it| it.ready.keys().next().copied());
            let Some(delivery) = first.and_then(|it| self.take_from_memory(id, it)) else {
                self.holds.crowded.remove(id);
                self.lines.tidy(id);
                return done;
            };
            if delivery.waits.is_some() {
                self.dedupe.let_go(delivery.target.dedupe, delivery.seq);
                self.lines.lower_next(id, delivery.seq);
            } else {
                self.release(at, delivery, Because::Held, at.now);
            }
        }
        most
    }

    /// Connections that vanished from the configuration while something of them waits are held, and those that are back
    /// are not. `configured`: how a connection is configured now; what is in memory of it goes by that.
    pub fn configure(
        &mut self,
        now: Millis,
        configured: impl Fn(&ConnectionId) -> Option<Arc<Connection>>,
        out: &mut Out,
    ) {
        self.take_over(now, &configured);
        let busy = self.lines.iter().filter(|(_, it)| it.has_waiting() || !it.ready.is_empty() || 0 < it.calls);
        let mut ids: Vec<ConnectionId> = busy.map(|(id, _)| id.clone()).collect();
        ids.extend(self.holds.holds().keys().cloned());
        let seen = Seen::default();
        let at = &mut Moment { now, seen: &seen, out };
        for id in ids {
            let is_configured = configured(&id).is_some() || self.bug(Bug::CallsTheVanished);
            let change = self.holds.configured(&id, is_configured, now);
            self.take_change(at, change);
        }
        self.look_at_all_lines();
    }

    /// What is in memory and in flight goes by the connections as they are now, and those whose limits changed look at
    /// once what they may call.
    fn take_over(&mut self, now: Millis, configured: impl Fn(&ConnectionId) -> Option<Arc<Connection>>) {
        let assigned = self.assigned();
        let mut changed = Vec::new();
        for (id, line) in self.lines.iter_mut() {
            let Some(new) = configured(id) else { continue };
            if line.account.refit(&new, now, &assigned) {
                changed.push(id.clone());
            }
            line.ready.values_mut().for_each(|it| it.target.connection = Arc::clone(&new));
        }
        for member in self.calls.values_mut().flat_map(|it| &mut it.members) {
            if let Some(new) = configured(&member.target.connection.id) {
                member.target.connection = new;
            }
        }
        changed.iter().for_each(|id| self.lines.rouse(id));
    }

    /// When a probe is due or something ends by itself.
    pub fn hold_wake(&self, now: Millis) -> Option<Millis> {
        self.holds.wake(now)
    }

    pub fn holds(&self) -> &BTreeMap<ConnectionId, Hold> {
        self.holds.holds()
    }

    pub fn pauses(&self) -> &BTreeMap<Scope, Pause> {
        self.holds.pauses()
    }

    /// Deliveries of the connection in memory, and its calls out.
    pub fn in_memory(&self, id: &ConnectionId) -> (u64, u64) {
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        self.lines.get(id).map_or((0, 0), |it| (number(it.ready.len()), number(it.calls)))
    }

    /// What of the connection waits in delay topics, by why; without what is on its way there.
    pub fn waiting_of_connection(&self, id: &ConnectionId) -> Vec<(Because, u64)> {
        let waiting = self.lines.get(id).map(Line::waiting).into_iter().flatten();
        waiting.filter(|(_, count)| 0 < **count).map(|(because, count)| (*because, *count)).collect()
    }

    fn take_change(&mut self, at: &mut Moment<'_>, change: Option<Change>) {
        let Some(change) = change else { return };
        let (key, value) = change.put();
        self.building.puts.insert(key, value);
        if !matches!(change, Change::StillHeld(_, _)) {
            at.out.notes.push(note(change));
        }
    }

    /// Who may be called has changed for many: each with deliveries in memory is looked at with the next tending.
    fn look_at_all_lines(&mut self) {
        let ids = self.lines.iter().filter(|(_, it)| !it.ready.is_empty()).map(|(id, _)| id.clone());
        self.holds.crowded.extend(ids);
        if !self.bug(Bug::ForgetsTheReleased) {
            self.lines.open_all();
        }
    }

    fn connection_in_memory(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        let (_, delivery) = self.lines.get(id)?.ready.first_key_value()?;
        Some(Arc::clone(&delivery.target.connection))
    }
}

fn note(change: Change) -> Note {
    match change {
        Change::Held(id, hold) | Change::StillHeld(id, hold) => Note::Held(id, hold),
        Change::Freed(id, cause) => Note::Freed(id, cause),
        Change::Paused(scope, pause) => Note::Paused(scope, pause),
        Change::Resumed(scope) => Note::Resumed(scope),
    }
}

fn sign_of(answer: &Answer) -> Sign {
    match answer {
        Answer::Unsent => Sign::Unsent,
        Answer::Refused(_) => Sign::Well,
        Answer::Failed(fault) => sign_of_passing(fault),
        Answer::Each(replies) => sign_of_each(replies),
    }
}

fn sign_of_each(replies: &[Reply]) -> Sign {
    let mut passing = None;
    let mut well = false;
    for reply in replies {
        match reply {
            Reply::Account(fault) => return Sign::Account(fault.clone()),
            Reply::Applied { .. } | Reply::Permanent(_) | Reply::Gone(_) => well = true,
            Reply::Transient(fault) => passing = passing.or(Some(fault)),
        }
    }
    match passing {
        _ if well => Sign::Well,
        Some(fault) => sign_of_passing(fault),
        None => Sign::Unsent,
    }
}

fn sign_of_passing(fault: &Fault) -> Sign {
    if fault.reason == Reason::RateLimited { Sign::Limited } else { Sign::Failed(fault.clone()) }
}

#[cfg(test)]
mod tests;

//! What people do to connections: pauses and resumes as messages of the first delay topic, credentials given back; and
//! what the world notes of holds.
//! Not here: what must follow (`invariants::at_hold`).

use crate::ledger::Given;
use crate::marks::Mark;
use crate::workload::{ConnIx, home};
use crate::world::{Action, Life, Parcel, World};
use sluicegate::model::{
    Answer, ConnectionId, Crm, Header, HoldCause, Intent, Message, Millis, Offset, RefMark, Reply, Scope, Segment,
    Shard, StateKey, StateValue, Tier, Topic,
};
use sluicegate::ports::Event;
use sluicegate::wire;

const COMMANDS: Topic = Topic::Delay(Tier::S5);

impl World {
    /// Each pause has an end of its own, or is resumed, or both.
    pub fn plan_pauses(&mut self) {
        for _ in 0..self.options.operator.pauses {
            let scope = self.draw_scope();
            let at = self.moment();
            let lasts = self.dice.fault.spread(500, 60_000);
            let until = self.dice.fault.chance(400).then(|| Millis(at.0 + lasts));
            self.agenda.plan(at, Action::Operate { scope: scope.clone(), pause: Some(until) });
            if until.is_none() || self.dice.fault.chance(300) {
                let at = Millis(at.0 + self.dice.fault.spread(1, lasts));
                self.agenda.plan(at, Action::Operate { scope, pause: None });
            }
        }
        for _ in 0..self.options.operator.vanishings {
            let conn = ConnIx::try_from(self.dice.fault.index(self.workload.connections.len())).unwrap();
            let at = self.moment();
            let back = Millis(at.0 + self.dice.fault.spread(500, 100_000));
            self.agenda.plan(at, Action::Configure { conn, present: false });
            self.agenda.plan(back, Action::Configure { conn, present: true });
        }
        for (conn, _, to) in self.crm.revocations.clone() {
            self.agenda.plan(to, Action::GiveBack(conn));
        }
    }

    fn draw_scope(&mut self) -> Scope {
        let conn = self.dice.fault.index(self.workload.connections.len());
        let id = self.workload.connections[conn].id.clone();
        match self.dice.fault.below(8) {
            0 | 1 => Scope::All,
            2 => Scope::Crm(Crm::HubSpot),
            3 | 4 => Scope::Tenant(id.tenant),
            _ => Scope::Connection(id),
        }
    }

    /// Nothing stays paused, and credentials are good: everything must drain.
    pub fn end_pauses(&mut self) {
        let mut scopes: Vec<Scope> = self.ledger.commands.values().map(|it| it.scope.clone()).collect();
        scopes.sort();
        scopes.dedup();
        for scope in scopes {
            self.operate(scope, None);
        }
        for conn in self.absent.clone() {
            self.agenda.plan(self.now, Action::Configure { conn, present: true });
        }
        for conn in 0..self.workload.connections.len() {
            self.tell_of_credentials(ConnIx::try_from(conn).unwrap());
        }
    }

    /// A person pauses (with an end or without) or resumes.
    pub fn operate(&mut self, scope: Scope, pause: Option<Option<Millis>>) {
        if pause.is_some() && !self.faults_on {
            return;
        }
        let shards: Vec<Shard> = match scope.tenant() {
            Some(tenant) => vec![home(&tenant.0, self.options.shards)],
            None => (0..self.options.shards).map(Shard).collect(),
        };
        for shard in shards {
            let message = self.command(&scope, pause);
            let offset = self.broker.append(shard, COMMANDS, message, None);
            self.trace(|| format!("command {scope} {pause:?} at {shard}/{offset}"));
            self.note("command", u64::from(shard.0), offset.0);
            let pause = pause.map(|until| until.unwrap_or(Millis(u64::MAX)));
            self.ledger.commands.insert((shard, offset), Given { scope: scope.clone(), pause });
            self.nudge(shard, COMMANDS);
        }
    }

    /// As somebody types it into a console producer.
    fn command(&self, scope: &Scope, pause: Option<Option<Millis>>) -> Message {
        let scope = match scope {
            Scope::All => "all".to_owned(),
            Scope::Crm(crm) => format!("crm/{crm}"),
            Scope::Tenant(tenant) => format!("tenant/{tenant}"),
            Scope::Connection(id) => format!("connection/{id}"),
        };
        let moment = |it: Millis| jiff::Timestamp::from_millisecond(i64::try_from(it.0).unwrap()).unwrap().to_string();
        let until = pause.flatten().map(|it| format!(",\"until\":\"{}\"", moment(it))).unwrap_or_default();
        let action = if pause.is_some() { "pause" } else { "resume" };
        let value = format!("{{\"action\":\"{action}\",\"scope\":\"{scope}\",\"reason\":\"simulated\"{until}}}");
        let header = Header { name: "sluicegate-command".to_owned(), value: None };
        Message { key: None, value: Some(value.into()), headers: vec![header], timestamp: self.now }
    }

    /// The account accepts us again; sometimes somebody notices.
    pub fn give_back(&mut self, conn: ConnIx) {
        if self.dice.fault.chance(500) {
            self.tell_of_credentials(conn);
        }
    }

    fn tell_of_credentials(&mut self, conn: ConnIx) {
        let id = self.workload.connections[usize::from(conn)].id.clone();
        for slot in 0..self.processes.len() {
            let who = self.life(slot);
            self.deliver(who, Parcel { event: Event::AccessChanged(id.clone()), read: None });
        }
    }

    /// A process is told that an account may be reached by other means.
    pub fn told_of_access(&mut self, who: Life, id: &ConnectionId) {
        let (conn, now) = (self.workload.by_id[id], self.now);
        for view in self.processes[who.slot].view.shards.values_mut() {
            view.told.insert(conn, now);
        }
    }

    pub fn note_assigned(&mut self, who: Life, shard: Shard) {
        let now = self.now;
        let paused = self.ledger.fold(shard).pauses.values().any(|it| it.until.is_none_or(|it| now < it));
        self.marks.hit_if(paused, Mark::PausedOverRestart);
        self.processes[who.slot].view.shards.entry(shard).or_default().begun = now;
    }

    /// A process is shown a command.
    pub fn heard(&mut self, who: Life, shard: Shard, (tier, offset): (Tier, Offset)) {
        let Some(given) = self.ledger.commands.get(&(shard, offset)).filter(|_| tier == Tier::S5).cloned() else {
            return;
        };
        if self.is_obeyed(shard, offset) {
            return;
        }
        self.trace(|| format!("{who}: hears {given:?}"));
        let now = self.now;
        let Some(view) = self.processes[who.slot].view.shards.get_mut(&shard) else { return };
        view.commanded.insert(given.scope.clone(), now);
        view.commands.insert(given.scope, given.pause);
        self.marks.hit(if given.pause.is_some() { Mark::PauseHeard } else { Mark::ResumeHeard });
    }

    /// Whether a commit holds what became of a command: who reads it again need not do anything.
    fn is_obeyed(&self, shard: Shard, offset: Offset) -> bool {
        let state = &self.ledger.fold(shard).state;
        let read = |key: StateKey| {
            let value = state.get(&wire::state::encode_key(&key).to_vec())?;
            wire::state::decode_value(&key, value).ok()
        };
        let below = matches!(read(StateKey::Position(COMMANDS)), Some(StateValue::Position(it)) if offset < it.low);
        let segment = StateKey::Settled(COMMANDS, Segment(offset.0 / 4096));
        below || matches!(read(segment), Some(StateValue::Settled(bits)) if bits.has(offset))
    }

    /// A call of one input has ended: it may have been a probe, of a hold that the changelog need not know of yet.
    pub fn probe_answered(&mut self, who: Life, flight: usize, answer: &Answer) {
        let it = &self.crm.flights[flight];
        let (shard, conn, alone, started) = (it.shard, it.conn, it.inputs.len() == 1, it.started);
        if !alone {
            return;
        }
        let held = self.ledger.fold(shard).holds.contains_key(&self.workload.connections[usize::from(conn)].id);
        let all = |is: fn(&Reply) -> bool| matches!(answer, Answer::Each(replies) if replies.iter().all(is));
        let well = match answer {
            Answer::Refused(_) => true,
            Answer::Each(_) => all(|it| matches!(it, Reply::Applied { .. } | Reply::Permanent(_))) || all(is_limited),
            Answer::Failed(fault) => fault.status == Some(429),
            Answer::Unsent => false,
        };
        // a quota ends by itself, perhaps before the changelog knows of it
        let used_up = all(|it| matches!(it, Reply::Account(fault) if fault.status == Some(429)));
        self.marks.hit_if(held && well, Mark::ProbeAnswered);
        self.marks.hit_if(held && !well, Mark::ProbeFailed);
        if let Some(view) = self.processes[who.slot].view.shards.get_mut(&shard).filter(|_| well || used_up) {
            view.freed.insert(conn, started);
        }
    }

    /// A hold or a pause comes into the changelog of a shard, or goes from it.
    pub fn hold_committed(&mut self, shard: Shard, topic: Topic, message: &Message) {
        let key = message.key.as_deref().unwrap_or_default();
        let Ok((key, value)) = wire::state::decode(topic, key, message.value.as_deref()) else { return };
        let now = self.now;
        match (key, value) {
            (StateKey::Hold(id), Some(StateValue::Hold(hold))) => {
                self.trace(|| format!("    {id} is held: {hold:?}"));
                self.marks.hit(match hold.cause {
                    HoldCause::Outage => Mark::HeldForOutage,
                    HoldCause::Credentials => Mark::HeldForCredentials,
                    HoldCause::Quota => Mark::HeldForQuota,
                    HoldCause::Unconfigured => Mark::Vanished,
                });
                self.ledger.fold_mut(shard).holds.insert(id, (hold, now));
            }
            (StateKey::Hold(id), None) => {
                self.trace(|| format!("    {id} is not held any more"));
                let gone = self.ledger.fold_mut(shard).holds.remove(&id);
                self.marks.hit_if(gone.is_some_and(|it| it.0.cause == HoldCause::Unconfigured), Mark::CameBack);
            }
            (
                StateKey::Ref(id, _, external_id),
                Some(StateValue::Ref(RefMark::Intended(Intent { of: Some((seq, _)), .. }))),
            ) => {
                self.ledger.fold_mut(shard).announced.insert((id, external_id), seq);
            }
            (StateKey::Ref(id, _, external_id), _) => {
                self.ledger.fold_mut(shard).announced.remove(&(id, external_id));
            }
            (StateKey::Pause(scope), Some(StateValue::Pause(pause))) => {
                self.ledger.fold_mut(shard).pauses.insert(scope, pause);
            }
            (StateKey::Pause(scope), None) => {
                let gone = self.ledger.fold_mut(shard).pauses.remove(&scope);
                self.marks.hit_if(gone.is_some_and(|it| it.until.is_some_and(|it| it <= now)), Mark::PauseRanOut);
            }
            _ => {}
        }
    }
}

fn is_limited(reply: &Reply) -> bool {
    matches!(reply, Reply::Transient(fault) if fault.status == Some(429))
}

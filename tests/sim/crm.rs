//! The CRM of all tenants: what it answers, when, and what it really did. An effect and its answer are two things.
//! Not here: what the answers must lead to (`invariants`).

use crate::decode;
use crate::dice::Dice;
use crate::faults::Point;
use crate::marks::Mark;
use crate::meter::Meter;
use crate::objects::Objects;
use crate::options::Options;
use crate::workload::{ConnIx, JobIx, Kind, Poison, RecordIx};
use crate::world::{Action, BEGIN, Life, Shared, World};
use sluicegate::model::{
    Answer, Call, CallEnded, CallId, Fault, Finding, Key, Millis, Operation, Reason, Reply, Shard, Usage,
};
use sluicegate::ports::{Crms, Event};
use std::collections::BTreeMap;
use std::time::Duration;

/// No call lives longer, ms.
pub const DEADLINE_MS: u64 = 10_000;

#[derive(Debug)]
pub struct Oracle {
    pub flights: Vec<Flight>,
    /// What each record went through, in the order in which it happened.
    pub effects: BTreeMap<RecordIx, Vec<Effect>>,
    /// What has been used of each account.
    pub meters: BTreeMap<ConnIx, Meter>,
    pub objects: Objects,
    /// Tenants' accounts that refuse everything for a while: connection, from, to.
    outages: Vec<Spell>,
    /// The same for our credentials, and for a quota that is used up.
    pub revocations: Vec<Spell>,
    quotas: Vec<Spell>,
    dice: Dice,
}

/// A connection, from when, to when.
pub type Spell = (ConnIx, Millis, Millis);

/// One call on its way.
#[derive(Debug)]
pub struct Flight {
    pub who: Life,
    pub id: CallId,
    pub shard: Shard,
    /// Of the shard at its start.
    pub epoch: u64,
    pub conn: ConnIx,
    pub operation: Operation,
    pub inputs: Vec<Input>,
    /// How each input finds its record.
    pub findings: Vec<Finding>,
    pub started: Millis,
    /// When its end was heard of.
    pub ended_at: Option<Millis>,
    /// What it is expected to spend, and what it does.
    pub taken: u32,
    pub units: u32,
    pub answer: Answer,
    pub usage: Usage,
    pub landed: bool,
    /// Its answer has reached the loop.
    pub ended: bool,
    /// The request never left its process.
    lost: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Input {
    pub job: JobIx,
    pub record: RecordIx,
    pub lands: bool,
    /// The caller is told that it was applied.
    pub told: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Effect {
    pub job: JobIx,
    pub at: Millis,
    /// The caller was told so.
    pub told: bool,
    /// Its process was dead by then, or had lost the shard.
    pub orphan: bool,
    pub who: Life,
    pub epoch: u64,
}

/// What happens to a whole call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Fine,
    Refused,
    FailedBefore,
    /// Some inputs have their effect, the answer fails.
    FailedBetween,
    FailedAfter,
    /// Our credentials are not accepted.
    Revoked,
    /// The quota is used up, until then.
    UsedUp(Millis),
}

/// Until when this connection is in one of these spells.
fn in_spell(spells: &[Spell], conn: ConnIx, now: Millis) -> Option<Millis> {
    spells.iter().find(|it| it.0 == conn && it.1 <= now && now < it.2).map(|it| it.2)
}

impl Flight {
    /// What its caller believes that it came to, once it has ended.
    pub fn believed(&self) -> u32 {
        self.usage.spent.map_or(self.taken, |it| it.calls)
    }
}

impl Oracle {
    pub fn draw(options: &Options, mut dice: Dice) -> Self {
        let mut spells = |count: u64| {
            let mut spells = Vec::new();
            for _ in 0..count {
                let conn = ConnIx::try_from(dice.below(options.tenants as u64)).unwrap();
                let from = BEGIN.0 + dice.between(0, options.faulty_ms);
                spells.push((conn, Millis(from), Millis(from + dice.between(1_000, 60_000))));
            }
            spells
        };
        let (outages, revocations) = (spells(options.crm.outages), spells(options.crm.revocations));
        let quotas = spells(options.crm.quotas);
        let (flights, effects, meters, objects) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Objects::default());
        Self { flights, effects, meters, objects, outages, revocations, quotas, dice }
    }
}

#[derive(Debug)]
pub struct SimCrms {
    pub world: Shared,
    pub who: Life,
}

impl Crms for SimCrms {
    fn start(&mut self, call: Call) {
        self.world.at_port(self.who, Point::CallStarting);
        let mut world = self.world.borrow_mut();
        world.start_call(self.who, &call);
    }
}

impl World {
    fn start_call(&mut self, who: Life, call: &Call) {
        let Some(conn) = self.workload.by_id.get(&call.connection.id).copied() else {
            return self.broken("I2", format!("{who} calls {}, which does not exist", call.connection.id));
        };
        let mut inputs = Vec::new();
        for input in &call.inputs {
            let record = input.external_id.strip_prefix('r').and_then(|it| it.parse().ok());
            let (Some(job), Some(record)) = (decode::job_of_properties(&input.properties.0), record) else {
                return self.broken("I2", format!("{who} sends {} something that no job says", call.connection.id));
            };
            inputs.push(Input { job, record: RecordIx { conn, record }, lands: false, told: false });
        }
        self.trace(|| {
            let what: Vec<String> = inputs.iter().map(|it| format!("{}(r{})", it.job, it.record.record)).collect();
            format!("{who}: call {} of {} with jobs {}", call.id.0, call.connection.id, what.join(" "))
        });
        self.note("call", call.id.0, inputs.len() as u64);
        let jobs: Vec<(JobIx, RecordIx)> = inputs.iter().map(|it| (it.job, it.record)).collect();
        self.at_call_start(who, call, (conn, &jobs));
        self.holds_allow(who, call, (conn, &jobs));
        self.fly(who, call, conn, inputs);
    }

    /// Draws what will come of a call, and when.
    fn fly(&mut self, who: Life, call: &Call, conn: ConnIx, mut inputs: Vec<Input>) {
        let mut answer = self.draw_answer(conn, &mut inputs);
        self.draw_deletions(call, (&mut inputs, &mut answer));
        let crm = &self.options.crm;
        let mut latency = self.dice.crm.spread(1, crm.latency_ms);
        if self.faults_on && self.dice.crm.chance(crm.slow) {
            latency = self.dice.crm.between(1_000, 12_000);
        }
        let lands_in = self.dice.crm.between(0, latency.min(DEADLINE_MS));
        let late = DEADLINE_MS <= latency;
        let answer = if late { Answer::Failed(fault(Reason::Timeout, None, None)) } else { answer };
        if late {
            inputs.iter_mut().for_each(|it| it.told = false);
        }
        let flight = self.crm.flights.len();
        let epoch = self.processes[who.slot].view.shards.get(&call.shard).map_or(0, |it| it.epoch);
        let taken = call.cost().calls;
        let units = u32::try_from(self.dice.crm.between(1, u64::from(taken))).unwrap();
        self.crm.flights.push(Flight {
            who,
            id: call.id,
            shard: call.shard,
            epoch,
            conn,
            operation: call.operation,
            inputs,
            findings: call.inputs.iter().map(|it| it.finding.clone()).collect(),
            started: self.now,
            ended_at: None,
            taken,
            units,
            answer,
            usage: Usage::default(),
            landed: false,
            ended: false,
            lost: false,
        });
        self.agenda.plan(Millis(self.now.0 + lands_in), Action::Land(flight));
        let at = self.now.0 + latency.min(DEADLINE_MS);
        self.agenda.plan(Millis(at), Action::Answer { who, flight });
    }

    fn draw_answer(&mut self, conn: ConnIx, inputs: &mut [Input]) -> Answer {
        let weather = self.draw_weather(conn);
        let retry_after = self.draw_retry_after();
        let poisons: Vec<Poison> = inputs.iter().map(|it| self.poison(it.job)).collect();
        let status = self.dice.crm.pick(&[429, 500, 502, 503]);
        match weather {
            Weather::FailedBefore => Answer::Failed(fault(Reason::of_status(status), Some(status), retry_after)),
            Weather::Refused => Answer::Refused(fault(Reason::BadRequest, Some(400), None)),
            Weather::Revoked => {
                let reply = Reply::Account(fault(Reason::Unauthorized, Some(401), None));
                Answer::Each(vec![reply; inputs.len()])
            }
            Weather::UsedUp(until) => {
                let reset = Some(Duration::from_millis(until.0 - self.now.0));
                Answer::Each(vec![Reply::Account(fault(Reason::RateLimited, Some(429), reset)); inputs.len()])
            }
            Weather::Fine if poisons.contains(&Poison::RefusesBatch) => {
                Answer::Refused(fault(Reason::BadRequest, Some(400), None))
            }
            Weather::FailedBetween | Weather::FailedAfter => {
                let all = weather == Weather::FailedAfter;
                for (input, poison) in inputs.iter_mut().zip(&poisons) {
                    input.lands = *poison == Poison::None && (all || self.dice.crm.chance(500));
                }
                let reason = self.dice.crm.pick(&[Reason::Timeout, Reason::Network, Reason::MalformedResponse]);
                Answer::Failed(fault(reason, None, None))
            }
            Weather::Fine => {
                let each = inputs.iter_mut().zip(poisons).map(|(input, poison)| self.draw_reply(input, poison));
                Answer::Each(each.collect())
            }
        }
    }

    /// What a call names by its id may be gone.
    fn draw_deletions(&mut self, call: &Call, (inputs, answer): (&mut [Input], &mut Answer)) {
        let Answer::Each(replies) = answer else { return };
        for ((input, sent), reply) in inputs.iter_mut().zip(&call.inputs).zip(replies) {
            let gone =
                call.operation == Operation::Upsert && input.told && self.delete_under(&sent.finding, input.record);
            if gone {
                (input.lands, input.told) = (false, false);
                *reply = Reply::Gone(fault(Reason::NotFound, Some(404), None));
            }
        }
    }

    fn draw_weather(&mut self, conn: ConnIx) -> Weather {
        let crm = &self.options.crm;
        if !self.faults_on {
            return Weather::Fine;
        }
        if in_spell(&self.crm.revocations, conn, self.now).is_some() {
            return Weather::Revoked;
        }
        if let Some(until) = in_spell(&self.crm.quotas, conn, self.now) {
            return Weather::UsedUp(until);
        }
        if in_spell(&self.crm.outages, conn, self.now).is_some() {
            return Weather::FailedBefore;
        }
        let draws = [
            (crm.refused, Weather::Refused),
            (crm.failed_before, Weather::FailedBefore),
            (crm.failed_between, Weather::FailedBetween),
            (crm.failed_after, Weather::FailedAfter),
        ];
        let drawn = draws.into_iter().find(|it| self.dice.crm.chance(it.0));
        drawn.map_or(Weather::Fine, |it| it.1)
    }

    fn draw_reply(&mut self, input: &mut Input, poison: Poison) -> Reply {
        let crm = self.options.crm.clone();
        let on = self.faults_on;
        match poison {
            Poison::Permanent => return Reply::Permanent(fault(Reason::Unprocessable, Some(422), None)),
            Poison::Stubborn if on => return Reply::Transient(fault(Reason::ServerError, Some(500), None)),
            Poison::Stubborn | Poison::RefusesBatch | Poison::None => {}
        }
        if on && self.dice.crm.chance(crm.input_transient) {
            input.lands = self.dice.crm.chance(crm.failed_after);
            let retry_after = self.draw_retry_after();
            // whoever says that a limit is reached has done nothing; the world with keys is harsher than the real one
            let lies = input.lands && self.key(input.record.conn) != Key::Unique;
            let status = if lies { 500 } else { 429 };
            return Reply::Transient(fault(Reason::of_status(status), Some(status), retry_after));
        }
        if on && self.dice.crm.chance(crm.input_permanent) {
            let status = self.dice.crm.pick(&[400, 403, 404, 409, 422]);
            return Reply::Permanent(fault(Reason::of_status(status), Some(status), None));
        }
        input.lands = true;
        input.told = true;
        Reply::Applied { record_id: format!("id-{}", input.record.record), created: self.dice.crm.chance(500) }
    }

    fn draw_retry_after(&mut self) -> Option<Duration> {
        let asked = self.faults_on && self.dice.crm.chance(self.options.crm.retry_after);
        asked.then(|| Duration::from_millis(self.dice.crm.spread(1, 30_000)))
    }

    fn poison(&self, job: JobIx) -> Poison {
        match &self.workload.spec(job).kind {
            Kind::Valid { poison, .. } => *poison,
            Kind::Malformed | Kind::UnknownTenant { .. } | Kind::NoRoute { .. } | Kind::Tombstone => Poison::None,
        }
    }

    /// The call reaches the CRM and does there what it does.
    pub fn land(&mut self, flight: usize) {
        let it = &mut self.crm.flights[flight];
        if it.lost {
            return;
        }
        it.landed = true;
        self.meter(flight);
        let it = &self.crm.flights[flight];
        let (who, shard, epoch) = (it.who, it.shard, it.epoch);
        let landing: Vec<Input> = it.inputs.iter().filter(|it| it.lands).copied().collect();
        let works: Vec<usize> = (0..it.inputs.len()).filter(|place| it.inputs[*place].lands).collect();
        works.into_iter().for_each(|place| self.work_on_object(flight, place));
        let dead = !self.is_alive(who);
        let orphan = dead || self.processes[who.slot].view.shards.get(&shard).is_none_or(|it| it.epoch != epoch);
        self.marks.hit_if(dead && !landing.is_empty(), Mark::DeadProcessLanded);
        for Input { job, record, told, .. } in landing {
            self.trace(|| {
                format!("  job {job} takes effect on r{}{}", record.record, if told { "" } else { ", untold" })
            });
            self.marks.hit_if(!told, Mark::EffectThenTimeout);
            let effects = self.crm.effects.entry(record).or_default();
            let repeated = effects.iter().any(|it| it.job == job);
            effects.push(Effect { job, at: self.now, told, orphan, who, epoch });
            self.marks.hit_if(repeated, Mark::RepeatedEffect);
        }
        if !dead {
            self.point(who, Point::CallLanded);
        }
    }

    pub fn answer_call(&mut self, who: Life, flight: usize) {
        let it = &self.crm.flights[flight];
        let took = Duration::from_millis(self.now.0 - it.started.0);
        let ended = CallEnded { id: it.id, shard: it.shard, answer: it.answer.clone(), usage: it.usage.clone(), took };
        self.deliver(who, crate::world::Parcel { event: Event::CallEnded(ended), read: None });
        self.point(who, Point::CallAnswered);
    }

    /// The process died: what had not left it never will; what had may still land.
    pub fn abandon_flights(&mut self, who: Life) {
        for flight in self.crm.flights.iter_mut().filter(|it| it.who == who && !it.landed) {
            flight.lost = self.crm.dice.chance(500);
            flight.inputs.iter_mut().for_each(|it| it.told = false);
        }
    }

    /// Whether the CRM refused the whole call.
    pub fn was_refused(&self, flight: usize) -> bool {
        matches!(self.crm.flights[flight].answer, Answer::Refused(_))
    }

    pub fn flight_of(&self, who: Life, id: CallId) -> Option<usize> {
        self.crm.flights.iter().rposition(|it| it.who == who && it.id == id)
    }
}

pub fn fault(reason: Reason, status: Option<u16>, retry_after: Option<Duration>) -> Fault {
    Fault {
        reason,
        status,
        code: status.map(|it| format!("SIM_{it}")),
        message: "as simulated".to_owned(),
        retry_after,
    }
}

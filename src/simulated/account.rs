//! One account: a call arrives, is limited, struck or carried out, and leaves; every step counted.
//! Not here: any CRM's rules (`pretend`).

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Response, header},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    answer::{Answer, Refusal},
    clock::Clock,
    faults::{Fault, Faults, Hit, Strike},
    ledger::{CallEntry, Ledger},
    line::Grip,
    pretend::{Asked, Behaviour, Pretend, TurnedAway},
    row::Attempt,
    settings::Latency,
    words::Policy,
};

/// What became of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Applied,
    /// Refused, with the category of its error, or of the whole call's.
    Refused(String),
    /// Fine by itself, but the whole call was refused.
    Untouched,
}

impl Fate {
    pub(super) fn error(&self) -> Option<String> {
        match self {
            Self::Refused(category) => Some(category.clone()),
            Self::Applied | Self::Untouched => None,
        }
    }
}

/// What all accounts of a server share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    /// Faults for all accounts; looked at only while `any_faults`.
    pub(super) faults: Mutex<Faults>,
    pub(super) any_faults: AtomicBool,
    pub(super) in_flight: AtomicU64,
    pub(super) in_flight_max: AtomicU64,
    pub(super) strangers: AtomicU64,
}

/// One account of a pretend CRM.
pub(super) struct Account<P: Pretend> {
    pub(super) shared: Arc<Shared>,
    state: Mutex<State<P>>,
}

/// All of an account, under one lock that is never held across an await.
pub struct State<P: Pretend> {
    pub(super) settings: Arc<P::Settings>,
    pub(super) meters: P::Meters,
    pub(super) faults: Faults,
    pub(super) store: P::Store,
    pub(super) ledger: Ledger,
    pub(super) dice: StdRng,
}

impl<P: Pretend> State<P> {
    pub(super) fn new(settings: P::Settings) -> Self {
        Self {
            meters: P::Meters::default(),
            faults: Faults::default(),
            store: P::Store::default(),
            ledger: Ledger::default(),
            dice: StdRng::seed_from_u64(settings.seed()),
            settings: Arc::new(settings),
        }
    }
}

/// What the rules need to know of the call at hand.
pub struct Moment<'a> {
    pub(super) now_us: u64,
    pub(super) correlation: &'a str,
    pub(super) refusals: &'a std::collections::BTreeMap<usize, Refusal>,
}

impl<P: Pretend> Account<P> {
    pub(super) fn new(shared: Arc<Shared>, settings: P::Settings) -> Self {
        Self { shared, state: Mutex::new(State::new(settings)) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call. If the client goes away meanwhile, the call still leaves (with status 0).
    pub(super) async fn serve(&self, call: &P::Call, grip: &Grip) -> Response<Body> {
        let mut visit = Visit::begin(self, call);
        let half = visit.latency / 2;
        wait(half).await;
        let answer = visit.carry_out();
        wait(half).await;
        let (answer, sent) = visit.distort(answer, grip).await;
        visit.status = if sent { answer.status } else { 0 };
        answer.into_response(std::mem::take(&mut visit.headers))
    }
}

/// A call between its arrival and its end.
struct Visit<'a, P: Pretend> {
    account: &'a Account<P>,
    call: &'a P::Call,
    settings: Arc<P::Settings>,
    at_us: u64,
    over: Option<Policy>,
    strike: Strike,
    latency: Duration,
    correlation: String,
    headers: HeaderMap,
    fates: Vec<Fate>,
    status: u16,
}

impl<'a, P: Pretend> Visit<'a, P> {
    fn begin(account: &'a Account<P>, call: &'a P::Call) -> Self {
        let shared = &account.shared;
        let now_in_flight = shared.in_flight.fetch_add(1, Relaxed) + 1;
        shared.in_flight_max.fetch_max(now_in_flight, Relaxed);
        let mut state = account.state();
        let at_us = shared.clock.now_us();
        let settings = Arc::clone(&state.settings);
        let over = P::arrive(&mut state.meters, at_us, call, &settings);
        state.ledger.arrive(call.operation(), call.ids().count() as u64, over);
        let over = over.filter(|_| settings.enforces_limits());
        let mut strike = Strike::default();
        if over.is_none() {
            state.faults.strike(call, &mut strike);
        }
        let latency = draw(settings.latency(), &mut state.dice);
        let correlation = correlation(state.dice.random());
        let headers = P::headers(&mut state, at_us, call, &correlation);
        drop(state);
        if over.is_none() && shared.any_faults.load(Relaxed) {
            shared.faults.lock().unwrap_or_else(PoisonError::into_inner).strike(call, &mut strike);
        }
        let fates = Vec::new();
        Self { account, call, settings, at_us, over, strike, latency, correlation, headers, fates, status: 0 }
    }

    /// The true answer, or `None` if a fault comes before anything is done.
    fn carry_out(&mut self) -> Option<Answer> {
        if let Some(policy) = self.over {
            return Some(self.turn_away(TurnedAway::Limited(policy)));
        }
        if self.strike.hit.as_ref().is_some_and(|hit| !hit.applied) {
            return None;
        }
        let mut state = self.account.state();
        let now_us = self.account.shared.clock.now_us();
        let moment = Moment { now_us, correlation: &self.correlation, refusals: &self.strike.refusals };
        Some(P::perform(&mut state, self.call, &moment, &mut self.fates))
    }

    /// Makes of the true answer what the fault wants. `false`: the client is sent nothing.
    async fn distort(&self, answer: Option<Answer>, grip: &Grip) -> (Answer, bool) {
        let Some(Hit { fault, .. }) = &self.strike.hit else {
            return (answer.unwrap_or_else(|| self.turn_away(TurnedAway::Status(500))), true);
        };
        let answer = answer.unwrap_or_else(|| Answer::empty(204));
        match fault {
            Fault::Drop => grip.cut_after(0),
            Fault::Hang { ms } => {
                wait(Duration::from_millis(*ms)).await;
                grip.cut_after(0);
            }
            Fault::CutBody { bytes } => grip.cut_after(*bytes),
            Fault::SlowBody { piece_bytes, pause_ms } => grip.trickle(*piece_bytes, *pause_ms),
            Fault::Status { .. }
            | Fault::Expired
            | Fault::Limited { .. }
            | Fault::Html { .. }
            | Fault::Silent
            | Fault::Oversize { .. }
            | Fault::Garbage
            | Fault::ContentType { .. }
            | Fault::Redirect { .. } => return (self.spoiled(fault, answer), true),
        }
        (answer, !matches!(fault, Fault::Drop | Fault::Hang { .. }))
    }

    fn spoiled(&self, fault: &Fault, answer: Answer) -> Answer {
        match fault {
            Fault::Status { status, retry_after_s } => {
                let answer = self.turn_away(TurnedAway::Status(*status));
                match retry_after_s {
                    Some(seconds) => answer.with_header(header::RETRY_AFTER, &seconds.to_string()),
                    None => answer,
                }
            }
            Fault::Expired => self.turn_away(TurnedAway::Expired),
            Fault::Limited { policy } => self.turn_away(TurnedAway::Limited(*policy)),
            Fault::Html { status } => Answer::html(*status),
            Fault::Silent => self.turn_away(TurnedAway::Silent),
            Fault::Oversize { bytes } => {
                let mut body = vec![b' '; *bytes];
                body.extend_from_slice(&answer.body);
                Answer { body: Bytes::from(body), ..answer }
            }
            Fault::Garbage => {
                Answer { body: Bytes::from_static(b"{\"status\":\"COMPLETE\",\"resul"), ..Answer::json(200, &()) }
            }
            Fault::ContentType { value } => answer.with_header(header::CONTENT_TYPE, value),
            Fault::Redirect { location } => Answer::empty(302).with_header(header::LOCATION, location),
            Fault::Drop | Fault::Hang { .. } | Fault::CutBody { .. } | Fault::SlowBody { .. } => answer,
        }
    }

    fn turn_away(&self, why: TurnedAway) -> Answer {
        P::turn_away(why, &self.settings, &self.correlation)
    }

    fn record_attempts(&self, ledger: &mut Ledger) {
        for (place, id) in self.call.ids().enumerate().filter(|(_, id)| !id.is_empty()) {
            let fate = self.fates.get(place);
            let attempt = Attempt {
                at_us: self.at_us,
                status: self.status,
                applied: fate == Some(&Fate::Applied),
                error: fate.and_then(Fate::error),
            };
            ledger.attempt(self.call.object(), id, attempt, self.settings.recording());
        }
    }
}

impl<P: Pretend> Drop for Visit<'_, P> {
    fn drop(&mut self) {
        self.account.shared.in_flight.fetch_sub(1, Relaxed);
        let ended_us = self.account.shared.clock.now_us();
        let call = CallEntry {
            at_us: self.at_us,
            ended_us,
            operation: self.call.operation(),
            object: self.call.object().to_owned(),
            inputs: self.call.ids().count() as u64,
            status: self.status,
            over: self.over,
        };
        let applied = self.fates.iter().filter(|fate| **fate == Fate::Applied).count() as u64;
        let refused = self.fates.iter().filter(|fate| fate.error().is_some()).count() as u64;
        let confirmed = self.strike.hit.is_none() && (200..300).contains(&self.status);
        let mut state = self.account.state();
        P::leave(&mut state.meters, self.at_us);
        state.ledger.totals.refused += refused;
        state.ledger.totals.unconfirmed += if confirmed { 0 } else { applied };
        let recording = self.settings.recording();
        if self.call.operation().is_write() && recording.attempts > 0 {
            self.record_attempts(&mut state.ledger);
        }
        state.ledger.leave(call, recording);
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn draw(latency: Latency, dice: &mut StdRng) -> Duration {
    let Latency { min_ms, max_ms } = latency;
    let ms = if max_ms > min_ms { dice.random_range(min_ms..max_ms) } else { min_ms };
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::ZERO)
}

fn correlation(number: u128) -> String {
    let hex = format!("{number:032x}");
    let mut text = String::with_capacity(36);
    for (place, digit) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

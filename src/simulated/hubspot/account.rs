//! One account: a call arrives, is limited, struck or carried out, and leaves; every step counted.
//! Not here: HubSpot's rules of writing (`batch`, `write`), reading, searching.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::{
    answer::{Answer, Refusal},
    archive,
    batch::{self, Fate},
    clock::Clock,
    faults::{Fault, Faults, Hit, Strike},
    ledger::{CallEntry, Ledger},
    limits::{Meters, Policy},
    line::Grip,
    properties, read,
    request::{self, Call, Operation},
    row::Attempt,
    search,
    settings::{Latency, Settings},
    store::Store,
};

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

/// One account of the pretend HubSpot.
pub(super) struct Account {
    pub(super) shared: Arc<Shared>,
    state: Mutex<State>,
}

/// All of an account, under one lock that is never held across an await.
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) meters: Meters,
    pub(super) faults: Faults,
    pub(super) store: Store,
    pub(super) ledger: Ledger,
    pub(super) dice: StdRng,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            meters: Meters::default(),
            faults: Faults::default(),
            store: Store::default(),
            ledger: Ledger::default(),
            dice: StdRng::seed_from_u64(settings.seed),
            settings: Arc::new(settings),
        }
    }
}

/// What the rules need to know of the call at hand.
pub(super) struct Moment<'a> {
    pub(super) now_us: u64,
    pub(super) correlation: &'a str,
    pub(super) refusals: &'a std::collections::BTreeMap<usize, Refusal>,
}

impl Account {
    pub(super) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        Self { shared, state: Mutex::new(State::new(settings)) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call. If the client goes away meanwhile, the call still leaves (with status 0).
    pub(super) async fn serve(&self, call: &Call, grip: &Grip) -> Response<Body> {
        let mut visit = Visit::begin(self, call);
        let half = visit.latency / 2;
        wait(half).await;
        let answer = visit.carry_out();
        wait(half).await;
        let (answer, sent) = visit.distort(answer, grip).await;
        visit.status = if sent { answer.status } else { 0 };
        answer.into_response(visit.take_headers())
    }
}

/// A call between its arrival and its end.
struct Visit<'a> {
    account: &'a Account,
    call: &'a Call,
    settings: Arc<Settings>,
    at_us: u64,
    over: Option<Policy>,
    strike: Strike,
    latency: Duration,
    correlation: String,
    headers: HeaderMap,
    fates: Vec<Fate>,
    status: u16,
}

impl<'a> Visit<'a> {
    fn begin(account: &'a Account, call: &'a Call) -> Self {
        let shared = &account.shared;
        let now_in_flight = shared.in_flight.fetch_add(1, Relaxed) + 1;
        shared.in_flight_max.fetch_max(now_in_flight, Relaxed);
        let mut state = account.state();
        let at_us = shared.clock.now_us();
        let settings = Arc::clone(&state.settings);
        let search = call.operation == Operation::Search;
        let over = state.meters.arrive(at_us, search, &settings);
        state.ledger.arrive(call.operation, call.inputs().len() as u64, over);
        let over = over.filter(|_| settings.limits.enforced);
        let mut strike = Strike::default();
        if over.is_none() {
            state.faults.strike(call, &mut strike);
        }
        let headers = state.meters.headers(at_us, search, &settings);
        let latency = draw(settings.latency, &mut state.dice);
        let correlation = correlation(state.dice.random());
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
            return Some(Answer::limited(policy, self.settings.hub_id, &self.correlation));
        }
        if self.strike.hit.as_ref().is_some_and(|hit| !hit.applied) {
            return None;
        }
        let mut state = self.account.state();
        let now_us = self.account.shared.clock.now_us();
        let moment = Moment { now_us, correlation: &self.correlation, refusals: &self.strike.refusals };
        Some(perform(&mut state, self.call, &moment, &mut self.fates))
    }

    /// Makes of the true answer what the fault wants. `false`: the client is sent nothing.
    async fn distort(&self, answer: Option<Answer>, grip: &Grip) -> (Answer, bool) {
        let Some(Hit { fault, .. }) = &self.strike.hit else {
            return (answer.unwrap_or_else(|| Answer::server_error(500, &self.correlation)), true);
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
        let correlation = &self.correlation;
        match fault {
            Fault::Status { status, retry_after_s } => error(*status, *retry_after_s, correlation),
            Fault::Expired => Answer::unauthorized(true, correlation),
            Fault::Limited { policy } => Answer::limited(*policy, self.settings.hub_id, correlation),
            Fault::Html { status } => Answer::html(*status),
            Fault::Silent => Answer::json(200, &json!({ "status": "COMPLETE", "results": [], "errors": [] })),
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

    fn take_headers(&mut self) -> HeaderMap {
        let mut headers = std::mem::take(&mut self.headers);
        if let Ok(value) = HeaderValue::from_str(&self.correlation) {
            headers.insert(HeaderName::from_static("x-hubspot-correlation-id"), value);
        }
        headers
    }

    fn record_attempts(&self, ledger: &mut Ledger) {
        let inputs = self.call.inputs();
        for (place, input) in inputs.iter().enumerate().filter(|(_, input)| !input.id.is_empty()) {
            let fate = self.fates.get(place);
            let attempt = Attempt {
                at_us: self.at_us,
                status: self.status,
                applied: fate == Some(&Fate::Applied),
                error: fate.and_then(Fate::error),
            };
            ledger.attempt(&self.call.object, &input.id, attempt, self.settings.recording);
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.account.shared.in_flight.fetch_sub(1, Relaxed);
        let ended_us = self.account.shared.clock.now_us();
        let call = CallEntry {
            at_us: self.at_us,
            ended_us,
            operation: self.call.operation,
            object: self.call.object.clone(),
            inputs: self.call.inputs().len() as u64,
            status: self.status,
            over: self.over,
        };
        let applied = self.fates.iter().filter(|fate| **fate == Fate::Applied).count() as u64;
        let refused = self.fates.iter().filter(|fate| fate.error().is_some()).count() as u64;
        let confirmed = self.strike.hit.is_none() && (200..300).contains(&self.status);
        let mut state = self.account.state();
        state.ledger.totals.refused += refused;
        state.ledger.totals.unconfirmed += if confirmed { 0 } else { applied };
        if self.call.operation.is_write() && self.settings.recording.attempts > 0 {
            self.record_attempts(&mut state.ledger);
        }
        state.ledger.leave(call, self.settings.recording);
    }
}

/// Carries a call out by HubSpot's rules.
fn perform(state: &mut State, call: &Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer {
    match (&call.body, call.operation) {
        (request::Body::Malformed(text), _) => {
            Refusal::validation(format!("Invalid input JSON: {text}")).answer(moment.correlation)
        }
        (request::Body::Batch(batch), Operation::BatchRead) => read::batch(state, &call.object, batch),
        (request::Body::Batch(batch), Operation::BatchArchive) => archive::batch(state, call, batch, moment),
        (request::Body::Batch(batch), _) => batch::write(state, call, batch, moment, fates),
        (request::Body::Search(search), _) => search::search(state, &call.object, search, moment),
        (request::Body::Property(given), _) => properties::create(state, &call.object, given, moment),
        (request::Body::Absent, Operation::Read) => read::one(state, call, moment),
        (request::Body::Absent, Operation::Archive) => archive::one(state, call, moment),
        (request::Body::Absent, Operation::PropertyRead) => properties::one(state, call, moment),
        (request::Body::Absent, Operation::PropertyList) => properties::list(state, &call.object),
        (request::Body::Absent, _) => Answer::html(404),
    }
}

/// An error answer with the body that goes with its status.
fn error(status: u16, retry_after_s: Option<u64>, correlation: &str) -> Answer {
    let refuse = |category: &str, message: &str| Refusal::new(status, category, message).answer(correlation);
    let answer = match status {
        400 => refuse("VALIDATION_ERROR", "There was a problem with the request."),
        401 => Answer::unauthorized(false, correlation),
        403 => refuse("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
        404 => Answer::not_found("Object not found.  objectId are usually numeric.", correlation),
        409 => refuse("CONFLICT", "The request conflicts with the present state of the object."),
        423 => refuse("LOCKED", "The resource is locked: too many of these in a very short period."),
        477 => refuse("MIGRATION_IN_PROGRESS", "This account is being moved between data hosting locations."),
        500.. => Answer::server_error(status, correlation),
        _ => refuse("VALIDATION_ERROR", "The request cannot be served."),
    };
    match retry_after_s {
        Some(seconds) => answer.with_header(header::RETRY_AFTER, &seconds.to_string()),
        None => answer,
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

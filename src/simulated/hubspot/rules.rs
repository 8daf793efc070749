//! HubSpot as a pretend CRM: which rule carries out which call, and how calls are turned away.
//! Not here: the rules themselves (`batch`, `read`, `archive`, `search`, `properties`, `limits`).

use axum::http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use serde_json::json;

use super::{
    State, archive, batch,
    limits::Meters,
    properties, read,
    request::{self, Call},
    search,
    settings::Settings,
    store::Store,
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    pretend::{Pretend, TurnedAway},
    words::{Operation, Policy},
};

/// The rules of HubSpot.
pub struct HubSpot;

impl Pretend for HubSpot {
    const NAME: &'static str = "hubspot";
    type Settings = Settings;
    type Meters = Meters;
    type Store = Store;
    type Call = Call;

    fn read(head: &Parts, body: &[u8]) -> Call {
        Call::read(&head.method, &head.uri, body)
    }

    fn arrive(meters: &mut Meters, now_us: u64, call: &Call, settings: &Settings) -> Option<Policy> {
        meters.arrive(now_us, call.operation == Operation::Search, settings)
    }

    fn leave(_: &mut Meters, _: u64) {}

    fn consume(meters: &mut Meters, now_us: u64, calls: u64, settings: &Settings) {
        meters.consume(now_us, calls, settings);
    }

    fn headers(state: &mut State, now_us: u64, call: &Call, correlation: &str) -> HeaderMap {
        let mut headers = state.meters.headers(now_us, call.operation == Operation::Search, &state.settings);
        if let Ok(value) = HeaderValue::from_str(correlation) {
            headers.insert(HeaderName::from_static("x-hubspot-correlation-id"), value);
        }
        headers
    }

    fn perform(state: &mut State, call: &Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer {
        perform(state, call, moment, fates)
    }

    fn lose(state: &mut State, object: &str, external_id: &str, now_us: u64) -> bool {
        archive::lose(state, (object, external_id), now_us)
    }

    fn turn_away(why: TurnedAway, settings: &Settings, correlation: &str) -> Answer {
        match why {
            TurnedAway::Limited(policy) => Answer::limited(policy, settings.hub_id, correlation),
            TurnedAway::Status(status) => error(status, correlation),
            TurnedAway::Expired => Answer::unauthorized(true, correlation),
            TurnedAway::Stranger => Answer::unauthorized(false, correlation),
            TurnedAway::TooLarge => {
                Refusal::new(413, "VALIDATION_ERROR", "the request is too large").answer(correlation)
            }
            TurnedAway::Silent => Answer::json(200, &json!({ "status": "COMPLETE", "results": [], "errors": [] })),
        }
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
fn error(status: u16, correlation: &str) -> Answer {
    let refuse = |category: &str, message: &str| Refusal::new(status, category, message).answer(correlation);
    match status {
        400 => refuse("VALIDATION_ERROR", "There was a problem with the request."),
        401 => Answer::unauthorized(false, correlation),
        403 => refuse("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
        404 => Answer::not_found("Object not found.  objectId are usually numeric.", correlation),
        409 => refuse("CONFLICT", "The request conflicts with the present state of the object."),
        423 => refuse("LOCKED", "The resource is locked: too many of these in a very short period."),
        477 => refuse("MIGRATION_IN_PROGRESS", "This account is being moved between data hosting locations."),
        500.. => Answer::server_error(status, correlation),
        _ => refuse("VALIDATION_ERROR", "The request cannot be served."),
    }
}

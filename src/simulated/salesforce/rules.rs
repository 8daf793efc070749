//! Salesforce as a pretend CRM: which rule carries out which call, and how calls are turned away.
//! Not here: the rules themselves (`write`, `delete`, `read`, `limits`).

use axum::http::{HeaderMap, request::Parts};
use serde_json::json;

use super::{
    State, answer, delete,
    limits::Meters,
    read,
    request::{Body, Call},
    settings::Settings,
    store::Store,
    write,
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    pretend::{Pretend, TurnedAway},
    words::Policy,
};

/// The rules of Salesforce.
pub struct Salesforce;

impl Pretend for Salesforce {
    const NAME: &'static str = "salesforce";
    type Settings = Settings;
    type Meters = Meters;
    type Store = Store;
    type Call = Call;

    fn read(head: &Parts, body: &[u8]) -> Call {
        Call::read(&head.method, &head.uri, body)
    }

    fn arrive(meters: &mut Meters, now_us: u64, _: &Call, settings: &Settings) -> Option<Policy> {
        meters.arrive(now_us, settings)
    }

    fn leave(meters: &mut Meters, arrived_us: u64) {
        meters.leave(arrived_us);
    }

    fn consume(meters: &mut Meters, now_us: u64, calls: u64, settings: &Settings) {
        meters.consume(now_us, calls, settings);
    }

    fn headers(state: &mut State, now_us: u64, _: &Call, _: &str) -> HeaderMap {
        state.meters.headers(now_us, &state.settings)
    }

    fn perform(state: &mut State, call: &Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer {
        match &call.body {
            Body::Records { all_or_none, records } => write::write(state, call, (*all_or_none, records), moment, fates),
            Body::Ids(ids) => delete::collection(state, ids, moment, fates),
            Body::Soql(soql) => read::query(state, soql),
            Body::Value(value) => read::one(state, call, value),
            Body::Malformed(text) => answer::refused(&Refusal::new(400, "JSON_PARSER_ERROR", text.as_str())),
            Body::UriTooLong => Answer::html(414),
            Body::Absent => answer::not_found(),
        }
    }

    fn lose(state: &mut State, object: &str, external_id: &str, now_us: u64) -> bool {
        delete::lose(state, (object, external_id), now_us)
    }

    fn turn_away(why: TurnedAway, _: &Settings, _: &str) -> Answer {
        match why {
            TurnedAway::Limited(policy) => answer::limited(policy),
            TurnedAway::Status(status) => answer::error(status),
            TurnedAway::Expired | TurnedAway::Stranger => answer::expired(),
            TurnedAway::TooLarge => Answer::html(413),
            TurnedAway::Silent => Answer::json(200, &json!([])),
        }
    }
}

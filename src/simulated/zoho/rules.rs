//! Zoho as a pretend CRM: which rule carries out which call, and how calls are turned away.
//! Not here: the rules themselves (`write`, `delete`, `read`, `limits`, `token`).

use axum::http::{HeaderMap, request::Parts};
use serde_json::json;

use super::{
    Accounts, State, answer, delete,
    limits::{Meters, Weight},
    read,
    request::{Body, Call},
    settings::Settings,
    store::Store,
    token, write,
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    pretend::{Pretend, TurnedAway},
    words::{Operation, Policy},
};

/// The rules of Zoho CRM.
pub struct Zoho;

impl Pretend for Zoho {
    const NAME: &'static str = "zoho";
    const SCHEME: &'static str = "Zoho-oauthtoken";
    type Settings = Settings;
    type Meters = Meters;
    type Store = Store;
    type Call = Call;

    fn sign_in(accounts: &Accounts, head: &Parts, body: &[u8]) -> Option<Answer> {
        token::answer(accounts, head, body)
    }

    fn read(head: &Parts, body: &[u8]) -> Call {
        Call::read(head, body)
    }

    fn arrive(meters: &mut Meters, now_us: u64, call: &Call, settings: &Settings) -> Option<Policy> {
        meters.arrive(now_us, Weight::of(call), settings)
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
            Body::Records { records, check } => write::write(state, call, (records, check.as_deref()), moment, fates),
            Body::Ids(ids) if call.operation == Operation::Read => read::one(state, call, ids),
            Body::Ids(ids) => delete::delete(state, call, ids, moment, fates),
            Body::Malformed(text) => answer::bare(&Refusal::new(400, "INVALID_DATA", text.as_str())),
            Body::Absent => answer::no_such_path(),
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
            TurnedAway::Silent => Answer::json(200, &json!({ "data": [] })),
        }
    }
}

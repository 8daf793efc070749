//! Pipedrive as a pretend CRM: which rule carries out which call, and how calls are turned away.
//! Not here: the rules themselves (`write`, `read`, `fields`, `limits`).

use axum::http::{HeaderMap, header, request::Parts};
use serde_json::json;

use super::{State, answer, fields, limits::Meters, read, request::Call, settings::Settings, store::Store, write};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    pretend::{Pretend, TurnedAway},
    words::{Operation, Policy},
};

/// The rules of Pipedrive.
pub struct Pipedrive;

impl Pretend for Pipedrive {
    const NAME: &'static str = "pipedrive";
    type Settings = Settings;
    type Meters = Meters;
    type Store = Store;
    type Call = Call;

    /// Of a user in a header of its own, of an application as a bearer's.
    fn access_token(headers: &HeaderMap) -> Option<&str> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        text("x-api-token").or_else(bearer).map(str::trim)
    }

    fn read(head: &Parts, body: &[u8]) -> Call {
        Call::read(&head.method, &head.uri, body)
    }

    fn arrive(meters: &mut Meters, now_us: u64, call: &Call, settings: &Settings) -> Option<Policy> {
        meters.arrive(now_us, call, settings)
    }

    fn leave(_: &mut Meters, _: u64) {}

    fn consume(meters: &mut Meters, now_us: u64, calls: u64, settings: &Settings) {
        meters.consume(now_us, calls, settings);
    }

    fn headers(state: &mut State, now_us: u64, _: &Call, _: &str) -> HeaderMap {
        state.meters.headers(now_us, &state.settings)
    }

    fn perform(state: &mut State, call: &Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer {
        let done = match call.operation {
            Operation::Create | Operation::Update | Operation::Archive => changed(state, call, moment, fates),
            Operation::Read => Ok(read::one(state, call)),
            Operation::Search => Ok(read::search(state, call, moment)),
            Operation::PropertyList => {
                let limit = call.query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(100);
                Ok(fields::list(state, &call.object, (limit, call.query.get("cursor").map(String::as_str))))
            }
            _ => Err(answer::not_found()),
        };
        done.unwrap_or_else(|refusal| answer::refused(&refusal))
    }

    fn lose(state: &mut State, object: &str, external_id: &str, now_us: u64) -> bool {
        write::lose(state, (object, external_id), now_us)
    }

    fn turn_away(why: TurnedAway, _: &Settings, _: &str) -> Answer {
        match why {
            TurnedAway::Limited(policy) => answer::limited(policy),
            TurnedAway::Status(status) => answer::error(status),
            TurnedAway::Expired | TurnedAway::Stranger => answer::unauthorized(),
            TurnedAway::TooLarge => Answer::html(413),
            TurnedAway::Silent => Answer::json(200, &json!({ "success": true, "data": null })),
        }
    }
}

/// A call that changes its one record, unless a script says otherwise.
fn changed(state: &mut State, call: &Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Result<Answer, Refusal> {
    if let Some(refusal) = moment.refusals.get(&0) {
        fates.push(Fate::Refused(refusal.category.clone()));
        return Ok(answer::refused_within(refusal));
    }
    let done = match call.operation {
        Operation::Archive => write::delete(state, &call.object, &call.id, moment.now_us),
        _ => write::write(state, call, moment.now_us),
    };
    fates.push(match &done {
        Ok(_) => Fate::Applied,
        Err(refusal) => Fate::Refused(refusal.status.to_string()),
    });
    done
}

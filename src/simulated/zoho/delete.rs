//! Deleting records, by their own ids or by the values of an external field.
//! Not here: the recycle bin.

use std::sync::Arc;

use serde_json::{Map, json};

use super::{
    State,
    answer::{bare, failed, rows},
    read::named,
    request::Call,
    write::{RECORDS_MAX, is_module, no_module, too_many},
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    ledger::Applied,
    row::EffectKind,
};

/// `DELETE /crm/v8/{module}?ids=…`
pub(super) fn delete(
    state: &mut State,
    call: &Call,
    ids: &[String],
    moment: &Moment<'_>,
    fates: &mut Vec<Fate>,
) -> Answer {
    if !is_module(&call.module, &state.settings) {
        return bare(&no_module());
    }
    if ids.len() > RECORDS_MAX {
        return bare(&too_many());
    }
    let mut results = Vec::with_capacity(ids.len());
    for (place, given) in ids.iter().enumerate() {
        let id = match (moment.refusals.get(&place), named(state, call, given)) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, Ok(id)) => id.ok_or_else(absent),
            (None, Err(refusal)) => return bare(&refusal),
        };
        results.push(match id.and_then(|id| remove(state, &id, moment.now_us).map(|()| id)) {
            Ok(id) => {
                fates.push(Fate::Applied);
                let mut details = Map::from_iter([("id".to_owned(), json!(id))]);
                let field = call.external.as_deref().and_then(|it| it.split_once('.'));
                details.extend(field.map(|(_, field)| (field.to_owned(), json!(given))));
                json!({ "code": "SUCCESS", "details": details, "message": "record deleted", "status": "success" })
            }
            Err(refusal) => {
                fates.push(Fate::Refused(refusal.category.clone()));
                failed(&refusal, None)
            }
        });
    }
    rows(&results, &state.settings)
}

fn absent() -> Refusal {
    Refusal::new(400, "INVALID_DATA", "the id given seems to be invalid")
}

fn remove(state: &mut State, id: &str, now_us: u64) -> Result<(), Refusal> {
    let record = state.store.remove(id).ok_or_else(absent)?;
    let recording = state.settings.recording;
    let applied = Applied {
        object: &record.module,
        external_id: &record.key,
        id: id.to_owned(),
        kind: EffectKind::Archived,
        before: Some(Arc::clone(&record.fields)),
        after: record.fields,
        marker: None,
    };
    state.ledger.apply(applied, now_us, recording);
    Ok(())
}

/// Not through the API.
pub(super) fn lose(state: &mut State, (module, key): (&str, &str), now_us: u64) -> bool {
    state.store.by_key(module, key).is_some_and(|id| remove(state, &id, now_us).is_ok())
}

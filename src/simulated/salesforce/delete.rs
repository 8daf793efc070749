//! Deleting a collection by record ids.
//! Not here: undeleting.

use std::sync::Arc;

use serde_json::json;

use super::{
    State,
    answer::{failed, refused},
    write::RECORDS_MAX,
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    ledger::Applied,
    row::EffectKind,
};

/// `DELETE …/composite/sobjects?ids=…`
pub(super) fn collection(state: &mut State, ids: &[String], moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer {
    if ids.len() > RECORDS_MAX {
        let message = format!("record limit reached. cannot submit more than {RECORDS_MAX} records into this call");
        return refused(&Refusal::new(400, "EXCEEDED_ID_LIMIT", message));
    }
    let mut results = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        let done = match moment.refusals.get(&place) {
            Some(refusal) => Err(refusal.clone()),
            None => delete(state, id, moment.now_us),
        };
        results.push(match done {
            Ok(()) => {
                fates.push(Fate::Applied);
                json!({ "id": id, "success": true, "errors": [] })
            }
            Err(refusal) => {
                fates.push(Fate::Refused(refusal.category.clone()));
                failed(&refusal)
            }
        });
    }
    Answer::json(200, &results)
}

fn delete(state: &mut State, id: &str, now_us: u64) -> Result<(), Refusal> {
    let Some(record) = state.store.remove(id) else {
        return Err(if state.store.was_deleted(id) {
            Refusal::new(404, "ENTITY_IS_DELETED", "entity is deleted")
        } else {
            Refusal::new(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        });
    };
    let recording = state.settings.recording;
    let applied = Applied {
        object: &record.object,
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
pub(super) fn lose(state: &mut State, (object, key): (&str, &str), now_us: u64) -> bool {
    state.store.by_key(object, key).is_some_and(|id| delete(state, &id, now_us).is_ok())
}

//! Archiving records by their ids: 204, also for what is not there.
//! Not here: restoring.

use std::sync::Arc;

use super::{
    State,
    batch::INPUTS_MAX,
    request::{Batch, Call},
};
use crate::simulated::{
    account::Moment,
    answer::{Answer, Refusal},
    ledger::Applied,
    row::EffectKind,
};

/// `DELETE /crm/v3/objects/{object}/{id}`
pub(super) fn one(state: &mut State, call: &Call, moment: &Moment<'_>) -> Answer {
    archive(state, &call.object, &call.id, moment.now_us);
    Answer::empty(204)
}

/// `POST …/batch/archive`
pub(super) fn batch(state: &mut State, call: &Call, batch: &Batch, moment: &Moment<'_>) -> Answer {
    if batch.inputs.len() > INPUTS_MAX {
        return Refusal::validation(format!("The number of inputs in a batch is limited to {INPUTS_MAX}"))
            .answer(moment.correlation);
    }
    for input in &batch.inputs {
        archive(state, &call.object, &input.id, moment.now_us);
    }
    Answer::empty(204)
}

fn archive(state: &mut State, object: &str, id: &str, now_us: u64) {
    let Some(shelf) = state.store.shelf(object) else { return };
    let Some(id) = shelf.resolve(None, id) else { return };
    let Some(record) = shelf.records.get(&id) else { return };
    let (key, last) = (record.key.clone(), Arc::clone(&record.properties));
    state.store.remove(object, id);
    let settings = Arc::clone(&state.settings);
    let applied = Applied {
        object,
        external_id: &key,
        id: id.to_string(),
        kind: EffectKind::Archived,
        before: Some(Arc::clone(&last)),
        after: last,
        marker: None,
    };
    state.ledger.apply(applied, now_us, settings.recording);
}

/// Not through the API.
pub(super) fn lose(state: &mut State, (object, key): (&str, &str), now_us: u64) -> bool {
    let records = state.store.shelf(object).map(|shelf| shelf.records.iter());
    let found = records.into_iter().flatten().find(|(_, record)| record.key == key).map(|(id, _)| *id);
    found.inspect(|id| archive(state, object, &id.to_string(), now_us)).is_some()
}

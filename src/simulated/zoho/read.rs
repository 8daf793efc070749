//! Reading one record, by its own id or by the value of an external field: what was written is there at once.
//! Not here: search, which lags.

use serde_json::{Map, Value, json};

use super::{State, answer::bare, request::Call, store::Place};
use crate::simulated::answer::{Answer, Refusal};

/// `GET /crm/v8/{module}/{id}`
pub(super) fn one(state: &State, call: &Call, ids: &[String]) -> Answer {
    let found = ids.first().map_or(Ok(None), |given| named(state, call, given));
    let record = match found {
        Ok(id) => id.and_then(|id| Some((state.store.get(&id)?, id))),
        Err(refusal) => return bare(&refusal),
    };
    let Some((record, id)) = record else { return Answer::empty(204) };
    let mut shown: Map<String, Value> =
        record.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    shown.insert("id".to_owned(), json!(id));
    Answer::json(200, &json!({ "data": [shown] }))
}

/// The record that an id of the request means: Zoho's own, or with `X-EXTERNAL` the value of that field.
pub(super) fn named(state: &State, call: &Call, given: &str) -> Result<Option<String>, Refusal> {
    let Some(external) = &call.external else {
        let record = state.store.get(given).filter(|record| record.module == call.module);
        return Ok(record.map(|_| given.to_owned()));
    };
    let field = external.split_once('.').filter(|(module, _)| *module == call.module).map(|(_, field)| field);
    let Some(field) = field.filter(|field| state.settings.external_fields.iter().any(|it| it == field)) else {
        let refusal = Refusal::new(400, "INVALID_DATA", "the external field given is invalid");
        return Err(Refusal { errors: Some(json!({ "header": "X-EXTERNAL" })), ..refusal });
    };
    let place = Place::of(&call.module, field, given, state.settings.case_sensitive);
    Ok(state.store.find(&place).into_iter().next())
}

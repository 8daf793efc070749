//! Reading records by id or key: what was written is there at once, unlike in a search.
//! Not here: searching (`search`).

use serde_json::{Map, Value, json};

use super::{
    State,
    request::{Batch, Call},
    store::{Properties, Record},
};
use crate::simulated::{account::Moment, answer::Answer, clock::iso};

/// `GET /crm/v3/objects/{object}/{id}?idProperty=&properties=`
pub(super) fn one(state: &State, call: &Call, moment: &Moment<'_>) -> Answer {
    let id_property = call.query.get("idProperty").map(String::as_str);
    let wanted: Vec<&str> = call.query.get("properties").map(|list| list.split(',').collect()).unwrap_or_default();
    let shelf = state.store.shelf(&call.object);
    let found = shelf.and_then(|shelf| {
        let id = shelf.resolve(id_property, &call.id)?;
        Some((id, shelf.records.get(&id)?))
    });
    match found {
        Some((id, record)) => Answer::json(200, &shown(id, record, &record.properties, &wanted)),
        None => Answer::not_found("Object not found.  objectId are usually numeric.", moment.correlation),
    }
}

/// `POST …/batch/read`: what is missing comes as one error with all its ids (207).
pub(super) fn batch(state: &State, object: &str, batch: &Batch) -> Answer {
    let wanted: Vec<&str> = batch.properties.iter().map(String::as_str).collect();
    let shelf = state.store.shelf(object);
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in &batch.inputs {
        let id_property = input.id_property.as_deref().or(batch.id_property.as_deref());
        let found = shelf.and_then(|shelf| {
            let id = shelf.resolve(id_property, &input.id)?;
            Some((id, shelf.records.get(&id)?))
        });
        match found {
            Some((id, record)) => results.push(shown(id, record, &record.properties, &wanted)),
            None => missing.push(&input.id),
        }
    }
    if missing.is_empty() {
        return Answer::json(200, &json!({ "status": "COMPLETE", "results": results }));
    }
    let error = json!({
        "status": "error", "category": "OBJECT_NOT_FOUND", "context": { "ids": missing },
        "message": "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
    });
    Answer::json(207, &json!({ "status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error] }))
}

/// A record as HubSpot shows it: the properties asked for and its own three.
pub(super) fn shown(id: u64, record: &Record, properties: &Properties, wanted: &[&str]) -> Value {
    let (created, updated) = (iso(record.created_us), iso(record.updated_us));
    let mut shown = Map::new();
    for name in wanted {
        shown.insert((*name).to_owned(), properties.get(*name).map_or(Value::Null, |value| json!(value)));
    }
    shown.insert("createdate".to_owned(), json!(created));
    shown.insert("hs_lastmodifieddate".to_owned(), json!(updated));
    shown.insert("hs_object_id".to_owned(), json!(id.to_string()));
    json!({
        "id": id.to_string(), "properties": shown, "createdAt": created, "updatedAt": updated, "archived": false
    })
}

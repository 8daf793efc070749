//! Reading records by the values of a field: what was written is there at once.
//! Not here: full-text search, which lags.

use serde_json::{Map, Value, json};

use super::{
    State,
    answer::{not_found, path, refused, several},
    request::Call,
    soql,
    store::{Lookup, Record, value},
};
use crate::simulated::answer::{Answer, Refusal};

/// `GET …/query?q=…`
pub(super) fn query(state: &State, soql: &str) -> Answer {
    let Some(asked) = soql::Lookup::read(soql) else {
        return refused(&Refusal::new(400, "MALFORMED_QUERY", "unexpected token"));
    };
    let settings = &state.settings;
    let fields = settings.external_id_fields.iter().chain(&settings.unique_fields);
    if !fields.into_iter().any(|field| field.eq_ignore_ascii_case(&asked.field)) {
        let message = format!("No such column '{}' on entity '{}'.", asked.field, asked.object);
        return refused(&Refusal::new(400, "INVALID_FIELD", message));
    }
    let lookup = Lookup { object: &asked.object, field: &asked.field, case_sensitive: settings.case_sensitive };
    let mut ids: Vec<String> = asked.values.iter().flat_map(|value| state.store.find(lookup, value)).collect();
    ids.sort();
    ids.dedup();
    let selected: Vec<&str> = asked.selected.iter().map(String::as_str).collect();
    let found = ids.iter().filter_map(|id| Some((id, state.store.get(id)?)));
    let records: Vec<Value> = found.map(|(id, record)| shown(id, record, &selected)).collect();
    Answer::json(200, &json!({ "totalSize": records.len(), "done": true, "records": records }))
}

/// `GET …/sobjects/{object}/{field}/{value}`
pub(super) fn one(state: &State, call: &Call, wanted: &str) -> Answer {
    let case_sensitive = state.settings.case_sensitive;
    let lookup = Lookup { object: &call.object, field: &call.field, case_sensitive };
    let ids = state.store.find(lookup, wanted);
    match ids.as_slice() {
        [] => not_found(),
        [id] => match state.store.get(id) {
            Some(record) => {
                let all: Vec<&str> = record.fields.keys().map(String::as_str).collect();
                Answer::json(200, &shown(id, record, &all))
            }
            None => not_found(),
        },
        [..] => several(&call.object, &ids),
    }
}

fn shown(id: &str, record: &Record, selected: &[&str]) -> Value {
    let mut shown = Map::new();
    shown.insert("attributes".to_owned(), json!({ "type": record.object, "url": path(&record.object, id) }));
    shown.insert("Id".to_owned(), json!(id));
    for name in selected.iter().filter(|name| !name.eq_ignore_ascii_case("id")) {
        shown.insert((*name).to_owned(), json!(value(&record.fields, name).filter(|value| !value.is_empty())));
    }
    Value::Object(shown)
}

//! Reading one record, which is there at once, and searching by a field, which shows what was a while ago.
//! Not here: the limit of searches (`limits`).

use serde_json::{Value, json};

use super::{
    State,
    answer::{invalid, not_found, page, refused, well},
    fields,
    request::Call,
    store::Record,
};
use crate::simulated::{account::Moment, answer::Answer};

/// `GET /api/v2/persons/{id}?custom_fields=…`
pub(super) fn one(state: &State, call: &Call) -> Answer {
    match state.store.get(&call.object, &call.id) {
        Some(record) => well(&shown(&call.object, &call.id, record)),
        None => refused(&not_found()),
    }
}

/// `GET /api/v2/itemSearch/field?term&entity_type&field&match`; case counts.
pub(super) fn search(state: &State, call: &Call, moment: &Moment<'_>) -> Answer {
    let text = |name: &str| call.query.get(name).map(String::as_str).unwrap_or_default();
    let object = match text("entity_type") {
        "person" => "persons",
        "organization" => "organizations",
        "deal" => "deals",
        "lead" => "leads",
        _ => return refused(&invalid("entity_type must be one of deal, lead, person, organization")),
    };
    let list = fields::list_of(object).unwrap_or_default();
    if !fields::custom(&state.settings, list).iter().any(|(key, _)| key == text("field")) {
        return refused(&invalid("field is not a searchable field of that type"));
    }
    if text("term").is_empty() || text("match") != "exact" {
        return refused(&invalid("this server matches exactly, a term of at least one character"));
    }
    let limit = call.query.get("limit").and_then(|it| it.parse().ok()).unwrap_or(100_usize).min(500);
    let found = state.store.search(object, (text("field"), text("term")), moment.now_us);
    let next = (limit < found.len()).then(|| limit.to_string());
    let items: Vec<Value> = found
        .iter()
        .take(limit)
        .map(|(id, record)| json!({ "result_score": 1.0, "item": { "id": own_id(object, id), "name": name(record) } }))
        .collect();
    page(&items, next)
}

/// A record as version 2 shows it, a lead as version 1.
pub(super) fn shown(object: &str, id: &str, record: &Record) -> Value {
    let mut shown = record.fields.clone();
    shown.insert("id".to_owned(), own_id(object, id));
    if object == "leads" {
        shown.extend(record.custom.clone());
    } else {
        shown.insert("is_deleted".to_owned(), json!(record.is_deleted));
        shown.insert("custom_fields".to_owned(), json!(record.custom));
    }
    Value::Object(shown)
}

fn own_id(object: &str, id: &str) -> Value {
    let number = id.parse::<u64>().ok().filter(|_| object != "leads");
    number.map_or_else(|| json!(id), |it| json!(it))
}

fn name(record: &Record) -> Value {
    let named = record.fields.get("name").or_else(|| record.fields.get("title"));
    named.cloned().unwrap_or_default()
}

//! Creating, changing and deleting one record by Pipedrive's rules.
//! Not here: reading.

use std::sync::Arc;

use rand::RngExt;
use serde_json::{Map, Value};

use super::{
    State,
    answer::{invalid, not_found, well},
    fields,
    read::shown,
    request::{Body, Call, is_key},
    settings::Settings,
    store::Record,
};
use crate::simulated::{
    answer::{Answer, Refusal},
    ledger::Applied,
    row::{EffectKind, Properties},
    words::Operation,
};

/// Properties that are numbers: a text is refused, though it be of digits.
const NUMBERS: [&str; 7] = ["owner_id", "org_id", "person_id", "organization_id", "stage_id", "pipeline_id", "deal_id"];

type Members = Map<String, Value>;

/// Creates or changes a record.
///
/// # Errors
/// Why Pipedrive refuses it.
pub(super) fn write(state: &mut State, call: &Call, now_us: u64) -> Result<Answer, Refusal> {
    let members = match &call.body {
        Body::Record(members) => members,
        Body::Malformed(text) => return Err(invalid(text.as_str())),
        Body::Absent => return Err(invalid("the body is missing")),
    };
    let settings = Arc::clone(&state.settings);
    let (fields, custom) = parted(call, members)?;
    check(call, &fields, &custom, &settings)?;
    let old = match call.operation {
        Operation::Update => {
            let old = state.store.get(&call.object, &call.id).cloned();
            // A lead that is deleted is gone, all else stays for 30 days.
            let old = old.filter(|it| call.object != "leads" || !it.is_deleted);
            Some(old.ok_or_else(not_found)?)
        }
        _ => {
            check_required(&call.object, &fields)?;
            None
        }
    };
    let created = old.is_none();
    let id = if created { state.store.allocate(&call.object) } else { call.id.clone() };
    let before = old.as_ref().map(|it| Arc::new(texts(it)));
    let mut record = old.unwrap_or_default();
    record.fields.extend(fields);
    record.custom.extend(custom);
    if created {
        record.key = key(&record, call, &settings).unwrap_or_else(|| id.clone());
        let doubled = !state.store.by_key(&call.object, &record.key).is_empty();
        state.ledger.totals.doubles += u64::from(doubled);
    }
    let kind = if created { EffectKind::Created } else { EffectKind::Updated };
    put(state, (&call.object, &id), record.clone(), (kind, before), now_us);
    Ok(well(&shown(&call.object, &id, &record)))
}

/// # Errors
/// It is not there.
pub(super) fn delete(state: &mut State, object: &str, id: &str, now_us: u64) -> Result<Answer, Refusal> {
    let mut record = state.store.get(object, id).filter(|it| !it.is_deleted).cloned().ok_or_else(not_found)?;
    let before = Some(Arc::new(texts(&record)));
    let answer = well(&serde_json::json!({ "id": shown(object, id, &record).get("id") }));
    record.is_deleted = true;
    put(state, (object, id), record, (EffectKind::Archived, before), now_us);
    Ok(answer)
}

/// Not through the API.
pub(super) fn lose(state: &mut State, (object, key): (&str, &str), now_us: u64) -> bool {
    let ids = state.store.by_key(object, key);
    for id in &ids {
        drop(delete(state, object, id, now_us));
    }
    !ids.is_empty()
}

fn put(
    state: &mut State,
    (object, id): (&str, &str),
    record: Record,
    (kind, before): (EffectKind, Option<Arc<Properties>>),
    now_us: u64,
) {
    let settings = Arc::clone(&state.settings);
    let lag = settings.search_lag;
    let ms = if lag.min_ms < lag.max_ms { state.dice.random_range(lag.min_ms..lag.max_ms) } else { lag.min_ms };
    let lag = std::time::Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    let seen_from = now_us.saturating_add(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX));
    let after = Arc::new(texts(&record));
    let marker = if kind == EffectKind::Archived { None } else { after.get(&settings.marker).cloned() };
    let key = record.key.clone();
    state.store.put(object, id, record, (now_us, seen_from));
    let (external_id, id, marker) = (key.as_str(), id.to_owned(), marker.as_ref());
    let applied = Applied { object, external_id, id, kind, before, after, marker };
    state.ledger.apply(applied, now_us, settings.recording);
}

/// Properties and custom fields: version 2 has these in a member of their own.
fn parted(call: &Call, members: &Members) -> Result<(Members, Members), Refusal> {
    let mut fields = members.clone();
    if call.object == "leads" {
        let keys: Vec<String> = fields.keys().filter(|name| is_key(name)).cloned().collect();
        let custom = keys.into_iter().filter_map(|key| fields.remove_entry(&key)).collect();
        return Ok((fields, custom));
    }
    if let Some(name) = fields.keys().find(|name| is_key(name)) {
        return Err(invalid(format!("{name} belongs into custom_fields")));
    }
    match fields.remove("custom_fields") {
        Some(Value::Object(custom)) => Ok((fields, custom)),
        Some(_) => Err(invalid("custom_fields must be an object")),
        None => Ok((fields, Map::new())),
    }
}

fn check(call: &Call, fields: &Members, custom: &Members, settings: &Settings) -> Result<(), Refusal> {
    let list = fields::list_of(&call.object).unwrap_or_default();
    let known = fields::custom(settings, list);
    if let Some(name) = custom.keys().find(|name| !known.iter().any(|(key, _)| key == *name)) {
        return Err(invalid(format!("custom_fields: {name} is no field of {}", call.object)));
    }
    if custom.values().any(|value| !value.is_string() && !value.is_null()) {
        return Err(invalid("custom_fields: a varchar field takes a string"));
    }
    for (name, value) in fields.iter().filter(|(name, _)| NUMBERS.contains(&name.as_str())) {
        if !value.is_number() && !value.is_null() {
            return Err(invalid(format!("Parameter '{name}' should be a number, received {value}")));
        }
    }
    let poisoned = |value: &Value| settings.poison.as_ref().is_some_and(|it| value.to_string().contains(it));
    if fields.values().any(poisoned) {
        return Err(invalid("Request body is not valid"));
    }
    Ok(())
}

fn check_required(object: &str, fields: &Members) -> Result<(), Refusal> {
    let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
    let required = match object {
        "persons" | "organizations" => "name",
        "deals" | "leads" => "title",
        _ => return Ok(()),
    };
    if !has(required) {
        return Err(invalid(format!("Parameter '{required}' is required")));
    }
    if object == "leads" && !has("person_id") && !has("organization_id") {
        return Err(invalid("A lead must be linked to a person or an organization"));
    }
    Ok(())
}

/// What a new record is filed under.
fn key(record: &Record, call: &Call, settings: &Settings) -> Option<String> {
    let field = fields::key_of(settings, &call.object)?;
    record.custom.get(&field).and_then(Value::as_str).map(str::to_owned)
}

fn texts(record: &Record) -> Properties {
    let all = record.fields.iter().chain(&record.custom);
    all.map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect()
}

//! Writing records by Zoho's rules: what refuses a call whole, what only one record, and its answer.
//! Not here: which record an upsert is for (`matching`), deleting (`delete`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    State,
    answer::{bare, failed, of_field, rows},
    matching::{self, Found, system_field},
    request::{Call, Record, shown, text},
    settings::Settings,
    store,
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    ledger::Applied,
    row::{EffectKind, Properties},
    words::Operation,
};

/// "A maximum of 100 records can be inserted or updated per call"
pub(super) const RECORDS_MAX: usize = 100;
/// The longest value of a single-line field.
const TEXT_CHARS_MAX: usize = 255;
const MODULES: [&str; 4] = ["Leads", "Contacts", "Accounts", "Deals"];

/// What a call gives: its records, and the fields that tell them apart.
pub(super) type Given<'a> = (&'a [Record], Option<&'a [String]>);

/// Writes records and says what became of each.
pub(super) fn write(
    state: &mut State,
    call: &Call,
    given: Given<'_>,
    moment: &Moment<'_>,
    fates: &mut Vec<Fate>,
) -> Answer {
    let (records, check) = given;
    if let Err(refusal) = check_whole(call, given, &state.settings) {
        fates.extend(records.iter().map(|_| Fate::Refused(refusal.category.clone())));
        return bare(&refusal);
    }
    let mut results = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        let planned = match moment.refusals.get(&place) {
            Some(refusal) => Err(refusal.clone()),
            None => plan(state, call, record, check),
        };
        results.push(match planned {
            Ok(found) => {
                fates.push(Fate::Applied);
                apply(state, call, (record, check), found, moment.now_us)
            }
            Err(refusal) => {
                fates.push(Fate::Refused(refusal.category.clone()));
                failed(&refusal, Some(place))
            }
        });
    }
    rows(&results, &state.settings)
}

/// Whether the module is there, and can be written.
pub(super) fn is_module(module: &str, settings: &Settings) -> bool {
    MODULES.contains(&module) || settings.custom_modules.iter().any(|it| it == module)
}

pub(super) fn no_module() -> Refusal {
    let refusal = Refusal::new(400, "INVALID_MODULE", "the module name given seems to be invalid");
    Refusal { errors: Some(json!({ "resource_path_index": 0 })), ..refusal }
}

pub(super) fn too_many() -> Refusal {
    Refusal::new(400, "LIMIT_EXCEEDED", format!("more than {RECORDS_MAX} records in one call"))
}

fn check_whole(call: &Call, (records, check): Given<'_>, settings: &Settings) -> Result<(), Refusal> {
    if !is_module(&call.module, settings) {
        return Err(no_module());
    }
    if records.len() > RECORDS_MAX {
        return Err(too_many());
    }
    let is_known = |field: &String| settings.is_unique(field) || field == system_field(&call.module);
    if records.is_empty() || !check.unwrap_or_default().iter().all(is_known) {
        return Err(Refusal::new(400, "INVALID_DATA", "invalid data"));
    }
    let is_poison = |value: &Value| settings.poison.as_ref().is_some_and(|marker| shown(value).contains(marker));
    if records.iter().any(|record| record.values().any(is_poison)) {
        return Err(Refusal::new(400, "INVALID_DATA", "body"));
    }
    Ok(())
}

/// Checks one record against the organisation as it is: the record it is for, if that exists.
fn plan(state: &State, call: &Call, record: &Record, check: Option<&[String]>) -> Result<Option<Found>, Refusal> {
    let found = match call.operation {
        Operation::BatchUpsert => matching::target(state, &call.module, record, check)?,
        _ => None,
    };
    check_values(record)?;
    if found.is_none() && state.settings.mandatory_fields {
        check_mandatory(&call.module, record)?;
    }
    matching::check_unique(state, &call.module, record, found.as_ref().map(|it| it.id.as_str()))?;
    Ok(found)
}

fn check_values(record: &Record) -> Result<(), Refusal> {
    let email = text(record, "Email");
    if !email.is_empty() && !email.contains('@') {
        return Err(of_field("INVALID_DATA", "invalid data", "Email"));
    }
    let is_long = |(_, value): &(&String, &Value)| value.as_str().is_some_and(|it| it.chars().count() > TEXT_CHARS_MAX);
    record.iter().find(is_long).map_or(Ok(()), |(name, _)| Err(of_field("INVALID_DATA", "invalid data", name)))
}

fn check_mandatory(module: &str, record: &Record) -> Result<(), Refusal> {
    let mandatory: &[&str] = match module {
        "Contacts" => &["Last_Name"],
        "Accounts" => &["Account_Name"],
        "Deals" => &["Deal_Name", "Stage"],
        "Leads" => &["Last_Name", "Company"],
        _ => &["Name"],
    };
    let missing = mandatory.iter().find(|name| text(record, name).is_empty());
    missing.map_or(Ok(()), |name| Err(of_field("MANDATORY_NOT_FOUND", "required field not found", name)))
}

fn apply(
    state: &mut State,
    call: &Call,
    (record, check): (&Record, Option<&[String]>),
    found: Option<Found>,
    now_us: u64,
) -> Value {
    let settings = Arc::clone(&state.settings);
    let (action, field) = match &found {
        Some(found) => ("update", Some(found.field.clone())),
        None => ("insert", None),
    };
    let kind = if found.is_some() { EffectKind::Updated } else { EffectKind::Created };
    let id = found.map_or_else(|| state.store.allocate(), |it| it.id);
    let before = state.store.get(&id).map(|old| Arc::clone(&old.fields));
    let after = Arc::new(merged(before.as_deref(), record));
    let key_field = check.and_then(|it| it.first()).or_else(|| settings.external_fields.first());
    let key = key_field.map(|it| text(record, it)).unwrap_or_default();
    let system = system_field(&call.module).to_owned();
    let looked_up: Vec<String> = settings.unique().cloned().chain([system]).collect();
    let held = store::Record { module: call.module.clone(), key: key.clone(), fields: Arc::clone(&after) };
    state.store.put(&id, held, &looked_up, settings.case_sensitive);
    let marker = text(record, &settings.marker);
    let applied = Applied {
        object: &call.module,
        external_id: &key,
        id: id.clone(),
        kind,
        before,
        after,
        marker: Some(&marker).filter(|marker| !marker.is_empty()),
    };
    state.ledger.apply(applied, now_us, settings.recording);
    let message = if kind == EffectKind::Created { "record added" } else { "record updated" };
    json!({
        "code": "SUCCESS", "duplicate_field": field, "action": action,
        "details": { "id": id }, "message": message, "status": "success"
    })
}

/// The fields after a write; `null` clears.
fn merged(before: Option<&Properties>, record: &Record) -> Properties {
    let mut after = before.cloned().unwrap_or_default();
    after.extend(record.iter().map(|(name, value)| (name.clone(), shown(value))));
    after
}

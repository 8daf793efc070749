//! Writing a collection by Salesforce's rules: what refuses it whole, what only one record, and its answer.
//! Not here: deleting (`delete`).

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{
    State,
    answer::{failed, of_fields, refused},
    request::{Call, Record, shown},
    settings::Settings,
    store::{self, Lookup, value},
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    ledger::Applied,
    row::{EffectKind, Properties},
    words::Operation,
};

/// "up to 200 records"
pub(super) const RECORDS_MAX: usize = 200;
/// The longest value of an external-ID field.
const KEY_CHARS_MAX: usize = 255;

/// Writes a collection and says what became of each record.
pub(super) fn write(
    state: &mut State,
    call: &Call,
    (all_or_none, records): (bool, &[Record]),
    moment: &Moment<'_>,
    fates: &mut Vec<Fate>,
) -> Answer {
    let settings = Arc::clone(&state.settings);
    if let Err(refusal) = check(call, records, &settings) {
        fates.extend(records.iter().map(|_| Fate::Refused(refusal.category.clone())));
        return refused(&refusal);
    }
    let mut results = Vec::with_capacity(records.len());
    let mut seen = BTreeSet::new();
    let bad = |state: &State, place: usize, record: &Record, seen: &mut BTreeSet<String>| {
        let scripted = moment.refusals.get(&place).cloned();
        scripted.map_or_else(|| plan(state, call, record, seen), Err)
    };
    let mut rehearsed = BTreeSet::new();
    let rolled_back = all_or_none
        && records.iter().enumerate().any(|(place, record)| bad(state, place, record, &mut rehearsed).is_err());
    for (place, record) in records.iter().enumerate() {
        let result = match bad(state, place, record, &mut seen) {
            Ok(_) if rolled_back => {
                fates.push(Fate::Untouched);
                failed(&Refusal::new(
                    400,
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header",
                ))
            }
            Ok(found) => {
                fates.push(Fate::Applied);
                apply(state, call, record, found, moment.now_us)
            }
            Err(refusal) => {
                fates.push(Fate::Refused(refusal.category.clone()));
                failed(&refusal)
            }
        };
        results.push(result);
    }
    Answer::json(200, &results)
}

/// What refuses a collection whole.
fn check(call: &Call, records: &[Record], settings: &Settings) -> Result<(), Refusal> {
    if records.len() > RECORDS_MAX {
        let message = format!("record limit reached. cannot submit more than {RECORDS_MAX} records into this call");
        return Err(Refusal::new(400, "EXCEEDED_ID_LIMIT", message));
    }
    let is_upsert = call.operation == Operation::BatchUpsert;
    if is_upsert && !is_listed(&settings.external_id_fields, &call.field) {
        let message = format!("Provided external ID field does not exist or is not accessible: {}", call.field);
        return Err(Refusal::new(404, "NOT_FOUND", message));
    }
    for record in records {
        if is_upsert && !record.object.eq_ignore_ascii_case(&call.object) {
            let message = format!("a record of {} in a collection of {}", record.object, call.object);
            return Err(Refusal::new(400, "INVALID_TYPE", message));
        }
        for (name, value) in &record.fields {
            if settings.poison.as_ref().is_some_and(|marker| shown(value).contains(marker)) {
                return Err(Refusal::new(400, "JSON_PARSER_ERROR", "The request cannot be parsed."));
            }
            if !is_known(settings, name) {
                let message = format!("No such column '{name}' on sobject of type {}", record.object);
                return Err(Refusal::new(400, "INVALID_FIELD", message));
            }
        }
    }
    Ok(())
}

fn is_known(settings: &Settings, name: &str) -> bool {
    let Some(known) = &settings.known_fields else { return true };
    is_listed(known, name) || is_listed(&settings.external_id_fields, name) || is_listed(&settings.unique_fields, name)
}

fn is_listed(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Checks one record against the org as it is: the record it is for, if that exists.
fn plan(state: &State, call: &Call, record: &Record, seen: &mut BTreeSet<String>) -> Result<Option<String>, Refusal> {
    let settings = &state.settings;
    let found = if call.operation == Operation::BatchUpsert { target(state, call, record, seen)? } else { None };
    check_values(settings, record)?;
    if found.is_none() && settings.required_fields {
        check_required(record)?;
    }
    let of_keys = settings.external_id_fields.iter().filter(|_| settings.unique);
    for field in of_keys.chain(&settings.unique_fields) {
        let value = record.text(field);
        let lookup = Lookup { object: &record.object, field, case_sensitive: settings.case_sensitive };
        let holder = state.store.find(lookup, &value).into_iter().find(|id| Some(id) != found.as_ref());
        if let Some(holder) = holder.filter(|_| !value.is_empty()) {
            let message = format!("duplicate value found: {field} duplicates value on record with id: {holder}");
            return Err(Refusal::new(400, "DUPLICATE_VALUE", message));
        }
    }
    Ok(found)
}

/// The record that an upsert is for.
fn target(state: &State, call: &Call, record: &Record, seen: &mut BTreeSet<String>) -> Result<Option<String>, Refusal> {
    let settings = &state.settings;
    let key = record.text(&call.field);
    if record.fields.keys().any(|name| name.eq_ignore_ascii_case("id")) {
        return Err(of_fields("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an upsert call", &["Id"]));
    }
    if key.is_empty() {
        return Err(Refusal::new(400, "MISSING_ARGUMENT", format!("{} not specified", call.field)));
    }
    if key.chars().count() > KEY_CHARS_MAX {
        let message = format!("{}: data value too large: (max length={KEY_CHARS_MAX})", call.field);
        return Err(of_fields("STRING_TOO_LONG", message, &[&call.field]));
    }
    let folded = if settings.case_sensitive { key.clone() } else { key.to_lowercase() };
    if !seen.insert(folded) {
        return Err(Refusal::new(400, "DUPLICATE_EXTERNAL_ID", format!("Duplicate external id specified: {key}")));
    }
    let lookup = Lookup { object: &call.object, field: &call.field, case_sensitive: settings.case_sensitive };
    match state.store.find(lookup, &key).as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => {
            let ids = several.join(", ");
            let message = format!("{}: more than one record found for external id field: [{ids}]", call.field);
            Err(Refusal::new(400, "DUPLICATE_EXTERNAL_ID", message))
        }
    }
}

fn check_values(settings: &Settings, record: &Record) -> Result<(), Refusal> {
    let email = record.text("Email");
    if !email.is_empty() && !email.contains('@') {
        return Err(of_fields("INVALID_EMAIL_ADDRESS", format!("Email: invalid email address: {email}"), &["Email"]));
    }
    let is_key = |name: &str| is_listed(&settings.external_id_fields, name);
    match record.fields.iter().find(|(name, value)| is_key(name) && value.is_object()) {
        Some((name, _)) => {
            Err(of_fields("INVALID_TYPE_ON_FIELD_IN_RECORD", format!("{name}: value not of required type"), &[name]))
        }
        None => Ok(()),
    }
}

fn check_required(record: &Record) -> Result<(), Refusal> {
    let required: &[&str] = match record.object.as_str() {
        "Contact" => &["LastName"],
        "Account" => &["Name"],
        "Opportunity" => &["Name", "StageName", "CloseDate"],
        "Lead" => &["LastName", "Company"],
        _ => &[],
    };
    let missing: Vec<&str> = required.iter().filter(|name| record.text(name).is_empty()).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Err(of_fields("REQUIRED_FIELD_MISSING", message, &missing))
}

fn apply(state: &mut State, call: &Call, record: &Record, found: Option<String>, now_us: u64) -> Value {
    let settings = Arc::clone(&state.settings);
    let created = found.is_none();
    let id = found.unwrap_or_else(|| state.store.allocate(&record.object));
    let old = state.store.get(&id).cloned();
    let before = old.as_ref().map(|old| Arc::clone(&old.fields));
    let after = Arc::new(merged(before.as_deref(), record));
    let key = match (call.operation, old) {
        (Operation::BatchUpsert, _) => record.text(&call.field),
        (_, Some(old)) => old.key,
        (_, None) => settings.external_id_fields.first().map(|field| record.text(field)).unwrap_or_default(),
    };
    let looked_up: Vec<String> = settings.external_id_fields.iter().chain(&settings.unique_fields).cloned().collect();
    let held = store::Record { object: record.object.clone(), key: key.clone(), fields: Arc::clone(&after) };
    state.store.put(&id, held, &looked_up, settings.case_sensitive);
    let marker = record.text(&settings.marker);
    let applied = Applied {
        object: &record.object,
        external_id: &key,
        id: id.clone(),
        kind: if created { EffectKind::Created } else { EffectKind::Updated },
        before,
        after,
        marker: Some(&marker).filter(|marker| !marker.is_empty()),
    };
    state.ledger.apply(applied, now_us, settings.recording);
    match call.operation {
        Operation::BatchUpsert => json!({ "id": id, "success": true, "errors": [], "created": created }),
        _ => json!({ "id": id, "success": true, "errors": [] }),
    }
}

/// The fields after a write; a field keeps the name that it was first given.
fn merged(before: Option<&Properties>, record: &Record) -> Properties {
    let mut after = before.cloned().unwrap_or_default();
    for (name, given) in &record.fields {
        let known = value(&after, name).is_some();
        let kept = after.keys().find(|kept| known && kept.eq_ignore_ascii_case(name)).cloned();
        after.insert(kept.unwrap_or_else(|| name.clone()), shown(given));
    }
    after
}

//! The rules for writing one record: which it is, unknown properties, unique values; and the write itself.
//! Not here: batches and their answers (`batch`).

use std::{collections::HashMap, sync::Arc};

use serde_json::json;

use super::{
    State,
    request::{Call, Input},
    settings::Settings,
    store::{Properties, Shelf, Target},
};
use crate::simulated::{answer::Refusal, ledger::Applied, row::EffectKind, words::Operation};

/// Unique values that earlier inputs of the same batch will set: (property, value) → record.
pub(super) type Claims = HashMap<(String, String), u64>;

/// A write that nothing forbids.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) id: u64,
    pub(super) is_new: bool,
    changes: Properties,
}

/// Checks one input against the account as it is and the inputs before it.
pub(super) fn plan(state: &mut State, call: &Call, input: &Input, claims: &mut Claims) -> Result<Plan, Refusal> {
    let settings = Arc::clone(&state.settings);
    check_known(state.store.shelf_mut(&call.object), input, &settings)?;
    let mut changes = input.properties.clone();
    let found = match call.operation {
        Operation::BatchCreate | Operation::Create => None,
        _ => {
            let id_property = input.id_property.as_deref();
            if let (Some(property), Operation::BatchUpsert) = (id_property, call.operation) {
                changes.entry(property.to_owned()).or_insert_with(|| input.id.clone());
            }
            state.store.shelf(&call.object).and_then(|shelf| shelf.resolve(id_property, &input.id))
        }
    };
    if found.is_none() && matches!(call.operation, Operation::BatchUpdate | Operation::Update) {
        return Err(Refusal::new(404, "OBJECT_NOT_FOUND", format!("Could not find object with id {}", input.id)));
    }
    let id = found.unwrap_or_else(|| state.store.allocate());
    let is_new = found.is_none();
    let plan = Plan { id, is_new, changes };
    check_unique(state, call, &plan, claims)?;
    Ok(plan)
}

/// Carries a plan out; when the record was created, in microseconds.
pub(super) fn apply(state: &mut State, call: &Call, input: &Input, plan: &Plan, now_us: u64) -> u64 {
    let settings = Arc::clone(&state.settings);
    let filed = filed_under(state, call, input, plan, &settings);
    let marker = plan.changes.get(&settings.marker);
    let target = Target { object: &call.object, id: plan.id, key: &filed };
    let (before, after) = state.store.put(target, plan.changes.clone(), now_us, &settings);
    let kind = if before.is_none() { EffectKind::Created } else { EffectKind::Updated };
    let applied =
        Applied { object: &call.object, external_id: &filed, id: plan.id.to_string(), kind, before, after, marker };
    state.ledger.apply(applied, now_us, settings.recording);
    if let Some(max) = settings.records_max
        && let Some((object, key)) = state.store.forget_beyond(max)
    {
        state.ledger.totals.forgotten_records += 1;
        state.ledger.forget(&object, &key);
    }
    let record = state.store.shelf(&call.object).and_then(|shelf| shelf.records.get(&plan.id));
    record.map_or(now_us, |record| record.created_us)
}

/// Upserts are filed under the key they name, creates under the account's key property, the rest as created.
fn filed_under(state: &State, call: &Call, input: &Input, plan: &Plan, settings: &Settings) -> String {
    if call.operation == Operation::BatchUpsert {
        return input.id.clone();
    }
    let record = state.store.shelf(&call.object).and_then(|shelf| shelf.records.get(&plan.id));
    let key = settings.unique_properties.iter().find_map(|name| plan.changes.get(name));
    record.map(|record| &record.key).or(key).cloned().unwrap_or_else(|| plan.id.to_string())
}

fn check_known(shelf: &Shelf, input: &Input, settings: &Settings) -> Result<(), Refusal> {
    let Some(known) = &settings.known_properties else { return Ok(()) };
    let is_known = |name: &str| {
        known.iter().any(|known| known == name)
            || settings.unique_properties.iter().any(|unique| unique == name)
            || shelf.declared.contains_key(name)
    };
    let unknown: Vec<&String> = input.properties.keys().filter(|name| !is_known(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let details: Vec<_> = unknown
        .iter()
        .map(|name| {
            let message = format!("Property \"{name}\" does not exist");
            json!({
                "isValid": false, "message": message, "error": "PROPERTY_DOESNT_EXIST", "name": name,
                "localizedErrorMessage": message, "portalId": settings.hub_id
            })
        })
        .collect();
    let errors: Vec<_> = unknown
        .iter()
        .map(|name| {
            json!({
                "message": format!("Property \"{name}\" does not exist"), "code": "PROPERTY_DOESNT_EXIST",
                "context": { "propertyName": [name] }
            })
        })
        .collect();
    let message = format!("Property values were not valid: {}", json!(details));
    Err(Refusal::validation(message).with_errors(json!(errors)))
}

fn check_unique(state: &mut State, call: &Call, plan: &Plan, claims: &mut Claims) -> Result<(), Refusal> {
    let settings = Arc::clone(&state.settings);
    let shelf = state.store.shelf_mut(&call.object);
    for (name, value) in plan.changes.iter().filter(|(_, value)| !value.is_empty()) {
        if !shelf.is_unique(&call.object, name, &settings) {
            continue;
        }
        let folded = if name == "email" { value.to_lowercase() } else { value.clone() };
        let claim = (name.clone(), folded);
        let holder = shelf.find(name, value).or_else(|| claims.get(&claim).copied());
        match holder.filter(|holder| *holder != plan.id) {
            Some(holder) => return Err(conflict(call, plan, (name, value), holder, settings.hub_id)),
            None => claims.insert(claim, plan.id),
        };
    }
    Ok(())
}

fn conflict(call: &Call, plan: &Plan, (name, value): (&str, &str), holder: u64, hub_id: u64) -> Refusal {
    let is_create = matches!(call.operation, Operation::BatchCreate | Operation::Create);
    if is_create && call.object == "contacts" && name == "email" {
        return Refusal::new(409, "CONFLICT", format!("Contact already exists. Existing ID: {holder}"));
    }
    let object = legacy_type(&call.object);
    Refusal::validation(format!(
        "Cannot set PropertyValueCoordinates{{portalId={hub_id}, objectTypeId=ObjectTypeId{{legacyObjectType={object}}}, \
         propertyName={name}, value={value}}} on {}. {holder} already has that value.",
        plan.id
    ))
}

fn legacy_type(object: &str) -> String {
    match object {
        "companies" => "COMPANY".to_owned(),
        other => other.trim_end_matches('s').to_uppercase(),
    }
}

//! A batch of writes by HubSpot's rules: what refuses it whole, what only one input, and its answer.
//! Not here: the rules for one input (`write`).

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    State,
    request::{Batch, Call, Input, type_id},
    settings::Settings,
    write::{self, Claims, Plan},
};
use crate::simulated::{
    account::{Fate, Moment},
    answer::{Answer, Refusal},
    clock::iso,
    words::Operation,
};

/// HubSpot: "Object API batch endpoints are limited to 100 inputs per request".
pub(super) const INPUTS_MAX: usize = 100;

/// Writes a batch (or a single record, which is a batch of one) and says what became of each input.
pub(super) fn write(
    state: &mut State,
    call: &Call,
    batch: &Batch,
    moment: &Moment<'_>,
    fates: &mut Vec<Fate>,
) -> Answer {
    if let Err(refusal) = check(state, call, batch) {
        fates.extend(batch.inputs.iter().map(|_| Fate::Refused(refusal.category.clone())));
        return refusal.answer(moment.correlation);
    }
    let plans = plan(state, call, batch, moment);
    let refused = plans.iter().find_map(|plan| plan.as_ref().err());
    if let (Some(refusal), false) = (refused, has_own_errors(call, batch, &state.settings)) {
        let answer = refusal.answer(moment.correlation);
        fates.extend(plans.iter().map(|plan| match plan {
            Ok(_) => Fate::Untouched,
            Err(refusal) => Fate::Refused(refusal.category.clone()),
        }));
        return answer;
    }
    let mut written = Vec::with_capacity(plans.len());
    let mut errors = Vec::new();
    for (input, plan) in batch.inputs.iter().zip(plans) {
        match plan {
            Ok(plan) => {
                written.push(apply(state, call, input, &plan, moment));
                fates.push(Fate::Applied);
            }
            Err(refusal) => {
                errors.push(own_error(input, &refusal));
                fates.push(Fate::Refused(refusal.category));
            }
        }
    }
    if state.settings.shuffle {
        written.shuffle(&mut state.dice);
    }
    answer(call.operation, &written, &errors, moment)
}

/// What refuses a batch whole, trace ids or not.
fn check(state: &mut State, call: &Call, batch: &Batch) -> Result<(), Refusal> {
    if batch.inputs.len() > INPUTS_MAX {
        let count = batch.inputs.len();
        return Err(Refusal::validation(format!(
            "The number of inputs in a batch is limited to {INPUTS_MAX}, but {count} were given"
        )));
    }
    if let Some(marker) = &state.settings.poison {
        let values = batch.inputs.iter().flat_map(|input| input.properties.values());
        if values.into_iter().any(|value| value.contains(marker.as_str())) {
            return Err(Refusal::validation("There was a problem with the request."));
        }
    }
    if matches!(call.operation, Operation::BatchUpsert | Operation::BatchUpdate | Operation::Update) {
        check_keys(state, call, batch)?;
    }
    Ok(())
}

/// Keys must be of unique properties, and none may come twice.
fn check_keys(state: &mut State, call: &Call, batch: &Batch) -> Result<(), Refusal> {
    let settings = std::sync::Arc::clone(&state.settings);
    let shelf = state.store.shelf_mut(&call.object);
    let mut seen = BTreeSet::new();
    for input in &batch.inputs {
        let property = match (&input.id_property, call.operation) {
            (Some(property), _) => property.as_str(),
            (None, Operation::BatchUpsert) => "hs_object_id",
            (None, _) => "",
        };
        if !property.is_empty() && !shelf.is_unique(&call.object, property, &settings) {
            return Err(Refusal::validation(format!(
                "Unable to perform update/upsert by non-unique {} property {property}",
                type_id(&call.object)
            )));
        }
        if input.id.is_empty() {
            return Err(Refusal::validation("Some required fields were not set: [id]"));
        }
        let id = if property == "email" { input.id.to_lowercase() } else { input.id.clone() };
        if !seen.insert((property, id)) {
            return Err(Refusal::validation(format!("Duplicate IDs found in batch input: [{}]", input.id)));
        }
    }
    Ok(())
}

/// Errors come per input only with a trace id on every input, and (if so set) only for creates.
fn has_own_errors(call: &Call, batch: &Batch, settings: &Settings) -> bool {
    let kind = match call.operation {
        Operation::BatchCreate => true,
        Operation::BatchUpsert | Operation::BatchUpdate => settings.partial_errors,
        Operation::BatchRead
        | Operation::BatchArchive
        | Operation::Create
        | Operation::Update
        | Operation::Read
        | Operation::Archive
        | Operation::Search
        | Operation::PropertyRead
        | Operation::PropertyList
        | Operation::PropertyCreate
        | Operation::Query
        | Operation::Unknown => false,
    };
    kind && batch.inputs.iter().all(|input| input.object_write_trace_id.is_some())
}

fn plan(state: &mut State, call: &Call, batch: &Batch, moment: &Moment<'_>) -> Vec<Result<Plan, Refusal>> {
    let mut claims = Claims::default();
    let mut plans = Vec::with_capacity(batch.inputs.len());
    for (place, input) in batch.inputs.iter().enumerate() {
        plans.push(match moment.refusals.get(&place) {
            Some(refusal) => Err(refusal.clone()),
            None => write::plan(state, call, input, &mut claims),
        });
    }
    plans
}

/// One result of a batch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    id: String,
    properties: BTreeMap<&'a str, String>,
    created_at: String,
    updated_at: String,
    archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_write_trace_id: Option<&'a str>,
}

fn apply<'a>(state: &mut State, call: &Call, input: &'a Input, plan: &Plan, moment: &Moment<'_>) -> Written<'a> {
    let created_us = write::apply(state, call, input, plan, moment.now_us);
    let updated = iso(moment.now_us);
    let created = if created_us == moment.now_us { updated.clone() } else { iso(created_us) };
    let mut properties: BTreeMap<&str, String> =
        input.properties.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    if let Some(property) = &input.id_property {
        properties.entry(property).or_insert_with(|| input.id.clone());
    }
    properties.insert("hs_object_id", plan.id.to_string());
    properties.insert("createdate", created.clone());
    properties.insert("hs_lastmodifieddate", updated.clone());
    Written {
        id: plan.id.to_string(),
        properties,
        created_at: created,
        updated_at: updated,
        archived: false,
        new: (call.operation == Operation::BatchUpsert).then_some(plan.is_new),
        object_write_trace_id: input.object_write_trace_id.as_deref(),
    }
}

fn own_error(input: &Input, refusal: &Refusal) -> Value {
    json!({
        "status": "error", "category": refusal.category, "message": refusal.message,
        "context": { "objectWriteTraceId": [input.object_write_trace_id] }
    })
}

fn answer(operation: Operation, written: &[Written<'_>], errors: &[Value], moment: &Moment<'_>) -> Answer {
    let is_create = matches!(operation, Operation::BatchCreate | Operation::Create);
    if let (Operation::Create | Operation::Update, [one]) = (operation, written) {
        return Answer::json(if is_create { 201 } else { 200 }, one);
    }
    let (started, completed) = (iso(moment.now_us), iso(moment.now_us));
    if errors.is_empty() {
        let body = Complete { status: "COMPLETE", results: written, started_at: started, completed_at: completed };
        return Answer::json(if is_create { 201 } else { 200 }, &body);
    }
    let body = json!({
        "status": "COMPLETE", "results": written, "numErrors": errors.len(), "errors": errors,
        "startedAt": started, "completedAt": completed
    });
    Answer::json(207, &body)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Complete<'a> {
    status: &'static str,
    results: &'a [Written<'a>],
    started_at: String,
    completed_at: String,
}

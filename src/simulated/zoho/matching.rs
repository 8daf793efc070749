//! Which record an upsert is for, and what stands against writing it.
//! Not here: writing it (`write`).
//!
//! Upsert guide: the fields of `duplicate_check_fields` are looked at in their order, then all other unique fields; if
//! none are named, the module's own duplicate-check field goes first.

use serde_json::json;

use super::{
    State,
    answer::of_field,
    request::{Record, text},
    store::Place,
};
use crate::simulated::answer::Refusal;

/// The record that an upsert is for, and the field that told.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) field: String,
}

/// The module's own duplicate-check field. It is not enforced: several records may have one value.
pub(super) fn system_field(module: &str) -> &'static str {
    match module {
        "Leads" | "Contacts" => "Email",
        "Accounts" => "Account_Name",
        "Deals" => "Deal_Name",
        _ => "Name",
    }
}

/// The record that `record` is for, if that exists.
pub(super) fn target(
    state: &State,
    module: &str,
    record: &Record,
    check: Option<&[String]>,
) -> Result<Option<Found>, Refusal> {
    let own = [system_field(module).to_owned()];
    let first = check.unwrap_or(&own);
    let others = state.settings.unique().filter(|field| !first.contains(field));
    for field in first.iter().chain(others) {
        match holders(state, module, field, &text(record, field)).as_slice() {
            [] => {}
            [id] => return Ok(Some(Found { id: id.clone(), field: field.clone() })),
            [..] => {
                let message = "more than one record matches";
                return Err(of_field("AMBIGUITY_DURING_PROCESSING", message, field));
            }
        }
    }
    Ok(None)
}

/// Refuses a record whose unique values others have already.
pub(super) fn check_unique(state: &State, module: &str, record: &Record, own: Option<&str>) -> Result<(), Refusal> {
    let taken = state.settings.unique().filter_map(|field| {
        let holders = holders(state, module, field, &text(record, field));
        let holder = holders.into_iter().find(|id| Some(id.as_str()) != own)?;
        Some(duplicate(field, &holder))
    });
    let mut taken: Vec<Refusal> = taken.collect();
    if taken.len() > 1 {
        let errors: Vec<_> = taken.iter().map(|it| super::answer::failed(it, None)).collect();
        let refusal = Refusal::new(400, "MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request");
        return Err(Refusal { errors: Some(json!({ "errors": errors })), ..refusal });
    }
    taken.pop().map_or(Ok(()), Err)
}

fn duplicate(field: &str, holder: &str) -> Refusal {
    let details = json!({
        "api_name": field, "duplicate_record": { "id": holder }, "id": holder, "more_records": false
    });
    Refusal { errors: Some(details), ..Refusal::new(400, "DUPLICATE_DATA", "duplicate data") }
}

fn holders(state: &State, module: &str, field: &str, value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    state.store.find(&Place::of(module, field, value, state.settings.case_sensitive))
}

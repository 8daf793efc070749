//! The properties of an object: reading them, and creating one whose values are unique.
//! Not here: values.

use serde_json::{Value, json};

use super::{State, request::Call};
use crate::simulated::{
    account::Moment,
    answer::{Answer, Refusal},
};

/// HubSpot allows so many properties with unique values per object.
const UNIQUE_MAX: usize = 10;

/// `GET /crm/v3/properties/{object}/{name}`
pub(super) fn one(state: &State, call: &Call, moment: &Moment<'_>) -> Answer {
    match find(state, &call.object, &call.id) {
        Some(property) => Answer::json(200, &property),
        None => Answer::not_found(&format!("Property \"{}\" does not exist", call.id), moment.correlation),
    }
}

/// `GET /crm/v3/properties/{object}`
pub(super) fn list(state: &State, object: &str) -> Answer {
    let settings = &state.settings;
    let mut names: Vec<String> = ["email", "hs_object_id"].map(str::to_owned).to_vec();
    names.extend(settings.unique_properties.iter().cloned());
    names.extend(settings.known_properties.iter().flatten().cloned());
    names.extend(state.store.shelf(object).into_iter().flat_map(|shelf| shelf.declared.keys().cloned()));
    names.sort();
    names.dedup();
    let results: Vec<Value> = names.iter().filter_map(|name| find(state, object, name)).collect();
    Answer::json(200, &json!({ "results": results }))
}

/// `POST /crm/v3/properties/{object}`: 201, or 409 the second time.
pub(super) fn create(state: &mut State, object: &str, given: &Value, moment: &Moment<'_>) -> Answer {
    let text = |member: &str| given.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let required = ["name", "label", "type", "fieldType", "groupName"];
    let missing: Vec<&str> = required.into_iter().filter(|member| text(member).is_none()).collect();
    let (Some(name), true) = (text("name"), missing.is_empty()) else {
        let message = format!("Some required fields were not set: [{}]", missing.join(", "));
        return Refusal::validation(message).answer(moment.correlation);
    };
    if find(state, object, name).is_some() {
        let message = format!("A property named '{name}' already exists.");
        return Refusal::new(409, "OBJECT_ALREADY_EXISTS", message).answer(moment.correlation);
    }
    let shelf = state.store.shelf_mut(object);
    let is_unique = |property: &Value| property.get("hasUniqueValue") == Some(&Value::Bool(true));
    if is_unique(given) && shelf.declared.values().filter(|property| is_unique(property)).count() >= UNIQUE_MAX {
        let message = format!("An object can have at most {UNIQUE_MAX} properties with unique values.");
        return Refusal::validation(message).answer(moment.correlation);
    }
    shelf.declared.insert(name.to_owned(), given.clone());
    Answer::json(201, &described(given.clone()))
}

fn find(state: &State, object: &str, name: &str) -> Option<Value> {
    let settings = &state.settings;
    let shelf = state.store.shelf(object);
    if let Some(given) = shelf.and_then(|shelf| shelf.declared.get(name)) {
        return Some(described(given.clone()));
    }
    let is_listed = |names: &[String]| names.iter().any(|known| known == name);
    let is_email = object == "contacts" && name == "email";
    let is_unique = is_email || is_listed(&settings.unique_properties);
    let is_known = is_unique || name == "hs_object_id" || is_listed(settings.known_properties.as_deref()?);
    is_known.then(|| {
        described(json!({
            "name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "information",
            "hasUniqueValue": is_unique
        }))
    })
}

/// A property as HubSpot shows it: what was given, and the members that are always there.
fn described(mut property: Value) -> Value {
    if let Some(members) = property.as_object_mut() {
        for (member, value) in [
            ("description", json!("")),
            ("options", json!([])),
            ("displayOrder", json!(-1)),
            ("calculated", json!(false)),
            ("externalOptions", json!(false)),
            ("archived", json!(false)),
            ("hasUniqueValue", json!(false)),
            ("hidden", json!(false)),
            ("formField", json!(false)),
            (
                "modificationMetadata",
                json!({ "archivable": true, "readOnlyDefinition": false, "readOnlyValue": false }),
            ),
        ] {
            members.entry(member).or_insert(value);
        }
    }
    property
}

//! The definitions of fields: names that people gave, keys that Pipedrive made, other ones in each account.
//! Not here: the values (`store`).

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{State, settings::Settings};
use crate::simulated::answer::Answer;

/// The list of fields of an object. Leads have those of deals.
pub(super) fn list_of(object: &str) -> Option<&'static str> {
    match object {
        "persons" => Some("personFields"),
        "organizations" => Some("organizationFields"),
        "deals" | "leads" => Some("dealFields"),
        _ => None,
    }
}

/// The keys of the custom fields of a list, with their names.
pub(super) fn custom<'a>(settings: &'a Settings, list: &str) -> Vec<(String, &'a str)> {
    let names = settings.custom_fields.iter().enumerate();
    names.map(|(place, name)| (key(settings.seed, list, place, name), name.as_str())).collect()
}

/// The key of the field that writers file records of this object under.
pub(super) fn key_of(settings: &Settings, object: &str) -> Option<String> {
    let list = list_of(object)?;
    custom(settings, list).into_iter().find(|(_, name)| *name == settings.key_field).map(|(key, _)| key)
}

/// 40 hex digits.
fn key(seed: u64, list: &str, place: usize, name: &str) -> String {
    let text = format!("{list}/{place}/{name}");
    let (long, short) = (xxh3_128_with_seed(text.as_bytes(), seed), xxh3_128_with_seed(text.as_bytes(), !seed));
    format!("{long:032x}{:08x}", short & 0xffff_ffff)
}

/// `GET /api/v2/{list}?limit&cursor`
pub(super) fn list(state: &State, list: &str, (limit, cursor): (usize, Option<&str>)) -> Answer {
    let own = ["name", "owner_id", "add_time"].map(|code| (code.to_owned(), code, "varchar", false));
    let custom = custom(&state.settings, list).into_iter().map(|(key, name)| (key, name, "varchar", true));
    let all: Vec<Value> = own.into_iter().chain(custom).map(|(code, name, kind, is_custom)| {
        json!({ "field_name": name, "field_code": code, "field_type": kind, "is_custom_field": is_custom, "options": null })
    }).collect();
    let start: usize = cursor.and_then(|it| it.parse().ok()).unwrap_or(0);
    let page: Vec<&Value> = all.iter().skip(start).take(limit).collect();
    let end = start.saturating_add(page.len());
    let next = (end < all.len()).then(|| end.to_string());
    Answer::json(200, &json!({ "success": true, "data": page, "additional_data": { "next_cursor": next } }))
}

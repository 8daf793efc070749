//! How Pipedrive names objects, what requests for them cost, and how it takes properties.
//! Not here: requests and answers.

use crate::crm::members::Members;
use crate::model::Object;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One kind of record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Below the base URL.
    pub(super) path: &'static str,
    /// Where our external ID lies; none: there is no field for it.
    pub(super) key: Option<KeyField>,
    pub(super) price: Prices,
    /// What a new one is unless its properties say.
    pub(super) activity: Option<&'static str>,
}

/// The custom field that holds our external ID.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyField {
    /// The list of the object's fields. Leads have those of deals.
    pub(super) list: &'static str,
    /// The object's name in searches.
    pub(super) entity: &'static str,
    /// Whether custom fields stand in a member of their own: v2, but not v1.
    pub(super) nested: bool,
}

/// What requests for one record cost, in the company's tokens of a day.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prices {
    pub(super) write: u32,
    pub(super) read: u32,
    pub(super) delete: u32,
}

const V2: Prices = Prices { write: 5, read: 1, delete: 3 };
const V1: Prices = Prices { write: 10, read: 2, delete: 6 };

static PERSON: Kind = Kind {
    path: "api/v2/persons",
    key: Some(KeyField { list: "personFields", entity: "person", nested: true }),
    price: V2,
    activity: None,
};
static ORGANIZATION: Kind = Kind {
    path: "api/v2/organizations",
    key: Some(KeyField { list: "organizationFields", entity: "organization", nested: true }),
    price: V2,
    activity: None,
};
static DEAL: Kind = Kind {
    path: "api/v2/deals",
    key: Some(KeyField { list: "dealFields", entity: "deal", nested: true }),
    price: V2,
    activity: None,
};
static LEAD: Kind = Kind {
    path: "api/v1/leads",
    key: Some(KeyField { list: "dealFields", entity: "lead", nested: false }),
    price: V1,
    activity: None,
};
static CALL: Kind = Kind { path: "api/v2/activities", key: None, price: V2, activity: Some("call") };
static ACTIVITY: Kind = Kind { path: "api/v2/activities", key: None, price: V2, activity: None };

/// # Errors
/// What Sluicegate does not write at Pipedrive: says what it does.
pub(super) fn kind(object: &Object) -> Result<&'static Kind, &'static str> {
    Ok(match &*object.0 {
        "contact" | "persons" => &PERSON,
        "company" | "organizations" => &ORGANIZATION,
        "deal" | "deals" => &DEAL,
        "lead" | "leads" => &LEAD,
        "call" => &CALL,
        "activities" => &ACTIVITY,
        _ => {
            return Err("the object is none that is written at Pipedrive: contact, company, deal, lead, call, or \
                        persons, organizations, deals, leads, activities");
        }
    })
}

/// The key of a custom field: 40 hex digits.
pub(super) fn is_field_key(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A record's own id: a number, or of a lead a UUID. It stands in paths, so that nothing else passes.
pub(super) fn is_record_id(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The body of a write: properties as they were given, custom fields where this kind of record has them, and our
/// external ID (`field`, value) among them.
///
/// # Errors
/// What Pipedrive would take for something else; no value is named.
pub(super) fn body(kind: &Kind, text: &str, own: Option<(&str, &str)>) -> Result<Vec<u8>, &'static str> {
    let Members(mut members) = serde_json::from_str(text).map_err(|_| "the properties are no JSON object")?;
    if members.contains_key("id") {
        return Err(
            "a property is named id, Pipedrive's own record id; leave it out: the external id names the record",
        );
    }
    let given = members.remove("custom_fields");
    let mut custom: BTreeMap<Cow<'_, str>, &RawValue> = match given {
        Some(given) if given.get() != "null" => {
            let Members(custom) = serde_json::from_str(given.get()).map_err(|_| "custom_fields is no JSON object")?;
            custom
        }
        Some(_) | None => BTreeMap::new(),
    };
    let keys: Vec<Cow<'_, str>> = members.keys().filter(|it| is_field_key(it)).cloned().collect();
    custom.extend(keys.into_iter().filter_map(|key| members.remove_entry(&key)));
    let external_id = own.map(|(_, value)| raw(value)).transpose()?;
    if let (Some((field, _)), Some(value)) = (own, &external_id) {
        custom.insert(Cow::Borrowed(field), value);
    }
    let nested = kind.key.as_ref().is_none_or(|it| it.nested);
    let wrapped = if nested && !custom.is_empty() { Some(raw(&custom)?) } else { None };
    match &wrapped {
        Some(custom) => drop(members.insert(Cow::Borrowed("custom_fields"), custom)),
        None => members.extend(custom),
    }
    let activity = kind.activity.map(raw).transpose()?;
    if let Some(activity) = &activity {
        members.entry(Cow::Borrowed("type")).or_insert(activity);
    }
    serde_json::to_vec(&members).map_err(|_| "the properties cannot be written as JSON")
}

fn raw(value: &(impl serde::Serialize + ?Sized)) -> Result<Box<RawValue>, &'static str> {
    to_raw_value(value).map_err(|_| "the properties cannot be written as JSON")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::sync::Arc;

    const KEY: &str = "cfeeec2bba7701f08f4bf816fb1b660f47f0b337";
    const OTHER: &str = "3cf514651ae1bd89ffebff82c53ee608669957ae";

    fn named(object: &str) -> &'static Kind {
        kind(&Object(Arc::from(object))).unwrap()
    }

    fn written(object: &str, text: &str, own: Option<(&str, &str)>) -> String {
        String::from_utf8(body(named(object), text, own).unwrap()).unwrap()
    }

    #[test]
    fn objects_are_those_of_the_contract_or_the_apis_own() {
        for (ours, theirs) in
            [("contact", "persons"), ("company", "organizations"), ("deal", "deals"), ("lead", "leads")]
        {
            assert_eq!(named(ours), named(theirs));
        }
        assert_eq!(named("call").path, named("activities").path);
        for object in ["", "notes", "../users", "Contact"] {
            assert!(kind(&Object(Arc::from(object))).is_err(), "{object:?}");
        }
    }

    #[test]
    fn custom_fields_stand_in_a_member_of_their_own_and_our_external_id_is_ours() {
        let text = format!(r#"{{"name":"Ada","value":1.50,"{OTHER}":[1,2],"custom_fields":{{"{KEY}":"theirs"}}}}"#);
        assert_eq!(
            written("contact", &text, Some((KEY, "c\"1"))),
            format!(r#"{{"custom_fields":{{"{OTHER}":[1,2],"{KEY}":"c\"1"}},"name":"Ada","value":1.50}}"#)
        );
    }

    #[test]
    fn a_leads_custom_fields_stand_among_its_others() {
        let text = format!(r#"{{"title":"T","custom_fields":{{"{OTHER}":"x"}}}}"#);
        assert_eq!(written("lead", &text, Some((KEY, "l1"))), format!(r#"{{"{OTHER}":"x","{KEY}":"l1","title":"T"}}"#));
    }

    #[test]
    fn a_call_is_an_activity_of_that_type_unless_it_says_otherwise() {
        assert_eq!(written("call", r#"{"subject":"S"}"#, None), r#"{"subject":"S","type":"call"}"#);
        assert_eq!(written("call", r#"{"type":"zoom"}"#, None), r#"{"type":"zoom"}"#);
        assert_eq!(written("activities", "{}", None), "{}");
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for text in ["", "[]", "{\"a\":1", "{\"id\":1}", "{\"custom_fields\":[]}", "{\"custom_fields\":7}"] {
            assert!(body(&PERSON, text, None).is_err(), "{text:?}");
        }
        assert_eq!(written("deal", r#"{"custom_fields":null}"#, None), "{}");
    }

    #[test]
    fn ids_and_field_keys_are_told_from_what_could_leave_its_place() {
        assert!(is_field_key(KEY) && !is_field_key("external_id"));
        for id in ["1", "6551", "adf21080-0e10-11eb-879b-05d71fb426ec"] {
            assert!(is_record_id(id), "{id}");
        }
        for id in ["", "1/2", "..", "1?x", "é"] {
            assert!(!is_record_id(id), "{id}");
        }
    }
}

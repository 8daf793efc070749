//! How Zoho CRM names modules and takes records: JSON members of any type under the API names of fields.
//! Not here: requests and answers.

use crate::crm::members::Members;
use crate::model::Object;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

const NAME_BYTES_MAX: usize = 100;
/// Activities are not among the modules that upserts are documented for.
const ACTIVITIES: [&str; 5] = ["call", "calls", "tasks", "events", "activities"];

/// The API name of a module. It stands in paths, so that nothing but a name passes.
///
/// # Errors
/// What is no API name, or a module that cannot be written without risk: says why.
pub(super) fn module(object: &Object) -> Result<&str, &'static str> {
    let name: &str = &object.0;
    Ok(match name {
        "contact" => "Contacts",
        "company" => "Accounts",
        "deal" => "Deals",
        "lead" => "Leads",
        "" => return Err("the object has no name"),
        _ if ACTIVITIES.iter().any(|it| name.eq_ignore_ascii_case(it)) => {
            return Err("Zoho CRM does not upsert calls, tasks and events by an external id, and this version does \
                 not write them; leave them out of this connection's jobs");
        }
        _ if NAME_BYTES_MAX < name.len() => return Err("the object's name is longer than 100 bytes"),
        _ if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            return Err("the object's name is no API name: letters, digits and _, such as Vendors");
        }
        _ => name,
    })
}

/// One record: its external ID under its field, its other members as they were given.
#[derive(Debug)]
pub(super) struct Record<'a> {
    id_field: &'a str,
    external_id: &'a str,
    others: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Record<'a> {
    /// # Errors
    /// What Zoho would take for something else; no value is named.
    pub(super) fn read(text: &'a str, (id_field, external_id): (&'a str, &'a str)) -> Result<Self, &'static str> {
        let Members(mut others) = serde_json::from_str(text).map_err(|_| "the properties are no JSON object")?;
        others.remove(id_field);
        if others.keys().any(|name| name.eq_ignore_ascii_case("id")) {
            return Err("a property is named id, Zoho's own record id; leave it out: the external id names the record");
        }
        Ok(Self { id_field, external_id, others })
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.others.len() + 1))?;
        map.serialize_entry(self.id_field, self.external_id)?;
        for (name, value) in &self.others {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::sync::Arc;

    fn object(name: &str) -> Object {
        Object(Arc::from(name))
    }

    #[test]
    fn objects_become_modules_and_nothing_else_passes() {
        let table = [
            ("contact", "Contacts"),
            ("company", "Accounts"),
            ("deal", "Deals"),
            ("lead", "Leads"),
            ("Vendors", "Vendors"),
            ("CustomModule7", "CustomModule7"),
        ];
        for (given, named) in table {
            assert_eq!(module(&object(given)).unwrap(), named);
        }
        for given in ["", ".", "..", "a/b", "a b", "Contacts?x", "größe", &"x".repeat(101)] {
            assert!(module(&object(given)).is_err(), "{given:?}");
        }
    }

    #[test]
    fn activities_are_refused_and_the_refusal_says_why() {
        for given in ["call", "Calls", "Tasks", "Events", "Activities"] {
            assert!(module(&object(given)).unwrap_err().contains("does not write them"), "{given}");
        }
    }

    #[test]
    fn values_keep_their_types_and_the_external_id_is_ours() {
        let text =
            r#"{"Amount":1.50,"Opt_Out":true,"Note":null,"Ext":"theirs","Tags":["a"],"Account_Name":{"id":"7"}}"#;
        let record = Record::read(text, ("Ext", "ours\"")).unwrap();
        assert_eq!(
            serde_json::to_string(&record).unwrap(),
            r#"{"Ext":"ours\"","Account_Name":{"id":"7"},"Amount":1.50,"Note":null,"Opt_Out":true,"Tags":["a"]}"#
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for text in ["", "[]", "{\"a\":1", "{\"id\":\"7\"}", "{\"ID\":\"7\"}"] {
            assert!(Record::read(text, ("Ext", "x")).is_err(), "{text:?}");
        }
    }
}

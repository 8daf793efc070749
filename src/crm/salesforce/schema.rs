//! How Salesforce names objects and takes records: JSON members of any type but lists.
//! Not here: requests and answers.

use crate::crm::members::Members;
use crate::model::Object;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

const NAME_BYTES_MAX: usize = 255;

/// The API name of an object. It stands in paths and queries, so that nothing but a name passes.
///
/// # Errors
/// What is no API name: says which rule it breaks.
pub(super) fn name(object: &Object) -> Result<&str, &'static str> {
    let name: &str = &object.0;
    Ok(match name {
        "contact" => "Contact",
        "company" => "Account",
        "deal" => "Opportunity",
        "lead" => "Lead",
        "call" => "Task",
        "" => return Err("the object has no name"),
        _ if NAME_BYTES_MAX < name.len() => return Err("the object's name is longer than 255 bytes"),
        _ if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            return Err("the object's name is no API name: letters, digits and _, such as Invoice__c");
        }
        _ => name,
    })
}

/// One record of a collection: its type, its external ID under its field, its other members as they were given.
#[derive(Debug)]
pub(super) struct Record<'a> {
    object: &'a str,
    id_field: &'a str,
    external_id: &'a str,
    others: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Record<'a> {
    /// # Errors
    /// What Salesforce would take for something else, or refuse together with the whole call; no value is named.
    pub(super) fn read(
        text: &'a str,
        object: &'a str,
        (id_field, external_id): (&'a str, &'a str),
    ) -> Result<Self, &'static str> {
        let Members(mut others) = serde_json::from_str(text).map_err(|_| "the properties are no JSON object")?;
        // Field names have no case there: the same field twice would be an error of the whole call.
        others.retain(|name, _| !name.eq_ignore_ascii_case(id_field));
        for (name, value) in &others {
            if name.eq_ignore_ascii_case("attributes") {
                return Err("a property is named attributes, which is no field at Salesforce; rename it");
            }
            if name.eq_ignore_ascii_case("id") {
                return Err(
                    "a property is named Id, Salesforce's own record id; leave it out: the external id names the record",
                );
            }
            if value.get().starts_with('[') {
                return Err("a property value is a list; Salesforce takes one text such as a;b, map it to one");
            }
        }
        Ok(Self { object, id_field, external_id, others })
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.others.len() + 2))?;
        map.serialize_entry("attributes", &Attributes { object: self.object })?;
        map.serialize_entry(self.id_field, self.external_id)?;
        for (name, value) in &self.others {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Attributes<'a> {
    #[serde(rename = "type")]
    object: &'a str,
}

/// A text between quotes in a query, so that nothing of it can end it (SOQL reference, quoted string escapes).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for char in text.chars() {
        match char {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::sync::Arc;

    #[test]
    fn objects_become_api_names_and_nothing_else_passes() {
        let object = |name: &str| Object(Arc::from(name));
        let table = [
            ("contact", "Contact"),
            ("company", "Account"),
            ("deal", "Opportunity"),
            ("lead", "Lead"),
            ("call", "Task"),
            ("Invoice__c", "Invoice__c"),
            ("ns__Thing__c", "ns__Thing__c"),
        ];
        for (given, named) in table {
            assert_eq!(name(&object(given)).unwrap(), named);
        }
        for given in ["", ".", "..", "a/b", "a b", "Contact WHERE", "a'b", "größe", &"x".repeat(256)] {
            assert!(name(&object(given)).is_err(), "{given:?}");
        }
    }

    #[test]
    fn values_keep_their_types_and_the_external_id_is_ours() {
        let text =
            r#"{"Amount":1.50,"Vip__c":true,"Note__c":null,"ext__C":"theirs","Account":{"Ext__c":"a_1"},"A":"é\""}"#;
        let record = Record::read(text, "Contact", ("Ext__c", "ours\"")).unwrap();
        assert_eq!(
            serde_json::to_string(&record).unwrap(),
            concat!(
                r#"{"attributes":{"type":"Contact"},"Ext__c":"ours\"","A":"é\"","Account":{"Ext__c":"a_1"},"#,
                r#""Amount":1.50,"Note__c":null,"Vip__c":true}"#
            )
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let texts = ["", "[]", "{\"a\":1", "{\"a\":[1]}", "{\"attributes\":{\"type\":\"X\"}}", "{\"ID\":\"003\"}"];
        for text in texts {
            assert!(Record::read(text, "Contact", ("Ext__c", "id")).is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_text_ends_its_quotes() {
        assert_eq!(quoted("a'b\\c\n' OR Id != '"), r"'a\'b\\c\n\' OR Id != \''");
        assert_eq!(quoted(""), "''");
    }
}

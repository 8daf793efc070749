//! How HubSpot names objects and takes property values: path segments, strings only.
//! Not here: requests and answers.

use crate::crm::members::Members;
use crate::crm::percent::percent_encoded;
use crate::model::Object;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

const SEGMENT_BYTES_MAX: usize = 255;

/// The path segment of an object; its own API name is taken as given, percent-encoded.
///
/// # Errors
/// A name that could lead to another path: says which rule it breaks.
pub(super) fn segment(object: &Object) -> Result<Cow<'static, str>, &'static str> {
    let name: &str = &object.0;
    Ok(match name {
        "contact" => Cow::Borrowed("contacts"),
        "company" => Cow::Borrowed("companies"),
        "deal" => Cow::Borrowed("deals"),
        "call" => Cow::Borrowed("calls"),
        "lead" => Cow::Borrowed("leads"),
        "" => return Err("the object has no name"),
        "." => return Err("the object's name is a dot"),
        _ if SEGMENT_BYTES_MAX < name.len() => return Err("the object's name is longer than 255 bytes"),
        _ if name.contains(['/', '\\']) || name.contains("..") => {
            return Err("the object's name holds a slash or two dots; use the CRM's API name");
        }
        _ => Cow::Owned(percent_encoded(name)),
    })
}

/// The properties of one input as HubSpot takes them: every value a string, of equal names the last,
/// the external ID under its property.
#[derive(Debug)]
pub(super) struct Values<'a> {
    id_property: &'a str,
    external_id: &'a str,
    others: BTreeMap<Cow<'a, str>, Value<'a>>,
}

#[derive(Debug)]
enum Value<'a> {
    /// A JSON string, quotes included; sent as it is.
    Text(&'a RawValue),
    /// A number, `true` or `false`: its JSON text; `null`: the empty text, which clears a property.
    Literal(&'a str),
}

impl<'a> Values<'a> {
    /// # Errors
    /// What cannot be put into one string, as a fact for the operator; no value is named.
    pub(super) fn read(text: &'a str, id_property: &'a str, external_id: &'a str) -> Result<Self, &'static str> {
        let Members(raw) = serde_json::from_str(text).map_err(|_| "the properties are no JSON object")?;
        let mut others = BTreeMap::new();
        for (name, value) in raw {
            if name != id_property {
                others.insert(name, Value::read(value)?);
            }
        }
        Ok(Self { id_property, external_id, others })
    }
}

impl<'a> Value<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, &'static str> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => Ok(Self::Text(raw)),
            Some(b'{' | b'[') => Err("a property value is an object or a list; HubSpot takes text, map it to one"),
            Some(b'n') => Ok(Self::Literal("")),
            Some(_) | None => Ok(Self::Literal(text)),
        }
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.others.len() + 1))?;
        map.serialize_entry(self.id_property, self.external_id)?;
        for (name, value) in &self.others {
            match value {
                Value::Text(raw) => map.serialize_entry(name, raw)?,
                Value::Literal(text) => map.serialize_entry(name, text)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::sync::Arc;

    fn named(name: &str) -> Result<Cow<'static, str>, &'static str> {
        segment(&Object(Arc::from(name)))
    }

    #[test]
    fn objects_become_path_segments_and_nothing_leaves_its_segment() {
        let table = [
            ("contact", "contacts"),
            ("company", "companies"),
            ("deal", "deals"),
            ("call", "calls"),
            ("lead", "leads"),
            ("2-1234567", "2-1234567"),
            ("p77_my object?x#y", "p77_my%20object%3Fx%23y"),
            ("%2e%2e", "%252e%252e"),
            ("größe", "gr%C3%B6%C3%9Fe"),
        ];
        for (name, path) in table {
            assert_eq!(named(name).unwrap(), path);
        }
        for name in ["", ".", "..", "a/b", "a\\b", "../x", &"x".repeat(256)] {
            assert!(named(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn values_become_strings() {
        let text = r#"{"a":1.50,"b":true,"c":null,"d":"x\"é","e":-2e9,"ext":"theirs","a2":"","\u0061":"last"}"#;
        let values = Values::read(text, "ext", "ours\"").unwrap();
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(json, r#"{"ext":"ours\"","a":"last","a2":"","b":"true","c":"","d":"x\"é","e":"-2e9"}"#);
    }

    #[test]
    fn what_is_no_flat_object_is_refused() {
        for text in ["", "[]", "1", "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":1", "{\"a\":1} x", "{\"\\ud800\":1}"] {
            assert!(Values::read(text, "ext", "id").is_err(), "{text:?}");
        }
    }
}

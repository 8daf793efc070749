//! The keys of custom fields: 40 hex digits that differ from account to account, found by the fields' names.
//! Not here: how the list of fields is asked for, what becomes of a call without a key.

use crate::crm::Access;
use crate::model::ConnectionId;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Types of fields that hold any text and can be searched (item search, `field`).
const TEXTS: [&str; 3] = ["varchar", "varchar_auto", "text"];

/// What was looked up, per connection and list of fields. It holds for the access with which it was: when a reload
/// brings another, that one may be to another account. Never more than one entry per connection and list.
pub(super) struct Fields(Mutex<BTreeMap<Place, Known>>);

type Place = (ConnectionId, &'static str);

struct Known {
    access: Weak<Access>,
    key: Arc<str>,
}

impl Fields {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn find(&self, connection: &ConnectionId, list: &'static str, access: &Arc<Access>) -> Option<Arc<str>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&(connection.clone(), list))?;
        std::ptr::eq(known.access.as_ptr(), Arc::as_ptr(access)).then(|| Arc::clone(&known.key))
    }

    /// Also lets go of what was learned with accesses that are no more.
    pub(super) fn learn(&self, connection: &ConnectionId, list: &'static str, (access, key): (&Arc<Access>, &str)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, it| 0 < it.access.strong_count());
        known.insert((connection.clone(), list), Known { access: Arc::downgrade(access), key: Arc::from(key) });
    }

    /// The field may be no more, or another: it is looked up again before the next call.
    pub(super) fn forget(&self, connection: &ConnectionId, list: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(connection.clone(), list));
    }
}

/// A page of a list of fields. Names of members: v2, and those of v1.
pub(super) struct Page {
    fields: Vec<Field>,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct Field {
    #[serde(alias = "name")]
    field_name: Option<String>,
    #[serde(alias = "key")]
    field_code: Option<String>,
    field_type: Option<String>,
}

/// A field with the name looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) key: String,
    /// Whether it holds texts that can be searched.
    pub(super) is_text: bool,
}

impl Page {
    /// None: it is no page of fields.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let list = body.get("data")?.as_array()?;
        let fields = list.iter().filter_map(|it| Field::deserialize(it).ok()).collect();
        let next = body.pointer("/additional_data/next_cursor").and_then(Value::as_str);
        Some(Self { fields, next: next.filter(|it| !it.is_empty()).map(str::to_owned) })
    }

    /// The custom fields of this name; Pipedrive lets several have it.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Candidate> + 'a {
        let named = self.fields.iter().filter(move |it| it.field_name.as_deref() == Some(name));
        named.filter_map(|it| {
            let key = it.field_code.clone().filter(|it| super::schema::is_field_key(it))?;
            let is_text = it.field_type.as_deref().is_none_or(|it| TEXTS.contains(&it));
            Some(Candidate { key, is_text })
        })
    }
}

/// The key of the one field with the name that was looked for in `list`.
///
/// # Errors
/// None, or none that can be used: says what to do.
pub(super) fn only<'a>(found: &'a [Candidate], name: &str, list: &str) -> Result<&'a str, String> {
    match found {
        [one] if one.is_text => Ok(&one.key),
        [_] => Err(format!("the custom field {name} in {list} holds no text; make it one of type varchar")),
        [] => Err(format!(
            "no custom field is named {name} in {list}; make one of type varchar, or set external_id_property"
        )),
        [_, _, ..] => {
            Err(format!("several custom fields are named {name} in {list}; set external_id_property to the key of one"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use crate::model::TenantId;
    use secrecy::SecretString;

    const KEY: &str = "cfeeec2bba7701f08f4bf816fb1b660f47f0b337";

    fn access() -> Arc<Access> {
        Arc::new(Access {
            base_url: String::new(),
            access_token: SecretString::from("t"),
            external_id_property: "external_id".to_owned(),
        })
    }

    #[test]
    fn what_was_learned_holds_for_its_access_its_connection_and_its_list() {
        let id = |name: &str| ConnectionId { tenant: TenantId::from("acme"), name: Arc::from(name) };
        let (fields, old, new) = (Fields::new(), access(), access());
        fields.learn(&id("a"), "dealFields", (&old, KEY));
        assert_eq!(fields.find(&id("a"), "dealFields", &old).as_deref(), Some(KEY));
        assert_eq!(fields.find(&id("a"), "dealFields", &new), None);
        assert_eq!(fields.find(&id("a"), "personFields", &old), None);
        assert_eq!(fields.find(&id("b"), "dealFields", &old), None);
        fields.forget(&id("a"), "dealFields");
        assert_eq!(fields.find(&id("a"), "dealFields", &old), None);
        fields.learn(&id("a"), "dealFields", (&old, KEY));
        drop(old);
        fields.learn(&id("b"), "dealFields", (&new, KEY));
        assert_eq!(fields.0.lock().unwrap().len(), 1, "nothing is kept for accesses that are gone");
    }

    #[test]
    fn custom_fields_are_found_by_their_names_and_only_they() {
        let page = format!(
            r#"{{"success":true,"data":[{{"field_name":"Name","field_code":"name","field_type":"varchar"}},
            {{"field_name":"ext","field_code":"{KEY}","field_type":"varchar"}},{{"name":"old","key":"{KEY}"}},
            {{"field_name":"money","field_code":"{KEY}","field_type":"monetary"}},7,{{}}],
            "additional_data":{{"next_cursor":"abc"}}}}"#
        );
        let page = Page::read(page.as_bytes()).unwrap();
        let named = |name: &str| page.named(name).map(|it| (it.key == KEY, it.is_text)).collect::<Vec<_>>();
        assert_eq!(named("ext"), [(true, true)]);
        assert_eq!(named("old"), [(true, true)]);
        assert_eq!(named("money"), [(true, false)]);
        assert_eq!(named("Name"), [], "not a custom one");
        assert_eq!(named("EXT"), []);
        assert_eq!(page.next.as_deref(), Some("abc"));
        for body in ["", "[]", "{}", r#"{"data":null}"#, r#"{"data":{}}"#, "<html>"] {
            assert!(Page::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}

//! What a pretend account holds: its records, their unique values, their properties, and what search shows of them.
//! Not here: HubSpot's rules for writing (`write`), the count of what happened (`ledger`).

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use super::settings::Settings;
pub(super) use crate::simulated::row::Properties;

/// Versions of one record that search does not show yet; beyond that, the oldest of them are skipped.
const UNSHOWN_MAX: usize = 16;

/// All records of an account.
#[derive(Default)]
pub struct Store {
    shelves: HashMap<String, Shelf>,
    last_id: u64,
    held: usize,
}

/// The records of one object.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) records: BTreeMap<u64, Record>,
    /// property → value → record, for properties with unique values.
    unique: HashMap<String, HashMap<String, u64>>,
    /// Properties created through the API, as they were given.
    pub(super) declared: BTreeMap<String, Value>,
}

/// The record that a write is for.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) object: &'a str,
    pub(super) id: u64,
    /// What a new record is filed under in the ledger.
    pub(super) key: &'a str,
}

/// One record.
pub(super) struct Record {
    /// What the ledger files it under: the key it was created by.
    pub(super) key: String,
    pub(super) properties: Arc<Properties>,
    pub(super) created_us: u64,
    pub(super) updated_us: u64,
    /// What search shows, `None` before the record shows at all.
    shown: Option<Arc<Properties>>,
    /// When search will show what.
    unshown: VecDeque<(u64, Arc<Properties>)>,
}

impl Store {
    /// A new record id. Ids that end up unused are gaps, as in the real one.
    pub(super) fn allocate(&mut self) -> u64 {
        self.last_id += 1;
        512_000_000_000 + self.last_id
    }

    pub(super) fn shelf(&self, object: &str) -> Option<&Shelf> {
        self.shelves.get(object)
    }

    pub(super) fn shelf_mut(&mut self, object: &str) -> &mut Shelf {
        if !self.shelves.contains_key(object) {
            self.shelves.insert(object.to_owned(), Shelf::default());
        }
        self.shelves.entry(object.to_owned()).or_default()
    }

    /// Sets properties of a record, creating it if it does not exist. Returns the record's properties before (if it
    /// existed) and after.
    pub(super) fn put(
        &mut self,
        target: Target<'_>,
        changes: Properties,
        now_us: u64,
        settings: &Settings,
    ) -> (Option<Arc<Properties>>, Arc<Properties>) {
        let shelf = self.shelf_mut(target.object);
        let before = shelf.records.get(&target.id).map(|record| Arc::clone(&record.properties));
        let is_unique = |name: &&String| shelf.is_unique(target.object, name, settings);
        let unique: Vec<String> = changes.keys().filter(is_unique).cloned().collect();
        let mut after = before.as_deref().cloned().unwrap_or_default();
        after.extend(changes);
        for name in unique {
            let old = before.as_deref().and_then(|old| old.get(&name));
            shelf.index(&name, old, after.get(&name).map_or("", String::as_str), target.id);
        }
        let after = Arc::new(after);
        let record = shelf.records.entry(target.id).or_insert_with(|| Record::new(target.key, now_us));
        record.change(Arc::clone(&after), now_us, settings.search_lag_ms);
        self.held += usize::from(before.is_none());
        (before, after)
    }

    /// Removes a record; `false` if there was none.
    pub(super) fn remove(&mut self, object: &str, id: u64) -> bool {
        let Some(shelf) = self.shelves.get_mut(object) else { return false };
        let Some(record) = shelf.records.remove(&id) else { return false };
        for (name, values) in &mut shelf.unique {
            if let Some(value) = record.properties.get(name).map(|value| folded(name, value))
                && values.get(&value) == Some(&id)
            {
                values.remove(&value);
            }
        }
        self.held -= 1;
        true
    }

    /// Forgets the oldest record if there are more than `max`; its object and key.
    pub(super) fn forget_beyond(&mut self, max: usize) -> Option<(String, String)> {
        if self.held <= max {
            return None;
        }
        let firsts = self.shelves.iter().filter_map(|(object, shelf)| {
            shelf.records.first_key_value().map(|(id, record)| (*id, object.clone(), record.key.clone()))
        });
        let (id, object, key) = firsts.min()?;
        self.remove(&object, id);
        Some((object, key))
    }
}

impl Shelf {
    /// Does HubSpot keep the values of this property unique?
    pub(super) fn is_unique(&self, object: &str, name: &str, settings: &Settings) -> bool {
        (object == "contacts" && name == "email")
            || settings.unique_properties.iter().any(|unique| unique == name)
            || self.declared.get(name).is_some_and(|given| given.get("hasUniqueValue") == Some(&Value::Bool(true)))
    }

    /// The record that has this value of a unique property.
    pub(super) fn find(&self, property: &str, value: &str) -> Option<u64> {
        self.unique.get(property)?.get(&folded(property, value)).copied()
    }

    /// The record meant by an id, or by a key with `id_property`.
    pub(super) fn resolve(&self, id_property: Option<&str>, id: &str) -> Option<u64> {
        match id_property {
            None | Some("hs_object_id") => id.parse().ok().filter(|id| self.records.contains_key(id)),
            Some(property) => self.find(property, id),
        }
    }

    fn index(&mut self, name: &str, old: Option<&String>, value: &str, id: u64) {
        let values = self.unique.entry(name.to_owned()).or_default();
        if let Some(old) = old.map(|old| folded(name, old))
            && values.get(&old) == Some(&id)
        {
            values.remove(&old);
        }
        if !value.is_empty() {
            values.insert(folded(name, value), id);
        }
    }
}

impl Record {
    fn new(key: &str, now_us: u64) -> Self {
        Self {
            key: key.to_owned(),
            properties: Arc::default(),
            created_us: now_us,
            updated_us: now_us,
            shown: None,
            unshown: VecDeque::new(),
        }
    }

    /// What search shows at `now_us`.
    pub(super) fn shown(&self, now_us: u64) -> Option<&Arc<Properties>> {
        let due = self.unshown.iter().take_while(|(due_us, _)| *due_us <= now_us).last();
        due.map(|(_, properties)| properties).or(self.shown.as_ref())
    }

    fn change(&mut self, after: Arc<Properties>, now_us: u64, lag_ms: u64) {
        while self.unshown.front().is_some_and(|(due_us, _)| *due_us <= now_us) {
            self.shown = self.unshown.pop_front().map(|(_, properties)| properties);
        }
        self.properties = Arc::clone(&after);
        self.updated_us = now_us;
        if lag_ms == 0 {
            self.unshown.clear();
            self.shown = Some(after);
            return;
        }
        if self.unshown.len() >= UNSHOWN_MAX {
            self.unshown.remove(1);
        }
        self.unshown.push_back((now_us.saturating_add(lag_ms.saturating_mul(1000)), after));
    }
}

/// HubSpot compares e-mail addresses without case, other unique values as they are.
fn folded(property: &str, value: &str) -> String {
    if property == "email" { value.to_lowercase() } else { value.to_owned() }
}

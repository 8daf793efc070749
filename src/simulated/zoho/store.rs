//! What a pretend organisation holds: its records, and which of them have a value.
//! Not here: Zoho's rules for writing (`write`), the count of what happened (`ledger`).

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::simulated::row::Properties;

/// Record ids have 18 digits; the first are the organisation's.
const FIRST_ID: u64 = 724_445_000_000_000_000;

/// All records of an organisation.
#[derive(Default)]
pub struct Store {
    records: HashMap<String, Record>,
    /// Place of a value → records, for fields that are looked up.
    index: HashMap<Place, BTreeSet<String>>,
    last: u64,
}

/// One record.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) module: String,
    /// What the ledger files it under: the key it was last written by.
    pub(super) key: String,
    pub(super) fields: Arc<Properties>,
}

/// Module, field and value; the value in lower case where case does not count.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Place(String, String, String);

impl Place {
    pub(super) fn of(module: &str, field: &str, value: &str, case_sensitive: bool) -> Self {
        let value = if case_sensitive { value.to_owned() } else { value.to_lowercase() };
        Self(module.to_owned(), field.to_owned(), value)
    }
}

impl Store {
    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// The record that the ledger files under this key.
    pub(super) fn by_key(&self, module: &str, key: &str) -> Option<String> {
        let mut records = self.records.iter();
        records.find(|(_, record)| record.module == module && record.key == key).map(|(id, _)| id.clone())
    }

    /// The records that have this value.
    pub(super) fn find(&self, place: &Place) -> Vec<String> {
        self.index.get(place).into_iter().flatten().cloned().collect()
    }

    pub(super) fn allocate(&mut self) -> String {
        self.last += 1;
        (FIRST_ID + self.last).to_string()
    }

    /// Puts a record in place of the one of this id. `looked_up`: its fields that can be searched for.
    pub(super) fn put(&mut self, id: &str, record: Record, looked_up: &[String], case_sensitive: bool) {
        self.remove(id);
        for field in looked_up {
            if let Some(value) = record.fields.get(field).filter(|value| !value.is_empty()) {
                let place = Place::of(&record.module, field, value, case_sensitive);
                self.index.entry(place).or_default().insert(id.to_owned());
            }
        }
        self.records.insert(id.to_owned(), record);
    }

    /// Deletes a record.
    pub(super) fn remove(&mut self, id: &str) -> Option<Record> {
        let record = self.records.remove(id)?;
        for (field, value) in record.fields.iter() {
            for case_sensitive in [true, false] {
                if let Some(ids) = self.index.get_mut(&Place::of(&record.module, field, value, case_sensitive)) {
                    ids.remove(id);
                }
            }
        }
        Some(record)
    }
}

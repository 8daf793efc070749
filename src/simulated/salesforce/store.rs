//! What a pretend org holds: its records, and which of them have a value.
//! Not here: Salesforce's rules for writing (`write`), the count of what happened (`ledger`).

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use crate::simulated::row::Properties;

/// The last three letters of an id: which of its letters are capitals, five letters a piece.
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// All records of an org.
#[derive(Default)]
pub struct Store {
    records: HashMap<String, Record>,
    /// (object, field, value) → records, for fields that are looked up.
    index: HashMap<(String, String, String), BTreeSet<String>>,
    deleted: HashSet<String>,
    last: u64,
}

/// One record.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) object: String,
    /// What the ledger files it under: the key it was created by.
    pub(super) key: String,
    pub(super) fields: Arc<Properties>,
}

/// How fields are looked up.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) object: &'a str,
    pub(super) field: &'a str,
    pub(super) case_sensitive: bool,
}

impl Store {
    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// The record that the ledger files under this key.
    pub(super) fn by_key(&self, object: &str, key: &str) -> Option<String> {
        let mut records = self.records.iter();
        records.find(|(_, record)| record.object == object && record.key == key).map(|(id, _)| id.clone())
    }

    pub(super) fn was_deleted(&self, id: &str) -> bool {
        self.deleted.contains(id)
    }

    /// The records that have this value.
    pub(super) fn find(&self, lookup: Lookup<'_>, value: &str) -> Vec<String> {
        self.index.get(&lookup.place(value)).into_iter().flatten().cloned().collect()
    }

    /// An id of 18 letters, such as `003000000000001AAA`.
    pub(super) fn allocate(&mut self, object: &str) -> String {
        self.last += 1;
        let prefix = match object {
            "Account" => "001",
            "Contact" => "003",
            "Opportunity" => "006",
            "Lead" => "00Q",
            "Task" => "00T",
            _ => "a00",
        };
        let mut id = format!("{prefix}{:012}", self.last);
        let pieces: Vec<usize> = id
            .as_bytes()
            .chunks(5)
            .map(|piece| piece.iter().rev().fold(0, |bits, byte| bits << 1 | usize::from(byte.is_ascii_uppercase())))
            .collect();
        id.extend(pieces.iter().filter_map(|bits| CHECKSUM.get(*bits)).map(|byte| char::from(*byte)));
        id
    }

    /// Puts a record in place of the one of this id. `looked_up`: its fields that can be searched for.
    pub(super) fn put(&mut self, id: &str, record: Record, looked_up: &[String], case_sensitive: bool) {
        self.take(id);
        for field in looked_up {
            let lookup = Lookup { object: &record.object, field, case_sensitive };
            if let Some(value) = value(&record.fields, field).filter(|value| !value.is_empty()) {
                self.index.entry(lookup.place(value)).or_default().insert(id.to_owned());
            }
        }
        self.deleted.remove(id);
        self.records.insert(id.to_owned(), record);
    }

    /// Deletes a record.
    pub(super) fn remove(&mut self, id: &str) -> Option<Record> {
        let record = self.take(id)?;
        self.deleted.insert(id.to_owned());
        Some(record)
    }

    fn take(&mut self, id: &str) -> Option<Record> {
        let record = self.records.remove(id)?;
        for (field, value) in record.fields.iter() {
            for case_sensitive in [true, false] {
                let place = Lookup { object: &record.object, field, case_sensitive }.place(value);
                if let Some(ids) = self.index.get_mut(&place) {
                    ids.remove(id);
                }
            }
        }
        Some(record)
    }
}

impl Lookup<'_> {
    fn place(&self, value: &str) -> (String, String, String) {
        let value = if self.case_sensitive { value.to_owned() } else { value.to_lowercase() };
        (self.object.to_lowercase(), self.field.to_lowercase(), value)
    }
}

/// Names of fields have no case.
pub(super) fn value<'a>(fields: &'a Properties, field: &str) -> Option<&'a String> {
    fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field)).map(|(_, value)| value)
}

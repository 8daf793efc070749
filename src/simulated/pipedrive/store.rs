//! What a pretend account holds: its records, deleted ones too, and what searches see of them.
//! Not here: Pipedrive's rules for writing (`write`), the count of what happened (`ledger`).

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

/// All records of an account, by object and own id.
#[derive(Default)]
pub struct Store {
    records: BTreeMap<(String, String), Record>,
    last: u64,
}

/// One record.
#[derive(Clone, Default)]
pub(super) struct Record {
    /// What the ledger files it under: the key it was created by.
    pub(super) key: String,
    pub(super) fields: Map<String, Value>,
    /// By the keys of fields.
    pub(super) custom: Map<String, Value>,
    pub(super) is_deleted: bool,
    /// What searches will see of it from when on; the first is what they see now.
    seen: VecDeque<Seen>,
}

#[derive(Clone)]
struct Seen {
    from_us: u64,
    /// None: it is deleted.
    custom: Option<Map<String, Value>>,
}

impl Store {
    pub(super) fn get(&self, object: &str, id: &str) -> Option<&Record> {
        self.records.get(&(object.to_owned(), id.to_owned()))
    }

    /// The live records that the ledger files under this key.
    pub(super) fn by_key(&self, object: &str, key: &str) -> Vec<String> {
        let of = self.records.iter().filter(|((of, _), _)| of == object);
        of.filter(|(_, it)| it.key == key && !it.is_deleted).map(|((_, id), _)| id.clone()).collect()
    }

    /// A number, or of a lead a UUID.
    pub(super) fn allocate(&mut self, object: &str) -> String {
        self.last += 1;
        let last = self.last;
        if object == "leads" { format!("adf21080-0e10-11eb-879b-{last:012x}") } else { last.to_string() }
    }

    /// Puts a record in place of the one of this id. Searches see it from then on.
    pub(super) fn put(&mut self, object: &str, id: &str, mut record: Record, (now_us, from_us): (u64, u64)) {
        let place = (object.to_owned(), id.to_owned());
        let mut seen = self.records.remove(&place).map(|it| it.seen).unwrap_or_default();
        while seen.get(1).is_some_and(|it| it.from_us <= now_us) {
            seen.pop_front();
        }
        let from_us = seen.back().map_or(from_us, |it| it.from_us.max(from_us));
        seen.push_back(Seen { from_us, custom: (!record.is_deleted).then(|| record.custom.clone()) });
        record.seen = seen;
        self.records.insert(place, record);
    }

    /// The records that a search shows whose field is exactly this.
    pub(super) fn search(&self, object: &str, (field, value): (&str, &str), now_us: u64) -> Vec<(String, &Record)> {
        let of = self.records.iter().filter(|((of, _), _)| of == object);
        of.filter(|(_, record)| record.shows(field, value, now_us)).map(|((_, id), it)| (id.clone(), it)).collect()
    }
}

impl Record {
    fn shows(&self, field: &str, value: &str, now_us: u64) -> bool {
        let seen = self.seen.iter().rev().find(|it| it.from_us <= now_us).and_then(|it| it.custom.as_ref());
        seen.and_then(|custom| custom.get(field)).and_then(Value::as_str) == Some(value)
    }
}

//! One table while it is read: hands out its keys, collects faults, and at the end complains of what nobody asked for.
//! Not here: which keys there are (the readers of the sections).

use crate::config::similar::nearest;
use crate::config::source::Places;
use crate::config::value::{Value, Wrong, kind, shown};
use crate::config::{Env, Fault, Place};
use std::cell::RefCell;
use toml::de::{DeTable, DeValue};

/// What all sections of one reading share.
pub(super) struct Reading<'a> {
    pub(super) env: &'a dyn Env,
    pub(super) faults: RefCell<Vec<Fault>>,
}

impl Reading<'_> {
    pub(super) fn fault(&self, place: Place, path: String, wrong: Wrong) {
        self.faults.borrow_mut().push(Fault { place, path, what: wrong.what, hint: wrong.hint });
    }
}

pub(super) struct Section<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) places: &'a Places<'a>,
    /// Such as `kafka` or `tenant[acme].connection[hubspot]`; empty for the file itself.
    pub(super) path: String,
    /// Where it begins.
    pub(super) place: Place,
    given: Option<&'a DeTable<'a>>,
    defaults: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A whole file. `defaults`: of the main file alone; only then can values come from outside the file.
    pub(super) fn file(
        reading: &'a Reading<'a>,
        places: &'a Places<'a>,
        given: &'a DeTable<'a>,
        defaults: Option<&'a DeTable<'a>>,
    ) -> Self {
        let place = places.whole();
        Self { reading, places, path: String::new(), place, given: Some(given), defaults, asked: Vec::new() }
    }

    /// The value of a key that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        how: impl FnOnce(&Value<'_>) -> Result<T, Wrong>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match how(&value) {
            Ok(it) => Some(it),
            Err(wrong) => {
                let hint = self.default_of(key).map_or_else(
                    || wrong.hint.clone(),
                    |it| format!("{} (or leave it out: the default is {it})", wrong.hint),
                );
                self.fault(key, Wrong { what: wrong.what, hint });
                None
            }
        }
    }

    /// The value of a key that has a default or must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        how: impl FnOnce(&Value<'_>) -> Result<T, Wrong>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            self.fault(key, Wrong::new("is missing", format!("add `{key} = …`")));
            return None;
        }
        self.optional(key, how)
    }

    /// From outside, else from the file, else the default.
    fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.ask(key);
        if let Some(given) = self.outside(key) {
            return Some(Value::Outside(given.text));
        }
        let find = |table: Option<&'a DeTable<'a>>| table?.get(key).map(|it| Value::Toml(it.get_ref()));
        find(self.given).or_else(|| find(self.defaults))
    }

    fn outside(&self, key: &str) -> Option<crate::config::Given> {
        self.defaults.and_then(|_| self.reading.env.setting(&self.path_of(key)))
    }

    /// The value in the file alone, and where it stands.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, Place)> {
        self.ask(key);
        let value = self.given?.get(key)?;
        Some((value.get_ref(), self.places.at(value.span().start)))
    }

    fn ask(&mut self, key: &'static str) {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
    }

    /// A key of the contract that this version does not serve. Tells whether it was given.
    pub(super) fn not_yet(&mut self, key: &'static str, hint: &str) -> bool {
        self.ask(key);
        let given = self.given.is_some_and(|it| it.contains_key(key));
        if given {
            self.fault(key, Wrong::new("is not in this version", hint));
        }
        given
    }

    /// A table in this table; one that is absent reads as its defaults.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        self.ask(key);
        let path = self.path_of(key);
        let defaults = self.defaults.and_then(|it| it.get(key)).and_then(|it| it.get_ref().as_table());
        let place = self.place_of(key);
        let mut given = None;
        match self.given.and_then(|it| it.get(key)).map(toml::Spanned::get_ref) {
            None => {}
            Some(DeValue::Table(table)) => given = Some(table),
            Some(other) => {
                let hint = format!("begin a table with `[{path}]`");
                self.fault(key, Wrong::new(format!("is {}, not a table", kind(other)), hint));
            }
        }
        Section { reading: self.reading, places: self.places, path, place, given, defaults, asked: Vec::new() }
    }

    /// An array of tables in this table; none if absent.
    pub(super) fn sections(&mut self, key: &'static str) -> Option<Vec<Section<'a>>> {
        let (value, place) = self.raw(key)?;
        let DeValue::Array(items) = value else {
            let hint = format!("write `[[{}]]` above each", self.path_of(key));
            let wrong = Wrong::new(format!("is {}, not an array of tables", kind(value)), hint);
            self.reading.fault(place, self.path_of(key), wrong);
            return Some(Vec::new());
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let (path, place) = (format!("{}[#{}]", self.path_of(key), index + 1), self.places.at(item.span().start));
            match item.get_ref() {
                DeValue::Table(table) => sections.push(self.inner(path, place, table)),
                other => {
                    let wrong =
                        Wrong::new(format!("is {}, not a table", kind(other)), "write it as { key = value, … }");
                    self.reading.fault(place, path, wrong);
                }
            }
        }
        Some(sections)
    }

    /// A table that has no defaults and cannot be given from outside.
    pub(super) fn inner(&self, path: String, place: Place, table: &'a DeTable<'a>) -> Section<'a> {
        let (reading, places) = (self.reading, self.places);
        Section { reading, places, path, place, given: Some(table), defaults: None, asked: Vec::new() }
    }

    /// Every key as it stands in the file, with its place.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a DeValue<'a>, Place)> + use<'a> {
        let places = self.places;
        self.given
            .into_iter()
            .flat_map(toml::map::Map::iter)
            .map(move |(key, value)| (key.get_ref().as_ref(), value.get_ref(), places.at(key.span().start)))
    }

    pub(super) fn fault(&self, key: &str, wrong: Wrong) {
        self.reading.fault(self.place_of(key), self.path_of(key), wrong);
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where the value in force was given; for one that was not: where the section begins.
    pub(super) fn place_of(&self, key: &str) -> Place {
        if let Some(given) = self.outside(key) {
            return Place::Origin(given.origin);
        }
        let entry = self.given.and_then(|it| it.get_key_value(key));
        entry.map_or_else(|| self.place.clone(), |(key, _)| self.places.at(key.span().start))
    }

    fn default_of(&self, key: &str) -> Option<String> {
        match self.defaults?.get(key)?.get_ref() {
            DeValue::String(text) => Some(format!("{text:?}")),
            DeValue::Integer(it) => Some(it.to_string()),
            DeValue::Float(it) => Some(it.to_string()),
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }

    /// Complains of every key that nobody asked for.
    pub(super) fn finish(self) {
        for (key, _, place) in self.entries() {
            if self.asked.contains(&key) {
                continue;
            }
            let hint = match nearest(key, self.asked.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            let path = self.path_of(if is_bare(key) { key } else { "" });
            let path = if is_bare(key) { path } else { format!("{path}{}", shown(key)) };
            self.reading.fault(place, path, Wrong::new("unknown key", hint));
        }
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.len() <= 64 && key.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-')
}

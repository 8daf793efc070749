//! Where a secret is found: `{ env = "NAME" }` or `{ file = "path" }`; a literal one is refused, unseen.
//! Not here: resolving it (`credentials`).

use crate::config::section::Section;
use crate::config::value::{Value, Wrong, kind, text};
use crate::config::{Place, SecretSource};
use toml::de::{DeTable, DeValue};

/// A fault that has been noted already.
pub(super) struct Noted;

/// The source under `key`; none if the key is absent. `suggested`: an environment variable that a hint may name.
pub(super) fn read(
    section: &mut Section<'_>,
    key: &'static str,
    suggested: &str,
) -> Option<Result<SecretSource, Noted>> {
    let (value, place) = section.raw(key)?;
    let path = section.path_of(key);
    Some(match value {
        DeValue::Table(table) => source(section, path, place, table),
        other => {
            let what = match other {
                DeValue::String(_) => "is a literal secret".to_owned(),
                it => format!("is {}, not where a secret is found", kind(it)),
            };
            let hint = format!(
                "put the secret into an environment variable and write {{ env = {suggested:?} }}, or into a file and write {{ file = \"…\" }}"
            );
            section.reading.fault(place, path, Wrong::new(what, hint));
            Err(Noted)
        }
    })
}

/// A table that names the source. Never shows a value: somebody may have put the secret itself there.
pub(super) fn source<'a>(
    section: &Section<'a>,
    path: String,
    place: Place,
    table: &'a DeTable<'a>,
) -> Result<SecretSource, Noted> {
    let mut inner = section.inner(path, place, table);
    let before = section.reading.faults.borrow().len();
    let env = inner.optional("env", variable_name);
    let file = inner.optional("file", text).map(|it| section.places.beside(&it));
    let known = section.reading.faults.borrow().len() == before;
    let found = match (env, file) {
        (Some(name), None) => Some(SecretSource::Env(name)),
        (None, Some(path)) => Some(SecretSource::File(path)),
        (Some(_), Some(_)) => {
            note(&inner, "names both an environment variable and a file", "keep one of them");
            None
        }
        (None, None) if known => {
            note(&inner, "names no source", "write { env = \"NAME\" } or { file = \"path\" }");
            None
        }
        (None, None) => None,
    };
    inner.finish();
    found.ok_or(Noted)
}

fn note(section: &Section<'_>, what: &str, hint: &str) {
    section.reading.fault(section.place.clone(), section.path.clone(), Wrong::new(what, hint));
}

fn variable_name(value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value)?;
    let letters = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if name.chars().all(letters) && !name.starts_with(|it: char| it.is_ascii_digit()) && name.len() <= 256 {
        return Ok(name);
    }
    Err(Wrong::new("is no name of an environment variable", "write its name (letters, digits, _), not its value"))
}

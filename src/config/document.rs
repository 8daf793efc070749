//! A file's text as a TOML document; every mistake in the syntax at once.
//! Not here: what its keys mean.

use crate::config::source::Places;
use crate::config::{Fault, SourceText};
use toml::de::DeTable;

/// What a file may hold: far above ten thousand tenants, far below what hurts.
const BYTES_MAX: usize = 64 << 20;

/// The document, or its mistakes.
pub(super) fn read<'t>(source: &'t SourceText, places: &Places<'t>) -> Result<DeTable<'t>, Vec<Fault>> {
    if source.text.len() > BYTES_MAX {
        let what = format!("is {} MiB, more than {} MiB", source.text.len() >> 20, BYTES_MAX >> 20);
        let hint = "spread the tenants over the files of a folder: `tenants = \"tenants.d\"`".to_owned();
        return Err(vec![Fault { place: places.whole(), path: String::new(), what, hint }]);
    }
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(document.into_inner());
    }
    Err(errors.iter().map(|error| mistake(error, places)).collect())
}

/// The parser's words name what it expected, never what stands there.
fn mistake(error: &toml::de::Error, places: &Places<'_>) -> Fault {
    let place = error.span().map_or_else(|| places.whole(), |span| places.at(span.start));
    let hint = match error.message() {
        it if it.contains("duplicate") => "keep one of them",
        it if it.contains("string values must be quoted") => "put the value in double quotes",
        _ => "look at this line and the one before; the format is described at toml.io",
    };
    let what = format!("no TOML: {}", error.message().replace('\n', ", "));
    Fault { place, path: String::new(), what, hint: hint.to_owned() }
}

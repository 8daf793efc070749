//! All files together -> `Settings`, or every fault in them.
//! Not here: any one section.

use crate::config::section::{Reading, Section};
use crate::config::source::Places;
use crate::config::tenant::Directory;
use crate::config::value::{Value, Wrong, integer, text};
use crate::config::{
    DEFAULTS, Env, Fault, Faults, Place, Settings, SourceText, alerts, document, hold, http, kafka, log, retry, state,
};
use std::cell::RefCell;
use std::path::PathBuf;
use toml::de::DeTable;

/// Reads the main file (the first) and the tenant files (the others). With no file at all: the defaults.
/// Pure; takes well under a second for ten thousand tenants.
///
/// # Errors
/// Every fault of every file and of the environment.
pub fn parse(files: &[SourceText], env: &dyn Env) -> Result<Settings, Faults> {
    let defaults = SourceText { name: "defaults.toml".to_owned(), text: DEFAULTS.to_owned() };
    let nothing = SourceText { name: "sluicegate.toml".to_owned(), text: String::new() };
    let (main, others) = files.split_first().unwrap_or((&nothing, &[]));
    let reading = Reading { env, faults: RefCell::new(Vec::new()) };
    let places: Vec<Places<'_>> = [&defaults, main].into_iter().chain(others).map(Places::of).collect();
    let texts = [&defaults, main].into_iter().chain(others);
    let documents: Vec<Option<DeTable<'_>>> =
        texts.zip(&places).map(|(source, places)| note(&reading, document::read(source, places))).collect();

    let mut read = documents.iter().zip(&places);
    let defaults = read.next().and_then(|(it, _)| it.as_ref());
    let mut directory = Directory::default();
    let mut settings = None;
    if let Some((Some(document), places)) = read.next() {
        settings = Some(main_file(Section::file(&reading, places, document, defaults), &mut directory));
    }
    for (document, places) in read {
        if let Some(document) = document {
            tenant_file(Section::file(&reading, places, document, None), &mut directory);
        }
    }
    let faults = reading.faults.into_inner();
    match settings {
        Some(mut settings) if faults.is_empty() => {
            settings.tenants = directory.into_tenants();
            Ok(settings)
        }
        Some(_) | None => Err(Faults(sorted(faults, files))),
    }
}

/// The folder of tenant files that the main file (or the environment) names, so that the caller can read them before
/// `parse`. None also if the main file is not sound: `parse` says why.
pub fn tenants_folder(main: &SourceText, env: &dyn Env) -> Option<PathBuf> {
    let places = Places::of(main);
    let document = document::read(main, &places).ok()?;
    let reading = Reading { env, faults: RefCell::new(Vec::new()) };
    let nothing = DeTable::new();
    folder(&mut Section::file(&reading, &places, &document, Some(&nothing)))
}

fn note<'t>(reading: &Reading<'_>, document: Result<DeTable<'t>, Vec<Fault>>) -> Option<DeTable<'t>> {
    document.map_err(|faults| reading.faults.borrow_mut().extend(faults)).ok()
}

fn main_file(mut file: Section<'_>, directory: &mut Directory) -> Settings {
    let settings = Settings {
        log: log::read(file.section("log")),
        kafka: kafka::read(file.section("kafka")),
        state: state::read(file.section("state")),
        retry: retry::read(file.section("retry")),
        hold: hold::read(file.section("hold")),
        alerts: alerts::read(file.section("alerts")),
        http: http::read(file.section("http")),
        calls_max: file.required("calls_max", integer(1..=16_384_u16)).map_or(1, usize::from),
        tenants_folder: folder(&mut file),
        tenants: std::collections::BTreeMap::new(),
    };
    directory.read(&mut file);
    file.not_yet("source", "remove it; produce jobs to the topic `.jobs`, or post them to `/v1/jobs`");
    file.not_yet("route", "remove it; give jobs the canonical payload: object, external_id, operation, properties");
    file.not_yet("schema_registry", "remove it; jobs are JSON");
    file.finish();
    settings
}

fn tenant_file(mut file: Section<'_>, directory: &mut Directory) {
    directory.read(&mut file);
    file.finish();
}

fn folder(file: &mut Section<'_>) -> Option<PathBuf> {
    let places = file.places;
    file.optional("tenants", |value| {
        let path = text(value).map_err(|wrong| Wrong { hint: "write the path of a folder".to_owned(), ..wrong })?;
        match value {
            Value::Toml(_) => Ok(places.beside(&path)),
            Value::Outside(_) => Ok(PathBuf::from(path)),
        }
    })
}

/// In the order of the files, then of the lines; what came from outside the files comes first.
fn sorted(mut faults: Vec<Fault>, files: &[SourceText]) -> Vec<Fault> {
    let number = |file: &str| files.iter().position(|it| it.name == file);
    faults.sort_by_key(|fault| match &fault.place {
        Place::Origin(_) | Place::Default => (None, 0, 0),
        Place::File(file) => (number(file), 0, 0),
        Place::Text { file, line, column } => (number(file), *line, *column),
    });
    faults
}

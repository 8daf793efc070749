//! What `check` answers.
//! Not here: the faults of a configuration (`config`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::*;
use crate::cli::Cli;
use crate::cli::output::Format;
use clap::Parser as _;
use std::fs;
use std::path::Path;

const CONNECTION: &str = "[[tenant]]\nid = \"acme\"\n[[tenant.connection]]\nid = \"hubspot\"\ncrm = \"hubspot\"\n";

fn checked(folder: &Path, text: &str, format: Format) -> (Exit, String) {
    let (main, answer) = (folder.join("sluicegate.toml"), folder.join("answer"));
    fs::write(&main, text).unwrap();
    let cli = Cli::parse_from(["sluicegate", "check", "-c", main.to_str().unwrap()]);
    let exit = check(&cli.global, &mut Output::to(format, fs::File::create(&answer).unwrap()));
    (exit, fs::read_to_string(&answer).unwrap())
}

#[test]
fn a_sound_configuration_is_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "hunter2\n").unwrap();
    let text = format!("kafka.topic_prefix = \"crm\"\n{CONNECTION}access_token = {{ file = \"token\" }}");
    let (exit, table) = checked(folder.path(), &text, Format::Table);
    assert_eq!(exit, Exit::Ok);
    assert!(table.contains("crm.jobs, 24 partitions") && table.contains("1 hubspot"), "{table}");
    let (exit, json) = checked(folder.path(), &text, Format::Json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((exit, json["connections_by_crm"]["hubspot"].as_u64()), (Exit::Ok, Some(1)));
    assert!(!json.to_string().contains("hunter2"));
}

#[test]
fn a_fault_or_a_missing_secret_is_bad_configuration_and_nothing_is_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let bad = (Exit::BadConfiguration, String::new());
    assert_eq!(checked(folder.path(), "[kafka]\npartitions = 0", Format::Table), bad);
    let text = format!("{CONNECTION}access_token = {{ file = \"absent\" }}");
    assert_eq!(checked(folder.path(), &text, Format::Table), bad);
}

#[test]
fn every_missing_secret_is_named_with_its_use() {
    let text = format!(
        "[http]\nbearer_token = {{ file = \"/absent/a\" }}\n[kafka.properties]\n\"sasl.password\" = {{ env = \"SLUICEGATE_NEVER_SET\" }}\n{CONNECTION}access_token = {{ file = \"/absent/b\" }}"
    );
    let source = crate::config::SourceText { name: "sluicegate.toml".to_owned(), text };
    let missing = missing_secrets(&crate::config::parse(&[source], &crate::config::NoEnv).unwrap());
    assert_eq!(missing.len(), 3);
    assert!(
        missing[0].starts_with("kafka.properties.sasl.password: environment variable SLUICEGATE_NEVER_SET is not set")
    );
    assert!(missing[1].starts_with("http.bearer_token: file /absent/a does not exist"));
    assert!(missing[2].starts_with("access_token of acme/hubspot: file /absent/b does not exist"));
}

//! What the command line understands.
//! Not here: what the commands do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]

use super::*;
use clap::CommandFactory as _;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_shows_an_example_first_and_every_option_has_a_variable() {
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let name = command.get_name().to_owned();
        if !command.is_hide_set() && !command.has_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:\n"), "{name}");
        }
        for argument in command.get_arguments().filter(|it| !it.is_positional() && it.get_id() != "properties") {
            let variable = argument.get_env().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
            assert!(variable.starts_with("SLUICEGATE_"), "{name} --{}", argument.get_id());
        }
        commands.extend(command.get_subcommands().cloned());
    }
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    for line in
        ["sluicegate -c a.toml -o json -X a=b -X c=d=e check", "sluicegate check -c a.toml -o json -X a=b -X c=d=e"]
    {
        let cli = parse(line).unwrap();
        assert_eq!(cli.global.config, Some(PathBuf::from("a.toml")));
        assert_eq!(cli.global.output, Format::Json);
        let pairs: Vec<_> = cli.global.properties.iter().map(|it| (it.key.as_str(), it.value.as_str())).collect();
        assert_eq!(pairs, [("a", "b"), ("c", "d=e")]);
        assert!(matches!(cli.command, Command::Check));
    }
}

#[test]
fn what_changes_things_can_be_tried_and_agreed_to() {
    let Command::Topics(Topics::Apply(changes)) = parse("sluicegate topics apply --dry-run -y").unwrap().command else {
        panic!("another command")
    };
    assert!(changes.dry_run && changes.yes);
    let Command::Enqueue(enqueue) = parse("sluicegate enqueue --dry-run -").unwrap().command else {
        panic!("another command")
    };
    assert!(enqueue.dry_run && enqueue.file.as_os_str() == "-");
}

#[test]
fn a_property_without_a_key_is_refused_and_its_value_is_never_in_debug() {
    assert!(parse("sluicegate check -X =x").is_err());
    let cli = parse("sluicegate check -X sasl.password=hunter2").unwrap();
    assert!(!format!("{cli:?}").contains("hunter2"));
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for line in ["sluicegate chekc", "sluicegate demo --seconds 0", "sluicegate -o xml check", "sluicegate enqueue"] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn verbosity_becomes_a_filter() {
    assert_eq!(parse("sluicegate check -q").unwrap().global.log_filter(), "warn");
    assert_eq!(parse("sluicegate check -v -q").unwrap().global.log_filter(), "warn");
    assert_eq!(parse("sluicegate check").unwrap().global.log_filter(), "info");
    assert_eq!(parse("sluicegate check -vv").unwrap().global.log_filter(), "debug,sluicegate=trace");
}

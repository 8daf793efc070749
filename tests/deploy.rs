//! What ships for Prometheus is what Prometheus takes, and each alert fires and stops.
//! Not here: whether names agree with the program (`tests/tidy`).
#![allow(clippy::panic, reason = "a test panics on purpose")]

use std::io::ErrorKind;
use std::process::Command;

#[test]
fn prometheus_takes_the_rules() {
    promtool(&["check", "rules", "deploy/prometheus/rules.yml"]);
}

#[test]
fn each_alert_of_the_rules_fires_and_stops() {
    promtool(&["test", "rules", "deploy/prometheus/rules_test.yml"]);
}

/// Without promtool nothing would be proved, so that is a failure too.
#[track_caller]
fn promtool(arguments: &[&str]) {
    let ran = Command::new("promtool").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = match ran {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "promtool is missing: `make setup` installs it (Debian: the package prometheus); elsewhere put promtool of a \
             Prometheus release into the PATH"
        ),
        Err(error) => panic!("promtool cannot be run: {error}"),
    };
    assert!(
        output.status.success(),
        "promtool {}:\n{}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

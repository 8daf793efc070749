//! The process's environment and the command line, as settings see them.
//! Not here: what the settings mean.

use crate::cli::args::{Global, Property, property};
use crate::config::{Env, Given, variable};
use std::fs;

/// Options win over environment variables, those over the files.
pub struct Environment {
    bootstrap_servers: Option<String>,
    properties: Vec<(&'static str, Property)>,
}

impl Environment {
    /// # Errors
    /// In words, when `SLUICEGATE_PROPERTY` is not made of `key=value` lines.
    pub fn new(global: &Global) -> Result<Self, String> {
        let lines = std::env::var("SLUICEGATE_PROPERTY").unwrap_or_default();
        let mut properties = from_lines(&lines)?;
        properties.extend(global.properties.iter().map(|it| ("-X", it.clone())));
        Ok(Self { bootstrap_servers: global.bootstrap_servers.clone(), properties })
    }
}

impl Env for Environment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn host_name(&self) -> Option<String> {
        // The kernel's word first: in a container it is the container's name. Others have it in a variable.
        let read = |path| fs::read_to_string(path).ok().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname")).or_else(|| self.var("HOSTNAME"))
    }

    fn setting(&self, path: &str) -> Option<Given> {
        if path == "kafka.bootstrap_servers"
            && let Some(text) = &self.bootstrap_servers
        {
            return Some(Given { origin: "--bootstrap-servers".to_owned(), text: text.clone() });
        }
        let origin = variable(path);
        self.var(&origin).map(|text| Given { origin, text })
    }

    fn kafka_properties(&self) -> Vec<(String, Given)> {
        let given = |origin: &str, it: &Property| Given { origin: origin.to_owned(), text: it.value.clone() };
        self.properties.iter().map(|(origin, it)| (it.key.clone(), given(origin, it))).collect()
    }
}

fn from_lines(text: &str) -> Result<Vec<(&'static str, Property)>, String> {
    let lines = text.lines().filter(|it| !it.trim().is_empty());
    let read = |line: &str| property(line).map(|it| ("SLUICEGATE_PROPERTY", it));
    let all: Result<Vec<_>, _> = lines.map(read).collect();
    all.map_err(|what| format!("SLUICEGATE_PROPERTY: a line is {what}; write one key=value per line"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    #[test]
    fn options_are_settings() {
        let cli = Cli::parse_from(["sluicegate", "check", "-b", "a:1", "-X", "security.protocol=SSL"]);
        let environment = Environment::new(&cli.global).unwrap();
        let settings = crate::config::parse(&[], &environment).unwrap();
        assert_eq!(settings.kafka.bootstrap_servers, "a:1");
        let property = &settings.kafka.properties["security.protocol"];
        assert_eq!(*property, crate::config::PropertyValue::Literal("SSL".to_owned()));
    }

    #[test]
    fn a_bad_option_is_named_in_the_fault() {
        let cli = Cli::parse_from(["sluicegate", "check", "-b", "a b", "-X", "group.id=x"]);
        let faults = crate::config::parse(&[], &Environment::new(&cli.global).unwrap()).unwrap_err().to_string();
        assert!(faults.starts_with("--bootstrap-servers: kafka.bootstrap_servers: \"a b\" is not a broker's address"));
        assert!(faults.contains("\n-X: kafka.properties.\"group.id\": is set by Sluicegate"), "{faults}");
    }

    #[test]
    fn properties_may_come_one_per_line() {
        let found = from_lines("a=b\n\n c = d=e\n").unwrap();
        let pairs: Vec<_> = found.iter().map(|(_, it)| (it.key.as_str(), it.value.as_str())).collect();
        assert_eq!(pairs, [("a", "b"), ("c", " d=e")]);
        assert!(!from_lines("hunter2").unwrap_err().contains("hunter2"));
    }
}

//! What is wrong with the configuration: where, which key, what, and what to do.
//! Not here: finding faults (the readers).

use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Line and column count from 1; the column counts characters.
    Text { file: Arc<str>, line: u32, column: u32 },
    /// A file as a whole.
    File(Arc<str>),
    /// An environment variable or a command line option.
    Origin(String),
    /// Nobody gave it.
    Default,
}

/// One fault. Its texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub place: Place,
    /// Such as `kafka.partitions`; empty for a file that is no TOML.
    pub path: String,
    /// A fact, in lowercase.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// All faults of all files, in the order of the files and of their lines; at least one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(formatter, "{end}{fault}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "{}; {}", self.what, self.hint)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, line, column } => write!(formatter, "{file}:{line}:{column}"),
            Self::File(file) => file.fmt(formatter),
            Self::Origin(origin) => origin.fmt(formatter),
            Self::Default => formatter.write_str("defaults"),
        }
    }
}

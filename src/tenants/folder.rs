//! Looks at the folder again and again: a change counts when two looks in a row find the same.
//! Not here: how often that is (`app`), what a change does.

use crate::config::{Fault, Place, SourceText};
use crate::tenants::files::{Read, Stamp, read, stamps};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

type Stamps = Result<Vec<Stamp>, io::ErrorKind>;

/// The folder, as it was when it was last looked at and last read.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// As of the last look.
    last: Option<Stamps>,
    /// As of the last reading, whatever came of it.
    read: Option<Stamps>,
    /// Files that held something when they were last taken: one that is empty now is being written, or its disk is full.
    held: BTreeSet<String>,
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing that has not been read.
    Same,
    /// Somebody may be writing: the next look decides.
    Settling,
    Changed(Read),
}

impl Folder {
    /// The first change that is found is what lies there now: what was read before may be older.
    pub fn new(path: PathBuf) -> Self {
        Self { path, last: None, read: None, held: BTreeSet::new() }
    }

    /// What was read counts as changed, whether it is or not.
    pub fn forget(&mut self) {
        (self.last, self.read) = (None, None);
    }

    /// Blocks for local disk: a moment for ten thousand files, longer only after a change.
    pub fn look(&mut self) -> Look {
        let found = stamps(&self.path);
        if self.read.as_ref() == Some(&found) {
            self.last = None;
            return Look::Same;
        }
        if self.last.as_ref() != Some(&found) {
            self.last = Some(found);
            return Look::Settling;
        }
        let mut read = read(&self.path);
        // Written to while it was read.
        if stamps(&self.path) != found {
            self.last = None;
            return Look::Settling;
        }
        self.read = Some(found);
        self.last = None;
        read.faults.extend(self.emptied(&read));
        Look::Changed(read)
    }

    /// What was read is in force from now on.
    pub fn taken(&mut self, sources: &[SourceText]) {
        self.held = sources.iter().filter(|it| !it.text.trim().is_empty()).map(|it| it.name.clone()).collect();
    }

    /// Nobody empties a file, or the whole folder, to say that its tenants are gone: a disk is full, a volume is not
    /// mounted. A restart would believe it.
    fn emptied(&self, read: &Read) -> Vec<Fault> {
        let fault = |name: &str, what: &str, hint: &str| Fault {
            place: Place::File(Arc::from(name)),
            path: "tenants".to_owned(),
            what: what.to_owned(),
            hint: hint.to_owned(),
        };
        if read.sources.is_empty() && read.faults.is_empty() && !self.held.is_empty() {
            let hint = "put the files back; if no tenant shall be left, restart";
            return vec![fault(&self.path.display().to_string(), "holds no file of tenants any more", hint)];
        }
        let empty = read.sources.iter().filter(|it| it.text.trim().is_empty() && self.held.contains(&it.name));
        let hint = "write its tenants again; if they shall go, delete the file";
        empty.map(|it| fault(&it.name, "is empty and was not before", hint)).collect()
    }
}

#[cfg(test)]
mod tests;

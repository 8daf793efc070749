//! The files of the repository as the rules see them: a path from the root, and a text.
//! Not here: any rule.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are not part of the repository (`.gitignore` names them too).
const OUTSIDE: [&str; 3] = [".git", "target", "data"];

pub(crate) struct Page {
    /// From the root of the repository, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Page {
    /// Whether the file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The numbered lines of code that ship: no test module, which stands last, and no comments.
    pub(crate) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let shipped = if self.is_test() { "" } else { self.text.as_str() };
        let lines = shipped.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.take_while(|(_, line)| *line != "#[cfg(test)]").filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// `machine` for `src/machine/step.rs`, `app` for `src/app.rs`.
    pub(crate) fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split_once('/').map_or_else(|| inside.trim_end_matches(".rs"), |(first, _)| first))
    }
}

/// Every text file of the repository, in order of its path.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    paths.sort();
    paths.iter().filter_map(|path| page(path)).collect()
}

/// Every Rust file of the repository.
pub(crate) fn rust() -> Vec<Page> {
    pages().into_iter().filter(|it| it.path.ends_with(".rs")).collect()
}

/// Every Rust file of the program.
pub(crate) fn sources() -> Vec<Page> {
    rust().into_iter().filter(|it| it.path.starts_with("src/")).collect()
}

/// The text of one file that must be there.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn root() -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let outside = OUTSIDE.iter().any(|it| entry.file_name() == *it);
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !outside {
            walk(&entry.path(), paths);
        } else if kind.is_file() && !outside {
            paths.push(entry.path());
        }
    }
}

/// Nothing for a file that is not text.
fn page(path: &Path) -> Option<Page> {
    let text = String::from_utf8(fs::read(path).unwrap()).ok()?;
    let inside = path.strip_prefix(root()).unwrap().to_str().expect("a path in UTF-8");
    Some(Page { path: inside.replace('\\', "/"), text })
}

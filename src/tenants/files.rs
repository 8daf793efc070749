//! The files of the folder: which ones count, their text, and their stamps.
//! Not here: comparing one look with the next (`folder`).

use crate::config::{Fault, Place, SourceText};
use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one reading of the folder found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// In the order of the files' names.
    pub sources: Vec<SourceText>,
    /// What could not be read: the folder, or files in it.
    pub faults: Vec<Fault>,
}

/// Reads every `*.toml` of the folder. Called at the start, by `check`, and after a change; blocks for local disk.
pub fn read(folder: &Path) -> Read {
    let mut read = Read::default();
    match list(folder) {
        Ok(paths) => {
            for path in paths {
                match fs::read_to_string(&path) {
                    Ok(text) => read.sources.push(SourceText { name: path.display().to_string(), text }),
                    Err(error) => read.faults.push(unreadable(&path, &error)),
                }
            }
        }
        Err(error) => read.faults.push(unreadable(folder, &error)),
    }
    read
}

/// What tells one state of a file from another: where it lies on disk, its size, and when it and its name last changed.
/// A file that was renamed into place has another inode, one that a `ConfigMap` swaps too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    /// None: it cannot be looked at.
    file: Option<[i128; 4]>,
}

/// The stamps of all files, or why there are none.
pub(super) fn stamps(folder: &Path) -> Result<Vec<Stamp>, io::ErrorKind> {
    let stamp = |path: PathBuf| {
        let file = fs::metadata(&path).ok().map(|it| {
            let nanos = |seconds: i64, part: i64| i128::from(seconds) * 1_000_000_000 + i128::from(part);
            let place = i128::from(it.dev()) << 64 | i128::from(it.ino());
            let changed = nanos(it.ctime(), it.ctime_nsec());
            [place, i128::from(it.size()), nanos(it.mtime(), it.mtime_nsec()), changed]
        });
        Stamp { path, file }
    };
    list(folder).map(|paths| paths.into_iter().map(stamp).collect()).map_err(|error| error.kind())
}

/// Every `*.toml` in the order of their names; hidden ones are left out (editors, Kubernetes' `..data`).
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let hidden = |path: &Path| path.file_name().is_none_or(|it| it.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|it| it.path()).collect();
    paths.retain(|it| !hidden(it) && it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &impl Display) -> Fault {
    Fault {
        place: Place::File(Arc::from(path.display().to_string())),
        path: "tenants".to_owned(),
        what: format!("cannot be read: {error}"),
        hint: "`tenants` names a folder of text files that this user may read".to_owned(),
    }
}

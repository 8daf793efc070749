//! Opens the database in `state.dir`, and sets a damaged one aside as a whole.
//! Not here: a copy of one shard that is of no use while the database is sound (`rocks`).

use super::fault;
use super::tuning::Tuning;
use crate::ports::StoreFault;
use rocksdb::{ColumnFamilyDescriptor, DB, DEFAULT_COLUMN_FAMILY_NAME};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tracing::{info, warn};

/// A subdirectory, so that it can be renamed even where `state.dir` is a mount point.
const NAME: &str = "store";
const DAMAGED_PREFIX: &str = "store.damaged-";
const DAMAGED_KEPT: usize = 2;

/// Opens the database below `dir` with all its columns and names them. The caller holds the lock of `dir`.
///
/// # Errors
/// When not even an empty database can be opened.
pub(super) fn open(dir: &Path, tuning: &Tuning) -> Result<(DB, Vec<String>), StoreFault> {
    let path = dir.join(NAME);
    let why = match try_open(&path, tuning) {
        Ok(opened) => return Ok(opened),
        Err(Refused::Damaged(why)) => why,
        Err(Refused::Fault(fault)) => return Err(fault),
    };
    let aside = set_aside(dir, &path)?;
    warn!(why, set_aside = %aside.display(), "local store is damaged, set aside and begun anew");
    try_open(&path, tuning).map_err(|refused| match refused {
        Refused::Damaged(what) => StoreFault { what: format!("cannot open an empty store: {what}; check state.dir") },
        Refused::Fault(fault) => fault,
    })
}

enum Refused {
    Damaged(String),
    Fault(StoreFault),
}

impl From<rocksdb::Error> for Refused {
    fn from(error: rocksdb::Error) -> Self {
        if fault::is_damage(&error) {
            Self::Damaged(error.into_string())
        } else {
            Self::Fault(fault::from_rocksdb("cannot open the local store", &error))
        }
    }
}

fn try_open(path: &Path, tuning: &Tuning) -> Result<(DB, Vec<String>), Refused> {
    let options = tuning.database();
    let mut names = vec![DEFAULT_COLUMN_FAMILY_NAME.to_owned()];
    if path.join("CURRENT").exists() {
        names = DB::list_cf(&options, path)?;
    } else if has_tables(path) {
        return Err(Refused::Damaged("its file CURRENT is missing".to_owned()));
    }
    let columns = names.iter().map(|name| ColumnFamilyDescriptor::new(name, tuning.copy()));
    let database = DB::open_cf_descriptors(&options, path, columns)?;
    Ok((database, names))
}

fn has_tables(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    entries.flatten().any(|it| it.path().extension() == Some(OsStr::new("sst")))
}

fn set_aside(dir: &Path, path: &Path) -> Result<PathBuf, StoreFault> {
    let mut numbers = damaged_numbers(dir);
    let next = numbers.last().map_or(1, |it| it.saturating_add(1));
    let aside = dir.join(format!("{DAMAGED_PREFIX}{next}"));
    fs::rename(path, &aside).map_err(|error| fault::from_io("cannot set aside", path, &error))?;
    numbers.push(next);
    let surplus = numbers.len().saturating_sub(DAMAGED_KEPT);
    for number in numbers.into_iter().take(surplus) {
        let old = dir.join(format!("{DAMAGED_PREFIX}{number}"));
        match fs::remove_dir_all(&old) {
            Ok(()) => info!(removed = %old.display(), "older damaged store removed"),
            Err(error) => warn!(path = %old.display(), %error, "older damaged store cannot be removed"),
        }
    }
    Ok(aside)
}

/// The numbers of the stores set aside so far, lowest first.
fn damaged_numbers(dir: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let names = entries.flatten().map(|it| it.file_name().to_string_lossy().into_owned());
    let mut numbers: Vec<u32> = names.filter_map(|it| it.strip_prefix(DAMAGED_PREFIX)?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

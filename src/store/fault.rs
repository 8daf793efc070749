//! Says in an operator's words what RocksDB or the file system reported.
//! Not here: what follows from it.

use crate::ports::StoreFault;
use rocksdb::ErrorKind;
use std::io;
use std::path::Path;

/// What RocksDB could not do, and what helps.
pub(super) fn from_rocksdb(doing: &str, error: &rocksdb::Error) -> StoreFault {
    let advice = if is_damage(error) { "the shard must be rebuilt from the log" } else { hint(error.as_ref()) };
    StoreFault { what: format!("{doing}: {error}; {advice}") }
}

/// What the file system could not do at `path`, and what helps.
pub(super) fn from_io(doing: &str, path: &Path, error: &io::Error) -> StoreFault {
    let text = error.to_string();
    StoreFault { what: format!("{doing} {}: {text}; {}", path.display(), hint(&text)) }
}

/// Whether the files themselves are wrong, so that trying again cannot help but starting anew does.
/// A full disk, a missing permission or a failing device are no damage: an empty copy would fare no better.
pub(super) fn is_damage(error: &rocksdb::Error) -> bool {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::NotSupported | ErrorKind::InvalidArgument | ErrorKind::NotFound => true,
        ErrorKind::IOError => error.as_ref().contains("No such file or directory"),
        ErrorKind::MergeInProgress
        | ErrorKind::Incomplete
        | ErrorKind::ShutdownInProgress
        | ErrorKind::TimedOut
        | ErrorKind::Aborted
        | ErrorKind::Busy
        | ErrorKind::Expired
        | ErrorKind::TryAgain
        | ErrorKind::CompactionTooLarge
        | ErrorKind::ColumnFamilyDropped
        | ErrorKind::Unknown => false,
    }
}

fn hint(text: &str) -> &'static str {
    if text.contains("No space left") {
        "free space on the disk of state.dir"
    } else if text.contains("ermission denied") || text.contains("Read-only") {
        "let the user that runs sluicegate write to state.dir"
    } else {
        "check the disk of state.dir"
    }
}

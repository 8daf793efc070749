//! One process per `state.dir`: a lock on a file that also says who holds it.
//! Not here: RocksDB's own lock, which lies in a directory that may be set aside.

use super::fault;
use crate::ports::StoreFault;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tracing::warn;

/// Held as long as it lives; the operating system frees it when the process dies.
pub(super) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Creates `dir` if need be and locks it.
    ///
    /// # Errors
    /// Another process holds it (its id is named where known), or `dir` cannot be written.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreFault> {
        fs::create_dir_all(dir).map_err(|error| fault::from_io("cannot create", dir, &error))?;
        let path: PathBuf = dir.join("owner.lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| fault::from_io("cannot open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held_by_another(dir, &mut file)),
            Err(TryLockError::Error(error)) => return Err(fault::from_io("cannot lock", &path, &error)),
        }
        sign(&mut file).map_err(|error| fault::from_io("cannot write", &path, &error))?;
        Ok(Self { file })
    }
}

impl Drop for DirectoryLock {
    /// Closing the file is not enough: a child process that is being started may still share it.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            warn!(%error, "the lock of the local store cannot be let go of");
        }
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    write!(file, "{}", std::process::id())
}

fn held_by_another(dir: &Path, file: &mut File) -> StoreFault {
    let mut signature = String::new();
    let owner = match file.take(32).read_to_string(&mut signature) {
        Ok(_) if !signature.trim().is_empty() => format!("process {}", signature.trim()),
        Ok(_) | Err(_) => "another process".to_owned(),
    };
    let what = format!("{} is in use by {owner}; stop it or give this one its own state.dir", dir.display());
    StoreFault { what }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::DirectoryLock;

    #[test]
    fn a_lock_let_go_of_is_free_although_a_child_process_still_shares_its_file() {
        let dir = tempfile::TempDir::new().unwrap();
        let lock = DirectoryLock::take(dir.path()).unwrap();
        let shared = lock.file.try_clone().unwrap();
        assert!(DirectoryLock::take(dir.path()).is_err());
        drop(lock);
        assert!(DirectoryLock::take(dir.path()).is_ok());
        drop(shared);
    }
}

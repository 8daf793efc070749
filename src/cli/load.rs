//! Opens the configuration file and the folder of tenant files, and hands their text to `config`.
//! Not here: what they say.

use crate::config::{Env, Fault, Faults, Place, Settings, SourceText, parse, tenants_folder};
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_FILE: &str = "sluicegate.toml";

/// The settings and the files that they came from (the main file first; none: all is default).
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    pub files: Vec<PathBuf>,
}

/// Why there are no settings. Every kind ends with `Exit::BadConfiguration`.
#[derive(Debug, Error)]
pub enum LoadFault {
    #[error("{} does not exist; create it, or name another with --config", .0.display())]
    Absent(PathBuf),
    #[error("{} cannot be read: {error}; it must be a text file that this user may read", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    /// Of all files; also folders and tenant files that cannot be read.
    #[error(transparent)]
    Faults(Faults),
}

/// Reads `config`, else `sluicegate.toml` if there is one, else the defaults alone. Blocks for local disk.
///
/// # Errors
/// When a file cannot be read, or with all faults of all files.
pub fn load(config: Option<&Path>, env: &dyn Env) -> Result<Loaded, LoadFault> {
    let main = match config {
        Some(path) => Some(read(path)?),
        None => match read(Path::new(DEFAULT_FILE)) {
            Ok(source) => Some(source),
            Err(LoadFault::Absent(_)) => None,
            Err(fault) => return Err(fault),
        },
    };
    let nothing = SourceText { name: DEFAULT_FILE.to_owned(), text: String::new() };
    let folder = tenants_folder(main.as_ref().unwrap_or(&nothing), env);
    let mut files: Vec<PathBuf> = main.iter().map(|it| PathBuf::from(&it.name)).collect();
    let mut sources = vec![main.unwrap_or(nothing)];
    let mut faults = Vec::new();
    for path in folder.map(|it| tenant_files(&it, &mut faults)).unwrap_or_default() {
        match read(&path) {
            Ok(source) => {
                sources.push(source);
                files.push(path);
            }
            Err(fault) => faults.push(unreadable(&path, &fault)),
        }
    }
    match parse(&sources, env) {
        Ok(settings) if faults.is_empty() => Ok(Loaded { settings, files }),
        Ok(_) => Err(LoadFault::Faults(Faults(faults))),
        Err(Faults(others)) => Err(LoadFault::Faults(Faults(others.into_iter().chain(faults).collect()))),
    }
}

/// Every `*.toml` of the folder in the order of their names; hidden ones are left out (editors, Kubernetes' `..data`).
fn tenant_files(folder: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.unwrap_or_else(|error| {
        faults.push(unreadable(folder, &error));
        Vec::new()
    });
    let hidden = |path: &Path| path.file_name().is_none_or(|it| it.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|it| it.path()).collect();
    paths.retain(|it| !hidden(it) && it.extension().is_some_and(|it| it == "toml"));
    paths.sort();
    paths
}

fn unreadable(path: &Path, error: &impl Display) -> Fault {
    Fault {
        place: Place::File(Arc::from(path.display().to_string())),
        path: "tenants".to_owned(),
        what: format!("cannot be read: {error}"),
        hint: "`tenants` names a folder of text files that this user may read".to_owned(),
    }
}

fn read(path: &Path) -> Result<SourceText, LoadFault> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(SourceText { name: path.display().to_string(), text }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LoadFault::Absent(path.to_owned())),
        Err(error) => Err(LoadFault::Unreadable { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use crate::config::NoEnv;

    const TENANT: &str = "[[tenant]]\nid = \"";

    #[test]
    fn tenant_files_are_read_beside_the_main_file_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.toml");
        fs::write(&main, "tenants = \"tenants.d\"").unwrap();
        let tenants = folder.path().join("tenants.d");
        fs::create_dir(&tenants).unwrap();
        for name in ["b.toml", "a.toml"] {
            fs::write(tenants.join(name), format!("{TENANT}{name}\"")).unwrap();
        }
        fs::write(tenants.join(".c.toml"), "no toml").unwrap();
        fs::write(tenants.join("README.md"), "no toml").unwrap();
        let loaded = load(Some(&main), &NoEnv).unwrap();
        assert_eq!(loaded.files, [main, tenants.join("a.toml"), tenants.join("b.toml")]);
        assert_eq!(loaded.settings.tenants.len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.toml");
        let text = load(Some(&main), &NoEnv).unwrap_err().to_string();
        assert!(text.contains("main.toml does not exist; create it"), "{text}");
        fs::write(&main, "tenants = \"absent\"\nkafka.partitions = 0").unwrap();
        let text = load(Some(&main), &NoEnv).unwrap_err().to_string();
        assert!(
            text.contains("kafka.partitions: 0 is not") && text.contains("absent: tenants: cannot be read"),
            "{text}"
        );
        fs::write(&main, b"\xff\xfe").unwrap();
        assert!(matches!(load(Some(&main), &NoEnv), Err(LoadFault::Unreadable { .. })));
        fs::write(&main, "tenants = 3").unwrap();
        assert!(matches!(load(Some(&main), &NoEnv), Err(LoadFault::Faults(_))));
    }
}

//! Opens the configuration file and the folder of tenant files, and hands their text to `config`.
//! Not here: what they say.

use crate::config::{Env, Faults, Settings, SourceText, parse, tenants_folder};
use crate::ops::read_tenant_files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_FILE: &str = "sluicegate.toml";

/// The settings and the files that they came from (the main file first; none: all is default).
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    pub files: Vec<PathBuf>,
    /// The main file; without text if there is none.
    pub main: SourceText,
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
    let main = main_file(config)?;
    let mut files: Vec<PathBuf> = main.iter().map(|it| PathBuf::from(&it.name)).collect();
    let main = main.unwrap_or_else(nothing);
    let folder = tenants_folder(&main, env);
    let mut sources = vec![main.clone()];
    let mut faults = Vec::new();
    if let Some(folder) = folder {
        let found = read_tenant_files(&folder);
        files.extend(found.sources.iter().map(|it| PathBuf::from(&it.name)));
        sources.extend(found.sources);
        faults.extend(found.faults);
    }
    match parse(&sources, env) {
        Ok(settings) if faults.is_empty() => Ok(Loaded { settings, files, main }),
        Ok(_) => Err(LoadFault::Faults(Faults(faults))),
        Err(Faults(others)) => Err(LoadFault::Faults(Faults(others.into_iter().chain(faults).collect()))),
    }
}

/// As `load`, without the folder of tenant files: what asks a running process, or Kafka, works also while a file of a
/// tenant is being mended.
///
/// # Errors
/// When the main file cannot be read, or with all of its faults.
pub fn load_main(config: Option<&Path>, env: &dyn Env) -> Result<Settings, LoadFault> {
    let main = main_file(config)?.unwrap_or_else(nothing);
    parse(&[main], env).map_err(LoadFault::Faults)
}

/// None: nobody named one, and there is none.
fn main_file(config: Option<&Path>) -> Result<Option<SourceText>, LoadFault> {
    match config {
        Some(path) => read(path).map(Some),
        None => match read(Path::new(DEFAULT_FILE)) {
            Ok(source) => Ok(Some(source)),
            Err(LoadFault::Absent(_)) => Ok(None),
            Err(fault) => Err(fault),
        },
    }
}

fn nothing() -> SourceText {
    SourceText { name: DEFAULT_FILE.to_owned(), text: String::new() }
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
    fn what_asks_a_running_process_does_not_mind_a_broken_tenant() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.toml");
        fs::write(&main, "tenants = \"tenants.d\"\nkafka.partitions = 3").unwrap();
        fs::create_dir(folder.path().join("tenants.d")).unwrap();
        fs::write(folder.path().join("tenants.d/a.toml"), "no toml").unwrap();
        assert!(matches!(load(Some(&main), &NoEnv), Err(LoadFault::Faults(_))));
        assert_eq!(load_main(Some(&main), &NoEnv).unwrap().kafka.partitions, 3);
        fs::write(&main, "kafka.partitions = 0").unwrap();
        assert!(matches!(load_main(Some(&main), &NoEnv), Err(LoadFault::Faults(_))));
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

//! Opens the configuration file and the folder of tenant files, and hands their text to `config`.
//! Not here: what they say.

use crate::config::{Env, Faults, Settings, SourceText, parse, tenants_folder};
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
}

/// Why there are no settings. Every kind ends with `Exit::BadConfiguration`.
#[derive(Debug, Error)]
pub enum LoadFault {
    #[error("{} does not exist; create it, or name another with --config", .0.display())]
    Absent(PathBuf),
    #[error("{} cannot be read: {error}; it must be a text file that this user may read", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} cannot be read: {error}; it is the folder of tenant files that `tenants` names", path.display())]
    Folder { path: PathBuf, error: io::Error },
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
    let mut sources = Vec::new();
    let nothing = SourceText { name: DEFAULT_FILE.to_owned(), text: String::new() };
    let folder = tenants_folder(main.as_ref().unwrap_or(&nothing), env);
    let files = main.iter().map(|it| PathBuf::from(&it.name)).collect();
    sources.push(main.unwrap_or(nothing));
    let mut loaded = (files, sources);
    if let Some(folder) = folder {
        read_folder(&folder, &mut loaded)?;
    }
    let (files, sources) = loaded;
    let settings = parse(&sources, env).map_err(LoadFault::Faults)?;
    Ok(Loaded { settings, files })
}

/// Every `*.toml` of the folder in the order of their names; hidden ones are left out (editors, Kubernetes' `..data`).
fn read_folder(folder: &Path, (files, sources): &mut (Vec<PathBuf>, Vec<SourceText>)) -> Result<(), LoadFault> {
    let fault = |error| LoadFault::Folder { path: folder.to_owned(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let hidden = path.file_name().is_none_or(|it| it.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|it| it == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    for path in paths {
        sources.push(read(&path)?);
        files.push(path);
    }
    Ok(())
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
        fs::write(&main, "tenants = \"absent\"").unwrap();
        let text = load(Some(&main), &NoEnv).unwrap_err().to_string();
        assert!(text.contains("absent cannot be read") && text.contains("folder of tenant files"), "{text}");
        fs::write(&main, b"\xff\xfe").unwrap();
        assert!(matches!(load(Some(&main), &NoEnv), Err(LoadFault::Unreadable { .. })));
        fs::write(&main, "tenants = 3").unwrap();
        assert!(matches!(load(Some(&main), &NoEnv), Err(LoadFault::Faults(_))));
    }
}

//! Secrets: read from where the settings say, held so that nothing prints them.
//! Not here: which secrets there are (`config`), what they open (the connectors).

use crate::config::SecretSource;
use secrecy::SecretString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use thiserror::Error;

/// Far above any token, far below what hurts.
const BYTES_MAX: u64 = 64 << 10;

/// Why a secret cannot be had. Names where it was looked for, never what was found.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    #[error("environment variable {name} is not set; set it for the process that runs sluicegate")]
    NotSet { name: String },
    #[error("{source_text} is empty; put the secret into it")]
    Empty { source_text: String },
    #[error("{source_text} holds no text in UTF-8; put the secret into it, and nothing else")]
    NoText { source_text: String },
    #[error("{source_text} holds more than {BYTES_MAX} bytes; put the secret into it, and nothing else")]
    TooLong { source_text: String },
    #[error("{source_text} holds several lines; put the secret into one, and nothing else")]
    Lines { source_text: String },
    #[error(
        "{source_text} does not exist; create it, or mend the path (relative paths lie beside the file of settings)"
    )]
    NoFile { source_text: String },
    #[error("{source_text} cannot be read: {kind}; let the user that runs sluicegate read it")]
    Unreadable { source_text: String, kind: ErrorKind },
}

/// The secret itself, without space around it. Reads the environment or a file each time, so that a changed secret is
/// seen; blocks for local disk only. Called by connectors (at start and after a 401), `kafka`, and `check`.
///
/// # Errors
/// When there is none, or it is empty, too long or no single line of text.
pub fn resolve(source: &SecretSource) -> Result<SecretString, Fault> {
    let source_text = source.to_string();
    let text = match source {
        SecretSource::Env(name) => variable(name, &source_text)?,
        SecretSource::File(path) => contents(path, &source_text)?,
    };
    let secret = text.trim();
    if secret.is_empty() {
        return Err(Fault::Empty { source_text });
    }
    Ok(SecretString::from(secret))
}

/// As `resolve`, and one line without control characters, as an HTTP header must be.
///
/// # Errors
/// As `resolve`, and when there are several lines.
pub fn resolve_token(source: &SecretSource) -> Result<SecretString, Fault> {
    let secret = resolve(source)?;
    if secrecy::ExposeSecret::expose_secret(&secret).contains(char::is_control) {
        return Err(Fault::Lines { source_text: source.to_string() });
    }
    Ok(secret)
}

fn variable(name: &str, source_text: &str) -> Result<String, Fault> {
    match std::env::var(name) {
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Err(Fault::NotSet { name: name.to_owned() }),
        Err(std::env::VarError::NotUnicode(_)) => Err(Fault::NoText { source_text: source_text.to_owned() }),
    }
}

fn contents(path: &Path, source_text: &str) -> Result<String, Fault> {
    let source_text = source_text.to_owned();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    match read.map_err(|error| error.kind()) {
        Err(ErrorKind::NotFound) => return Err(Fault::NoFile { source_text }),
        Err(kind) => return Err(Fault::Unreadable { source_text, kind }),
        Ok(length) if u64::try_from(length).unwrap_or(u64::MAX) > BYTES_MAX => {
            return Err(Fault::TooLong { source_text });
        }
        Ok(_) => {}
    }
    String::from_utf8(bytes).map_err(|_| Fault::NoText { source_text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::fs;

    fn file(contents: &[u8]) -> (tempfile::TempDir, SecretSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, contents).unwrap();
        (folder, SecretSource::File(path))
    }

    #[test]
    fn a_file_gives_its_contents_without_space_around() {
        let (_folder, source) = file(b"  pat-na1-1234\r\n");
        let secret = resolve_token(&source).unwrap();
        assert_eq!(secret.expose_secret(), "pat-na1-1234");
        assert!(!format!("{secret:?}").contains("1234"));
    }

    #[test]
    fn a_key_of_several_lines_is_a_secret_but_no_token() {
        let (_folder, source) = file(b"-----BEGIN\nabc\n-----END\n");
        assert!(resolve(&source).is_ok());
        assert!(matches!(resolve_token(&source), Err(Fault::Lines { .. })));
    }

    #[test]
    fn what_holds_no_secret_is_refused_and_not_shown() {
        let (_folder, source) = file(b" \n");
        assert!(matches!(resolve(&source), Err(Fault::Empty { .. })));
        let (_folder, source) = file(b"hunter2\xff");
        let fault = resolve(&source).unwrap_err();
        assert!(matches!(fault, Fault::NoText { .. }) && !fault.to_string().contains("hunter2"));
        let (_folder, source) = file(&vec![b'x'; 70_000]);
        assert!(matches!(resolve(&source), Err(Fault::TooLong { .. })));
        let (folder, _) = file(b"x");
        let absent = SecretSource::File(folder.path().join("absent"));
        assert!(resolve(&absent).unwrap_err().to_string().contains("absent does not exist; create it"));
        let fault = resolve(&SecretSource::File(folder.path().to_owned())).unwrap_err();
        assert!(matches!(fault, Fault::Unreadable { .. }), "{fault}");
    }

    #[test]
    fn a_variable_is_read_and_an_absent_one_is_named() {
        assert!(resolve(&SecretSource::Env("PATH".to_owned())).is_ok());
        let fault = resolve(&SecretSource::Env("SLUICEGATE_NEVER_SET".to_owned())).unwrap_err();
        assert!(fault.to_string().starts_with("environment variable SLUICEGATE_NEVER_SET is not set; "));
    }
}

//! The question before something is changed.
//! Not here: what is changed.

use crate::cli::Exit;
use crate::cli::args::Changes;
use crate::cli::output::complain;
use std::io::{self, BufRead, IsTerminal as _, Write as _};

/// Goes on with `--yes` or after a "y" at the terminal; without a terminal there is no question, only a refusal.
///
/// # Errors
/// `Refused` when nobody agreed. Blocks for the answer.
pub fn confirm(question: &str, changes: Changes) -> Result<(), Exit> {
    if changes.yes {
        return Ok(());
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() || !io::stderr().is_terminal() {
        complain(
            "refused: this changes things and there is no terminal to ask at; add --yes, or --dry-run to look first",
        );
        return Err(Exit::Refused);
    }
    let _nobody_to_tell = write!(io::stderr(), "{question} [y/N] ");
    agreed(&mut stdin.lock()).then_some(()).ok_or_else(|| {
        complain("refused: nothing was changed");
        Exit::Refused
    })
}

fn agreed(reader: &mut impl BufRead) -> bool {
    let mut line = String::new();
    reader.read_line(&mut line).is_ok() && ["y", "yes"].contains(&line.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        assert!(agreed(&mut "y\n".as_bytes()) && agreed(&mut " YES \n".as_bytes()));
        for answer in ["", "\n", "n\n", "yep\n", "\u{ff}\n"] {
            assert!(!agreed(&mut answer.as_bytes()), "{answer:?}");
        }
    }

    #[test]
    fn an_agreed_change_is_not_asked_about() {
        assert_eq!(confirm("?", Changes { dry_run: false, yes: true }), Ok(()));
    }
}

//! Completions for shells, from the definitions themselves.
//! Not here: installing them.

use crate::cli::output::ended;
use crate::cli::{Cli, Exit, Output};
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Prints the script.
pub fn completions(shell: Shell, output: &mut Output) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sluicegate", &mut script);
    ended(output.line(String::from_utf8_lossy(&script).trim_end()), Exit::Ok)
}

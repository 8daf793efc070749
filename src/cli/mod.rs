//! The command line: what can be typed and how it is printed.
//! Not here: what is done about it (`ops`).
//! Data goes to stdout, everything else to stderr.

pub mod args;
pub mod check;
pub mod completions;
pub mod confirm;
pub mod environment;
pub mod exit;
pub mod load;
pub mod output;
pub mod pause;
pub mod progress;

pub use args::{Cli, Command};
pub use exit::Exit;
pub use output::{Output, Shown, Table};

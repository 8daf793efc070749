//! The program `sluicegate`: hands over to the wiring.
//! Not here: anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluicegate::app::main()
}

//! The program `sluicegate`: parses the command line and hands over.
//! Not here: anything else.

fn main() {}

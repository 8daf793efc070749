//! The program `sluicegate`: hands over to the wiring.
//! Not here: anything else.

use std::process::ExitCode;

/// Deliveries are made on one thread and end on another, which costs glibc's allocator dear.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    sluicegate::app::main()
}

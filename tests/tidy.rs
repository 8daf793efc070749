//! The rules of this repository that no compiler states: floors, purity, sizes, names, and pages that agree with code.
//! Not here: what the program does. Each rule is one function with one test; `cargo test --test tidy` runs them all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test panics on purpose"
)]

#[path = "tidy/deploy.rs"]
mod deploy;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/log.rs"]
mod log;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;

/// Fails with all that was found, one finding a line.
#[track_caller]
fn assert_tidy(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

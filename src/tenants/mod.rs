//! The folder of tenant files: what lies in it, and whether that has changed since it was last read.
//! Not here: what the files say (`config`), what a change does to a running process (`ops`).

mod files;
mod folder;

pub use files::{Read, read};
pub use folder::{Folder, Look};

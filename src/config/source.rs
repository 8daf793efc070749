//! A file's text, and how an offset in it becomes a line and a column.
//! Not here: opening it, TOML.

use crate::config::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LINE_OF_A_PERSON: usize = 2_000;

/// A configuration file as it was read. The name is its path, as faults shall show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceText {
    pub name: String,
    pub text: String,
}

/// Finds places in one text.
#[derive(Debug)]
pub(super) struct Places<'t> {
    file: Arc<str>,
    text: &'t str,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
}

impl<'t> Places<'t> {
    pub(super) fn of(source: &'t SourceText) -> Self {
        let starts = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { file: Arc::from(source.name.as_str()), text: &source.text, lines }
    }

    /// The place of a byte offset; one beyond the end is the end.
    pub(super) fn at(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|it| self.lines.get(it)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        // In a line that no person wrote, bytes are near enough: counting characters would take time squared.
        let column = if before.len() > LINE_OF_A_PERSON { before.len() } else { before.chars().count() };
        let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Place::Text { file: Arc::clone(&self.file), line: count(line), column: count(column + 1) }
    }

    pub(super) fn whole(&self) -> Place {
        Place::File(Arc::clone(&self.file))
    }

    /// A path as written in this file: relative ones lie beside it.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        Path::new(&*self.file).parent().map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
    }
}

//! Data on stdout: a table for people, JSON for programs; the only module that prints data.
//! Not here: progress and log (stderr), colours: nothing here is coloured, so `NO_COLOR` has its way.

use crate::cli::Exit;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, presets};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// What a command has to say: one JSON value, or the same as tables.
pub trait Shown: Serialize {
    fn tables(&self) -> Vec<Table>;
}

/// Rows under a heading. Rows may be none: the heading is still shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub heading: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self { heading: heading.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

/// Where data goes, and in which format.
pub struct Output {
    format: Format,
    writer: Box<dyn Write>,
    /// Tables are fitted to it; none for a pipe, where nothing is wrapped.
    width: Option<u16>,
}

impl Output {
    /// To stdout.
    pub fn new(format: Format) -> Self {
        let stdout = io::stdout();
        let width = if stdout.is_terminal() { comfy_table::Table::new().width() } else { None };
        Self { format, writer: Box::new(stdout), width }
    }

    /// To any writer, as a pipe would see it.
    pub fn to(format: Format, writer: impl Write + 'static) -> Self {
        Self { format, writer: Box::new(writer), width: None }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// # Errors
    /// As the writer. `ended` makes an exit of it.
    pub fn show(&mut self, shown: &impl Shown) -> io::Result<()> {
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut self.writer, shown).map_err(io::Error::from)?;
                writeln!(self.writer)?;
            }
            Format::Table => {
                for (index, table) in shown.tables().iter().enumerate() {
                    let gap = if index == 0 { "" } else { "\n" };
                    writeln!(self.writer, "{gap}{}", self.drawn(table))?;
                }
            }
        }
        self.writer.flush()
    }

    /// Text as it is, in either format: completions, one line of NDJSON.
    ///
    /// # Errors
    /// As `show`.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.writer, "{text}")?;
        self.writer.flush()
    }

    fn drawn(&self, table: &Table) -> String {
        let mut drawn = comfy_table::Table::new();
        drawn.load_style(presets::NOTHING);
        let upper = |it: &String| cell(it).to_uppercase();
        drawn.set_header(table.heading.iter().map(upper));
        drawn.add_rows(table.rows.iter().map(|row| row.iter().map(|it| cell(it))));
        match self.width {
            Some(width) => drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => drawn.set_content_arrangement(ContentArrangement::Disabled),
        };
        let lines: Vec<String> = drawn.lines().map(|it| it.trim().to_owned()).collect();
        lines.join("\n")
    }
}

/// One line, and nothing that a terminal would obey: names come from other people's systems.
fn cell(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '·' } else { it }).collect()
}

/// How writing ended. A reader that went away (`| head`) has what it wanted: a quiet end.
pub fn ended(result: io::Result<()>, exit: Exit) -> Exit {
    match result {
        Ok(()) => exit,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit,
        Err(error) => {
            complain(format_args!("cannot write to stdout: {error}"));
            Exit::Failure
        }
    }
}

/// One line (or several, in one piece) on stderr. There is nobody to tell if that fails.
pub fn complain(what: impl Display) {
    let _nobody_to_tell = io::stderr().write_all(format!("{what}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Gone(ErrorKind);

    impl Write for Gone {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(self.0))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Serialize)]
    struct Fleet {
        tenants: Vec<&'static str>,
    }

    impl Shown for Fleet {
        fn tables(&self) -> Vec<Table> {
            let mut table = Table::new(["tenant", "jobs"]);
            for tenant in &self.tenants {
                table.row([(*tenant).to_owned(), "1".to_owned()]);
            }
            vec![table]
        }
    }

    fn shown(format: Format, tenants: &[&'static str]) -> String {
        let paper = Paper::default();
        Output::to(format, paper.clone()).show(&Fleet { tenants: tenants.to_vec() }).unwrap();
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_table_is_columns_without_borders_and_json_is_json() {
        assert_eq!(shown(Format::Table, &["acme", "b"]), "TENANT  JOBS\nacme    1\nb       1\n");
        assert_eq!(shown(Format::Table, &[]), "TENANT  JOBS\n");
        let json: serde_json::Value = serde_json::from_str(&shown(Format::Json, &["acme"])).unwrap();
        assert_eq!(json["tenants"][0], "acme");
    }

    #[test]
    fn nothing_in_a_cell_reaches_the_terminal_as_a_command() {
        assert!(!shown(Format::Table, &["\u{1b}[31mred\nrow"]).contains('\u{1b}'));
    }

    #[test]
    fn a_broken_pipe_is_a_quiet_end_and_a_full_disk_is_a_failure() {
        let end =
            |kind| ended(Output::to(Format::Json, Gone(kind)).show(&Fleet { tenants: Vec::new() }), Exit::Partial);
        assert_eq!(end(ErrorKind::BrokenPipe), Exit::Partial);
        assert_eq!(end(ErrorKind::StorageFull), Exit::Failure);
    }
}

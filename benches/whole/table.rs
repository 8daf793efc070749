//! The table that is printed at the end, and the median behind each of its figures.
//! Not here: measuring.

use comfy_table::{CellAlignment, Table as Text, presets};

/// Rows of what was measured.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 5]>);

/// What a figure has to reach.
pub(crate) enum Target {
    None,
    AtLeast(f64),
    AtMost(f64),
}

impl Table {
    /// Adds the median of `samples`, with their range, and tells of it at once.
    pub(crate) fn add(&mut self, what: &str, unit: &str, samples: &[f64], target: &Target) {
        let median = median(samples);
        let (lowest, highest) =
            samples.iter().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(*it), high.max(*it)));
        let range = if samples.len() < 2 { String::new() } else { format!("{} … {}", shown(lowest), shown(highest)) };
        let (aim, verdict) = match target {
            Target::None => (String::new(), ""),
            Target::AtLeast(aim) => (format!("≥ {}", shown(*aim)), if median < *aim { " missed" } else { " met" }),
            Target::AtMost(aim) => (format!("≤ {}", shown(*aim)), if *aim < median { " missed" } else { " met" }),
        };
        eprintln!("{what}: {} {unit} {aim}{verdict} {range}", shown(median));
        self.0.push([what.to_owned(), shown(median), unit.to_owned(), format!("{aim}{verdict}"), range]);
    }

    pub(crate) fn print(self) {
        let mut text = Text::new();
        text.load_style(presets::ASCII_MARKDOWN).set_header(["what", "median", "unit", "target", "range"]);
        text.add_rows(self.0);
        if let Some(column) = text.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{text}");
    }
}

pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Three figures that count.
fn shown(value: f64) -> String {
    match value {
        it if it >= 100.0 => format!("{it:.0}"),
        it if it >= 1.0 => format!("{it:.2}"),
        it => format!("{it:.3}"),
    }
}

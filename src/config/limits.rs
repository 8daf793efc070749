//! `limits = [{ calls = 100, per = "10s" }, { credits = 50000, per = "1d" }]`: the windows of one connection.
//! Not here: keeping to them.

use crate::config::section::Section;
use crate::config::show_span;
use crate::config::value::{Value, Wrong, integer, shown, span, text};
use crate::model::{Operations, Turnover, Unit, Window, WindowName};
use std::ops::RangeInclusive;
use std::time::Duration;

const PER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31 * 86_400);
const WINDOWS_MAX: usize = 8;
const DAY: Duration = Duration::from_hours(24);
const OPERATIONS: [(&str, Operations); 3] =
    [("all", Operations::All), ("searches", Operations::Searches), ("all_but_searches", Operations::AllButSearches)];

/// Those given, with those of searches from the defaults where none of them is given; else the defaults.
pub(super) fn read(connection: &mut Section<'_>, defaults: &[Window]) -> Vec<Window> {
    let Some(sections) = connection.sections("limits") else { return defaults.to_vec() };
    if sections.is_empty() || sections.len() > WINDOWS_MAX {
        let what = format!("has {} windows, not 1 to {WINDOWS_MAX}", sections.len());
        connection.fault("limits", Wrong::new(what, "write such as [{ calls = 100, per = \"10s\" }], or leave it out"));
    }
    let sells_credits = defaults.iter().any(|it| it.name.unit == Unit::Credits);
    let mut windows: Vec<Window> = Vec::new();
    for mut section in sections {
        if let Some(window) = window(&mut section, sells_credits) {
            if windows.iter().any(|it| it.name == window.name) {
                let what = format!("there are two windows of {}", show_span(window.name.per));
                section.fault("per", Wrong::new(what, "keep the smaller one"));
            }
            windows.push(window);
        }
        section.finish();
    }
    let searches = |it: &&Window| it.name.operations == Operations::Searches;
    if !windows.iter().any(|it| searches(&it)) {
        windows.extend(defaults.iter().filter(searches));
    }
    windows
}

fn window(section: &mut Section<'_>, sells_credits: bool) -> Option<Window> {
    let (unit, cap) = cap(section, sells_credits);
    let per = section.required("per", span(PER));
    let operations = section.optional("operations", operations).unwrap_or(Operations::All);
    let resets_at = section.optional("resets_at", time_of_day);
    if let (Some(_), Some(per)) = (resets_at, per)
        && per != DAY
    {
        let hint = "remove it, or write per = \"1d\"";
        section.fault("resets_at", Wrong::new("is for windows of a day", hint));
    }
    if unit == Unit::Credits && operations != Operations::All {
        section
            .fault("operations", Wrong::new("is for windows of calls", "remove it; credits are what any call costs"));
    }
    let name = WindowName { per: per?, unit, operations };
    Some(Window { name, cap: cap?, turnover: resets_at.map_or(Turnover::Rolling, Turnover::ResetsAt) })
}

/// `calls = 100`, or, where the CRM counts them, `credits = 50000`.
fn cap(section: &mut Section<'_>, sells_credits: bool) -> (Unit, Option<u32>) {
    let number = || integer(1..=1_000_000_000_u32);
    if section.raw("credits").is_none() {
        return (Unit::Calls, section.required("calls", number()));
    }
    let credits = section.optional("credits", number());
    if !sells_credits {
        section.fault("credits", Wrong::new("is not what this CRM counts", "write `calls = …`"));
    }
    if section.raw("calls").is_some() {
        section.fault("calls", Wrong::new("stands beside credits", "give each a window of its own"));
    }
    (Unit::Credits, credits)
}

fn operations(value: &Value<'_>) -> Result<Operations, Wrong> {
    let name = text(value)?;
    let found = OPERATIONS.iter().find(|(known, _)| *known == name).map(|(_, it)| *it);
    let hint = "write \"all\", \"searches\" or \"all_but_searches\"";
    found.ok_or_else(|| Wrong::new(format!("{} is not known", shown(&name)), hint))
}

/// `HH:MM` in UTC, or with an offset such as `00:00+02:00`: how long after midnight UTC.
fn time_of_day(value: &Value<'_>) -> Result<Duration, Wrong> {
    let given = text(value)?;
    let wrong = || {
        let hint = "write the time in UTC, such as \"22:00\", or with its offset, such as \"00:00+02:00\"";
        Wrong::new(format!("{} is not a time of day", shown(&given)), hint)
    };
    let (time, offset) = match given.split_at_checked(5) {
        Some((time, "" | "Z")) => (time, 0),
        Some((time, offset)) => {
            let (sign, offset) = offset.split_at_checked(1).ok_or_else(wrong)?;
            let minutes = minutes(offset).ok_or_else(wrong)?;
            match sign {
                "+" => (time, minutes),
                "-" => (time, -minutes),
                _ => return Err(wrong()),
            }
        }
        None => return Err(wrong()),
    };
    let minutes = (minutes(time).ok_or_else(wrong)? - offset).rem_euclid(24 * 60);
    Ok(Duration::from_secs(u64::try_from(minutes).unwrap_or(0) * 60))
}

fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str, most: i64| {
        let digits = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        text.parse::<i64>().ok().filter(|it| digits && *it <= most)
    };
    Some(two(hours, 23)? * 60 + two(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::time_of_day;
    use crate::config::value::Value;
    use std::time::Duration;

    #[test]
    fn a_time_of_day_is_read_with_its_offset() {
        let read = |text: &str| time_of_day(&Value::Outside(text.to_owned())).map(|it| it.as_secs() / 60).ok();
        assert_eq!(read("00:00"), Some(0));
        assert_eq!(read("22:30Z"), Some(22 * 60 + 30));
        assert_eq!(read("00:00+02:00"), Some(22 * 60));
        assert_eq!(read("22:00-05:00"), Some(3 * 60));
        for wrong in ["24:00", "0:00", "00:60", "00:00+2", "00:00 02:00", "midnight", "00:00+", "é0:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(time_of_day(&Value::Outside("00:01".to_owned())).unwrap(), Duration::from_secs(60));
    }
}

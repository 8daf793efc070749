//! The history of a delivery as the JSON of `sluicegate-history` (DESIGN §3.3), at most 8 KiB.
//! Not here: what is an attempt, and what is scrubbed from its words (`machine`, the connectors).
//!
//! Too long a history loses entries after the first, oldest first; the entry after the gap tells how many. An entry
//! alone is shortened from its longest text. What cannot be read is told as an entry too: never a fault, never silent.

#[cfg(test)]
mod tests;

use crate::model::{Attempt, History, Millis, Tried};
use crate::wire::moment;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::Duration;

/// The longest header value that is written.
pub const HISTORY_BYTES_MAX: usize = 8 * 1024;
/// The longest that is looked into: others may have written it.
const READ_BYTES_MAX: usize = 64 * 1024;
/// The longest entry; first and last, brackets and the count of a gap fit well.
const ENTRY_BYTES_MAX: usize = 3 * 1024;
/// `result` of an entry that stands for what could not be read.
pub const UNREADABLE: &str = "unreadable";

/// Writes a history. Lossless while it fits, with times and spans in whole milliseconds up to the year 9999.
pub fn encode(history: &History) -> String {
    let entries: Vec<String> = history.0.iter().map(|it| entry(it, 0)).collect();
    let whole = entries.iter().map(|it| it.len().saturating_add(1)).sum::<usize>().saturating_add(1);
    if whole <= HISTORY_BYTES_MAX {
        return joined(&entries);
    }
    without_middle(&history.0, &entries)
}

/// Only the first and the last entry: for a message that is too large for its topic.
pub fn ends(history: &History) -> History {
    let [first, middle @ .., last] = history.0.as_slice() else { return history.clone() };
    let last = Tried { dropped_before: gap(last, middle), ..last.clone() };
    History(vec![first.clone(), last])
}

/// Only how many there were: for a message that is too large even so.
pub fn count(history: &History) -> History {
    let Some((last, before)) = history.0.split_last() else { return History::default() };
    let last = Tried { dropped_before: gap(last, before), code: None, message: String::new(), ..last.clone() };
    History(vec![last])
}

/// Reads a history that anyone may have written. Never fails: what is no history becomes an entry that says so.
pub fn decode(text: &[u8]) -> History {
    if READ_BYTES_MAX < text.len() {
        return History(vec![unreadable(text.len())]);
    }
    match serde_json::from_slice::<Vec<&RawValue>>(text) {
        Ok(items) => History(items.into_iter().map(tried).collect()),
        Err(_) => History(vec![unreadable(text.len())]),
    }
}

/// Fields in the order people read them.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    attempt: u32,
    at: Cow<'a, str>,
    result: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(default)]
    message: Cow<'a, str>,
    #[serde(default)]
    duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    counted: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    dropped_before: u32,
}

fn joined(entries: &[String]) -> String {
    format!("[{}]", entries.join(","))
}

/// The first entry and as many of the last as fit; the last one always does.
fn without_middle(history: &[Tried], entries: &[String]) -> String {
    let (Some(first), Some(last)) = (entries.first(), history.len().checked_sub(1)) else { return "[]".to_owned() };
    let gap_bytes = ",\"dropped_before\":4294967295".len();
    let mut room = HISTORY_BYTES_MAX.saturating_sub(first.len()).saturating_sub(gap_bytes).saturating_sub(2);
    let mut kept = last;
    for (at, text) in entries.iter().enumerate().skip(1).rev() {
        let Some(left) = room.checked_sub(text.len().saturating_add(1)) else { break };
        (room, kept) = (left, at);
    }
    let mut shown = vec![first.clone()];
    if let (Some(next), Some(middle)) = (history.get(kept), history.get(1..kept)) {
        shown.push(entry(next, gap(next, middle)));
    }
    shown.extend(entries.iter().skip(kept.saturating_add(1)).cloned());
    joined(&shown)
}

/// How many entries are missing before `next` when those of `middle` are left out too.
fn gap(next: &Tried, middle: &[Tried]) -> u32 {
    let count = |it: &Tried| it.dropped_before.saturating_add(1);
    middle.iter().map(count).fold(next.dropped_before, u32::saturating_add)
}

/// One entry, `gap` told if there is one, its longest text halved until it fits.
fn entry(tried: &Tried, gap: u32) -> String {
    let dropped_before = tried.dropped_before.max(gap);
    let mut line = line(tried, dropped_before);
    loop {
        let text = serde_json::to_string(&line).unwrap_or_default();
        if text.len() <= ENTRY_BYTES_MAX {
            return text;
        }
        shorten(&mut line);
    }
}

fn line(tried: &Tried, dropped_before: u32) -> Line<'_> {
    Line {
        attempt: tried.attempt.0,
        at: moment::write(tried.at).into(),
        result: (&*tried.result).into(),
        status: tried.status,
        code: tried.code.as_deref().map(Cow::Borrowed),
        message: (&*tried.message).into(),
        duration_ms: millis(tried.took),
        delay_ms: tried.delay.map(millis),
        counted: tried.counted,
        dropped_before,
    }
}

/// Every text has at most half its bytes afterwards, so that a few rounds suffice whatever was in them.
fn shorten(line: &mut Line<'_>) {
    let most = line.message.len().max(line.result.len()).max(line.code.as_ref().map_or(0, |it| it.len())) / 2;
    let cut = |text: &mut Cow<'_, str>| {
        let end = text.floor_char_boundary(most);
        text.to_mut().truncate(end);
    };
    cut(&mut line.message);
    cut(&mut line.result);
    if let Some(code) = &mut line.code {
        cut(code);
    }
}

fn tried(item: &RawValue) -> Tried {
    read(item.get()).unwrap_or_else(|| unreadable(item.get().len()))
}

fn read(item: &str) -> Option<Tried> {
    let line: Line<'_> = serde_json::from_str(item).ok()?;
    Some(Tried {
        attempt: Attempt(line.attempt),
        at: Millis(u64::try_from(moment::read(&line.at)?).ok()?),
        result: line.result.into_owned(),
        status: line.status,
        code: line.code.map(Cow::into_owned),
        message: line.message.into_owned(),
        took: Duration::from_millis(line.duration_ms),
        delay: line.delay_ms.map(Duration::from_millis),
        counted: line.counted,
        dropped_before: line.dropped_before,
    })
}

fn unreadable(bytes: usize) -> Tried {
    Tried {
        attempt: Attempt(0),
        at: Millis(0),
        result: UNREADABLE.to_owned(),
        status: None,
        code: None,
        message: format!("{bytes} bytes of history could not be read"),
        took: Duration::ZERO,
        delay: None,
        counted: false,
        dropped_before: 0,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn yes() -> bool {
    true
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

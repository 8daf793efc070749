//! One value and the ways to read it: text, number, span, choice.
//! Not here: which key it belongs to, where it was found.

use crate::config::span;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

/// A value as it was given.
pub(super) enum Value<'a> {
    Toml(&'a DeValue<'a>),
    /// From an environment variable or the command line: text whatever it means.
    Outside(String),
}

/// Why a value cannot be taken, and what to do.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) hint: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}

impl Value<'_> {
    /// Without the value: it may be a secret.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Toml(value) => kind(value),
            Self::Outside(_) => "a string",
        }
    }

    fn string(&self) -> Option<&str> {
        match self {
            Self::Toml(DeValue::String(text)) => Some(text),
            Self::Outside(text) => Some(text),
            Self::Toml(_) => None,
        }
    }
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Text that is not empty, without space around it.
pub(super) fn text(value: &Value<'_>) -> Result<String, Wrong> {
    let text = value.string().ok_or_else(|| not_a("a string", value, "put it in double quotes"))?;
    if text.trim().is_empty() {
        return Err(Wrong::new("is empty", "write a value"));
    }
    if text.trim() != text || text.contains(char::is_control) {
        return Err(Wrong::new("has space around it or a control character in it", "remove that"));
    }
    Ok(text.to_owned())
}

pub(super) fn integer<T>(range: RangeInclusive<T>) -> impl Fn(&Value<'_>) -> Result<T, Wrong>
where
    T: Copy + Display + TryFrom<i128> + Into<i128>,
{
    move |value| {
        let number = match value {
            Value::Toml(DeValue::Integer(it)) => i128::from_str_radix(it.as_str(), it.radix()).ok(),
            Value::Outside(text) => text.trim().parse().ok(),
            Value::Toml(_) => None,
        };
        let number = number.ok_or_else(|| not_a("an integer", value, "write a whole number without quotes"))?;
        let (low, high) = ((*range.start()).into(), (*range.end()).into());
        let inside = (low..=high).contains(&number).then(|| T::try_from(number).ok()).flatten();
        inside.ok_or_else(|| outside(number, low, high))
    }
}

pub(super) fn float(range: RangeInclusive<f64>) -> impl Fn(&Value<'_>) -> Result<f64, Wrong> {
    move |value| {
        let number: Option<f64> = match value {
            Value::Toml(DeValue::Float(it)) => it.as_str().parse().ok(),
            Value::Toml(DeValue::Integer(it)) if it.radix() == 10 => it.as_str().parse().ok(),
            Value::Outside(text) => text.trim().parse().ok(),
            Value::Toml(_) => None,
        };
        let number = number.ok_or_else(|| not_a("a number", value, "write a number without quotes"))?;
        if range.contains(&number) { Ok(number) } else { Err(outside(number, range.start(), range.end())) }
    }
}

pub(super) fn span(range: RangeInclusive<Duration>) -> impl Fn(&Value<'_>) -> Result<Duration, Wrong> {
    move |value| {
        let hint = "write a number and a unit, such as \"5s\", \"10m\" or \"7d\"";
        let text = value.string().ok_or_else(|| not_a("a duration", value, hint))?;
        let span = span::parse(text).ok_or_else(|| Wrong::new(format!("{} is not a duration", shown(text)), hint))?;
        let (low, high) = (span::show(*range.start()), span::show(*range.end()));
        if range.contains(&span) { Ok(span) } else { Err(outside(span::show(span), low, high)) }
    }
}

/// An array of two numbers, the first not above the second.
pub(super) fn pair(range: RangeInclusive<f64>) -> impl Fn(&Value<'_>) -> Result<(f64, f64), Wrong> {
    move |value| {
        let hint = "write the lowest and the highest, such as [0.8, 1.2]";
        let Value::Toml(DeValue::Array(items)) = value else { return Err(not_a("an array", value, hint)) };
        let mut numbers = Vec::new();
        for item in items.iter().take(3) {
            numbers.push(float(range.clone())(&Value::Toml(item.get_ref()))?);
        }
        match numbers.as_slice() {
            [low, high] if low <= high => Ok((*low, *high)),
            [_, _] => Err(Wrong::new("the first is above the second", hint)),
            _ => Err(Wrong::new("does not hold two numbers", hint)),
        }
    }
}

pub(super) fn not_a(wanted: &str, value: &Value<'_>, hint: &str) -> Wrong {
    Wrong::new(format!("is {}, not {wanted}", value.kind()), hint)
}

fn outside(value: impl Display, low: impl Display, high: impl Display) -> Wrong {
    Wrong::new(format!("{value} is not between {low} and {high}"), "choose one in that range")
}

/// A text from outside as a fault may show it: quoted, control characters escaped, short.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

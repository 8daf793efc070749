//! Spans of time as people write them: "250ms", "5s", "1h30m", "7d".
//! Not here: which spans a setting allows.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A span of whole milliseconds; none if the text is no such span or beyond all reason.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut last_unit = u64::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = split_where(rest, |it| !it.is_ascii_digit());
        let (unit, tail) = split_where(tail, |it| it.is_ascii_digit());
        let millis = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, millis)| *millis)?;
        if millis >= last_unit {
            return None;
        }
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(millis)?)?;
        last_unit = millis;
        rest = tail;
    }
    Some(Duration::from_millis(total))
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// The shortest text that `parse` reads back as the same span of whole milliseconds.
pub fn show(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in UNITS.iter().rev() {
        let count = left / millis;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
        left %= millis;
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse(" 1h30m "), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("7d"), Some(Duration::from_secs(604_800)));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in
            ["", " ", "5", "s", "5 s", "-5s", "5x", "1.5s", "30m1h", "5s5s", "99999999999999999999d", "5é", "٣s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_span_shown_is_read_back_as_the_same(millis in any::<u64>()) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(span)), Some(span));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _span = parse(&text);
        }
    }
}

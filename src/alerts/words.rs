//! Numbers and spans as people say them.
//! Not here: sentences (each alert's own).

use crate::alerts::alert::Named;
use std::time::Duration;

/// `1,204`.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let mut words = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && place % 3 == first {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// `1,204 dead letters`, `1 dead letter`.
pub(super) fn count(count: u64, one: &str) -> String {
    let plural = match one {
        _ if count == 1 => return format!("1 {one}"),
        "retry" => "retries",
        _ => return format!("{} {one}s", number(count)),
    };
    format!("{} {plural}", number(count))
}

/// The two largest units: `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`.
pub(super) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_secs();
    if seconds == 0 {
        return format!("{} ms", span.as_millis());
    }
    let start = UNITS.iter().position(|(size, _)| *size <= seconds).unwrap_or_default();
    let mut left = seconds;
    let mut words = Vec::new();
    for (size, unit) in UNITS.iter().skip(start).take(2) {
        if *size <= left {
            words.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    words.join(" ")
}

/// `38 %`; never 0 for what is more.
pub(super) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if 0.0 < percent && percent < 1.0 { "less than 1 %".to_owned() } else { format!("{percent:.0} %") }
}

/// `acme/hubspot and 3 others`.
pub(super) fn whom(named: &[Named]) -> String {
    let first = named.first().map(|it| it.who.clone()).unwrap_or_default();
    match named.len() {
        0 | 1 => first,
        2 => format!("{first} and one other"),
        more => format!("{first} and {} others", more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{count, number, percent, span};
    use std::time::Duration;

    #[test]
    fn numbers_and_spans_are_said_as_people_say_them() {
        assert_eq!([0, 12, 999, 1_204, 1_000_000].map(number), ["0", "12", "999", "1,204", "1,000,000"]);
        assert_eq!([1, 2].map(|it| count(it, "retry")), ["1 retry", "2 retries"]);
        assert_eq!(count(1_000, "dead letter"), "1,000 dead letters");
        let said = [0.25, 45.0, 125.0, 120.0, 12_000.0, 187_200.0].map(|it| span(Duration::from_secs_f64(it)));
        assert_eq!(said, ["250 ms", "45 s", "2 min 5 s", "2 min", "3 h 20 min", "2 d 4 h"]);
        assert_eq!([0.0, 0.001, 0.38, 2.0].map(percent), ["0 %", "less than 1 %", "38 %", "200 %"]);
    }
}

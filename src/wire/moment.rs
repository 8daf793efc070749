//! Moments as text: RFC 3339 in UTC with milliseconds.
//! Not here: clocks, and which moments are believed (`job`).

use crate::model::Millis;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// `2026-01-31T12:00:00.000Z`. A moment beyond the year 9999 is shown as the last one before it.
pub fn write(moment: Millis) -> String {
    let millis = i64::try_from(moment.0).unwrap_or(i64::MAX);
    let moment = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    PRINTER.timestamp_to_string(&moment)
}

/// Reads RFC 3339 with an offset, milliseconds since 1970, rounded down; negative before.
pub fn read(text: &str) -> Option<i64> {
    has_shape(text.as_bytes()).then(|| text.parse::<Timestamp>().ok())?.map(|it| it.as_millisecond())
}

/// The library reads more of ISO 8601 than RFC 3339 allows; the contract is the latter.
fn has_shape(text: &[u8]) -> bool {
    let digits = |from: usize, to: usize| text.get(from..to).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let is = |at: usize, allowed: &[u8]| text.get(at).is_some_and(|it| allowed.contains(it));
    digits(0, 4)
        && is(4, b"-")
        && digits(5, 7)
        && is(7, b"-")
        && digits(8, 10)
        && is(10, b"Tt ")
        && digits(11, 13)
        && is(13, b":")
        && digits(14, 16)
        && is(16, b":")
        && digits(17, 19)
        && text.get(19..).is_some_and(ends_well)
}

fn ends_well(rest: &[u8]) -> bool {
    let digits = |it: &[u8]| !it.is_empty() && it.iter().all(u8::is_ascii_digit);
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let end = fraction.iter().position(|it| !it.is_ascii_digit()).unwrap_or(fraction.len());
            let Some((digits, offset)) = fraction.split_at_checked(end) else { return false };
            if digits.is_empty() {
                return false;
            }
            offset
        }
        None => rest,
    };
    match offset {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => digits(&[*h1, *h2, *m1, *m2]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::model::Millis;
    use proptest::prelude::*;

    #[test]
    fn rfc_3339_is_read_and_nothing_else() {
        for text in ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31 14:30:00.000+02:30"] {
            assert_eq!(read(text), Some(1_769_860_800_000), "{text}");
        }
        assert_eq!(read("2026-01-31T12:00:00.123999Z"), Some(1_769_860_800_123));
        assert_eq!(read("1969-12-31T23:59:59Z"), Some(-1000));
        let refused = [
            "",
            "now",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "20260131T120000Z",
            "2026-01-31T12:00:00+02",
            "2026-01-31T12:00:00.Z",
            "2026-13-31T12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00Z[UTC]",
            "+002026-01-31T12:00:00Z",
            " 2026-01-31T12:00:00Z",
        ];
        for text in refused {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_time_has_a_text() {
        assert_eq!(write(Millis(0)), "1970-01-01T00:00:00.000Z");
        assert!(write(Millis(u64::MAX)).starts_with("9999-12-30T"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(moment in 0_i64..253_402_200_000_000) {
            prop_assert_eq!(read(&write(Millis(moment.unsigned_abs()))), Some(moment));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _read = read(&text);
        }
    }
}

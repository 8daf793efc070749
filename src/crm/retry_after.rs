//! The header `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
//! Not here: what a wait is good for.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use std::time::Duration;

/// HubSpot documents up to 24 h for a migration; what asks for more than this is not believed.
const WAIT_MAX: Duration = Duration::from_hours(48);

static DATES: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// How long to wait from `now`; none if the text is neither. Bounded, so that no header can hold a tenant for ever.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => WAIT_MAX,
        Err(_) => until(text, now)?,
    };
    Some(wait.min(WAIT_MAX))
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let then = DATES.parse_timestamp(date).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_nonsense_is_not() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let table = [
            ("10", Some(10)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999999999", Some(48 * 3600)),
            ("86400000", Some(48 * 3600)),
            ("Fri, 31 Dec 2100 23:59:59 GMT", Some(48 * 3600)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }
}

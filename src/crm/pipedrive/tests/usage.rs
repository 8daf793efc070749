//! What headers, 429 and Cloudflare's 403 say of the limits.
//! Not here: what the call's input gets (`answers`).

use super::answers::{CAPPED, DAILY, HTML, LIMITED, UNAUTHORIZED};
use super::*;
use crate::crm::pipedrive::usage::usage;
use crate::model::{Limited, WindowUsage, WindowWord};
use proptest::prelude::*;

const BURST: WindowWord = WindowWord { per: Duration::from_secs(2), searches: false };
const SEARCHES: WindowWord = WindowWord { per: Duration::from_secs(2), searches: true };
const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };

fn told(limit: &'static str, remaining: &'static str) -> Response {
    let response = with_header(response(200, "{}"), "x-ratelimit-limit", limit);
    with_header(response, "x-ratelimit-remaining", remaining)
}

#[test]
fn headers_tell_what_is_left_of_two_seconds_and_of_the_day() {
    let burst = WindowUsage { window: BURST, remaining: Some(18), limit: Some(20) };
    assert_eq!(Pipedrive.usage(&told("20", "18")).windows, [burst]);
    let both = with_header(told("20", "18"), "x-daily-ratelimit-token-limit", "30000");
    let both = with_header(both, "x-daily-ratelimit-token-remaining", "29995");
    let day = WindowUsage { window: DAY, remaining: Some(29_995), limit: Some(30_000) };
    assert_eq!(Pipedrive.usage(&both).windows, [burst, day]);
    let requests = with_header(response(200, "{}"), "x-daily-requests-left", "9927");
    assert_eq!(Pipedrive.usage(&requests).windows, [], "requests are no tokens");
}

#[test]
fn what_a_searchs_headers_say_is_taken_for_all_calls_or_for_nothing() {
    assert_eq!(usage(&told("20", "18"), true).windows.len(), 1);
    assert_eq!(usage(&told("10", "9"), true).windows, [], "of searches alone: other calls have more");
    assert_eq!(usage(&told("10", "9"), false).windows.len(), 1);
}

#[test]
fn a_limit_names_its_window() {
    let limited = |response: &Response, is_search| usage(response, is_search).limited;
    let wait = Some(Duration::from_secs(2));
    let burst = with_header(response(429, LIMITED), "x-ratelimit-reset", "2");
    assert_eq!(limited(&burst, false), Some(Limited { window: Some(BURST), wait }));
    assert_eq!(limited(&burst, true), Some(Limited { window: Some(SEARCHES), wait }));
    let used_up = with_header(burst, "x-daily-ratelimit-token-remaining", "0");
    for response in [used_up, response(429, DAILY)] {
        assert_eq!(limited(&response, true), Some(Limited { window: Some(DAY), wait: None }));
    }
    let shut_out = Limited { window: Some(BURST), wait: Some(Duration::from_secs(120)) };
    assert_eq!(limited(&response(403, HTML), false), Some(shut_out));
    for (status, body) in [(403, CAPPED), (401, UNAUTHORIZED), (200, LIMITED), (503, HTML)] {
        assert_eq!(limited(&response(status, body), false), None, "{status} {body}");
    }
}

#[test]
fn the_documented_windows_are_meant_by_what_answers_say() {
    let windows: Vec<_> = Pipedrive.facts().limits.iter().map(|it| it.value.window()).collect();
    let meant = |word: WindowWord| windows.iter().filter(|it| it.is_meant(word)).map(|it| it.cap).collect::<Vec<_>>();
    assert_eq!(meant(BURST), [20]);
    assert_eq!(meant(SEARCHES), [10, 20], "the first is blocked");
    assert_eq!(meant(DAY), [30_000]);
}

proptest! {
    #[test]
    fn no_header_panics(value in "[ -~]{0,40}") {
        let mut response = response(429, "{}");
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-daily-ratelimit-token-limit"] {
            response.headers.insert(name, http::header::HeaderValue::from_str(&value).unwrap());
        }
        let _any = Pipedrive.usage(&response);
    }
}

//! What headers and 429 bodies say of the limits.
//! Not here: what the call's inputs get (`answers`).

use super::answers::{BURST, DAILY, DAILY_TOLD, HTML, SEARCH};
use super::*;
use crate::crm::connector::Connector as _;
use crate::crm::hubspot::HubSpot;
use crate::model::{Limited, WindowUsage, WindowWord};
use proptest::prelude::*;
use reqwest::header::HeaderValue;

const TEN_SECONDS: WindowWord = WindowWord { per: Duration::from_secs(10), searches: false };
const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };
const SEARCHES: WindowWord = WindowWord { per: Duration::from_secs(1), searches: true };

fn with_headers(headers: &[(&'static str, &str)]) -> Response {
    let mut response = response(200, "{}");
    for (name, value) in headers {
        response.headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    response
}

fn windows(headers: &[(&'static str, &str)]) -> Vec<WindowUsage> {
    HubSpot.usage(&with_headers(headers)).windows
}

#[test]
fn the_headers_tell_what_is_left_of_ten_seconds_and_of_the_day() {
    let all = [
        ("x-hubspot-ratelimit-daily", "250000"),
        ("x-hubspot-ratelimit-daily-remaining", "249123"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ("x-hubspot-ratelimit-max", "190"),
        ("x-hubspot-ratelimit-remaining", "17"),
        ("x-hubspot-ratelimit-secondly", "19"),
        ("x-hubspot-ratelimit-secondly-remaining", "18"),
    ];
    let said = [
        WindowUsage { window: TEN_SECONDS, remaining: Some(17), limit: Some(190) },
        WindowUsage { window: DAY, remaining: Some(249_123), limit: Some(250_000) },
    ];
    assert_eq!(windows(&all), said);
    assert_eq!(windows(&all[..2]), said[1..], "a search carries only the daily pair");
    assert_eq!(windows(&[]), [], "an OAuth app may get nothing");
    let odd = [("x-hubspot-ratelimit-remaining", "many"), ("x-hubspot-ratelimit-max", "99999999999")];
    assert_eq!(windows(&odd), [WindowUsage { window: TEN_SECONDS, remaining: None, limit: Some(u32::MAX) }]);
}

#[test]
fn each_429_names_its_window() {
    let limited = |status, body| HubSpot.usage(&response(status, body)).limited;
    let named = |window| Some(Limited { window, wait: None });
    assert_eq!(limited(429, BURST), named(Some(TEN_SECONDS)));
    assert_eq!(limited(429, DAILY), named(Some(DAY)));
    assert_eq!(limited(429, DAILY_TOLD), named(Some(DAY)));
    assert_eq!(limited(429, SEARCH), named(Some(SEARCHES)));
    assert_eq!(limited(429, HTML), named(None));
    assert_eq!(limited(503, BURST), None);
    let waits = HubSpot.usage(&response_after(429, 7, BURST)).limited;
    assert_eq!(waits, Some(Limited { window: Some(TEN_SECONDS), wait: Some(Duration::from_secs(7)) }));
}

#[test]
fn the_documented_windows_are_meant_by_what_answers_say() {
    let windows: Vec<_> =
        crate::crm::connector(Crm::HubSpot).facts().limits.iter().map(|it| it.value.window()).collect();
    let meant = |word| windows.iter().filter(|it| it.is_meant(word)).map(|it| it.cap).collect::<Vec<_>>();
    assert_eq!((meant(TEN_SECONDS), meant(DAY), meant(SEARCHES)), (vec![100], vec![250_000], vec![5]));
}

proptest! {
    #[test]
    fn no_header_panics(name in prop::sample::select(vec!["x-hubspot-ratelimit-max", "x-hubspot-ratelimit-daily-remaining",
        "x-hubspot-ratelimit-interval-milliseconds"]), value in "[ -~]{0,30}") {
        let _usage = HubSpot.usage(&with_headers(&[(name, &value)]));
    }
}

//! What headers and 429s say of the limits.
//! Not here: what the call's inputs get (`answers`).

use super::answers::HTML;
use super::*;
use crate::crm::zoho::Zoho;
use crate::model::{Limited, WindowUsage, WindowWord};
use http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };

fn with(status: u16, body: &str, headers: &[(&str, &str)]) -> Response {
    let mut response = response(status, body);
    for (name, value) in headers {
        response.headers.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    response
}

fn day(remaining: u32) -> Vec<WindowUsage> {
    vec![WindowUsage { window: DAY, remaining: Some(remaining), limit: None }]
}

#[test]
fn the_header_tells_the_credits_that_are_left() {
    let told = |name: &str, value: &str| Zoho.usage(&with(200, "{}", &[(name, value)])).windows;
    assert_eq!(told("x-api-credits-remaining", "2480"), day(2_480));
    assert_eq!(told("x-api-credits-remaining", "0"), day(0));
    assert_eq!(told("x-api-credits-remaining", "-12"), day(0), "more used than there is");
    assert_eq!(told("x-api-credits-remaining", "99999999999"), day(u32::MAX));
    assert_eq!(told("x-zoho-api-calls-remaining", "7"), day(7));
    for value in ["", "many", "1.5", "1,000"] {
        assert_eq!(told("x-api-credits-remaining", value), [], "{value:?}");
    }
    assert_eq!(told("x-ratelimit-remaining", "3"), [], "of which window is not said");
    assert_eq!(Zoho.usage(&response(200, "{}")).windows, [], "before half is used nothing is told");
}

#[test]
fn a_429_is_of_the_day_where_no_credits_are_left_else_of_a_moment() {
    let body = error("TOO_MANY_REQUESTS", "{}");
    let limited = |headers: &[(&str, &str)]| Zoho.usage(&with(429, &body, headers)).limited;
    assert_eq!(limited(&[("x-api-credits-remaining", "0")]), Some(Limited { window: Some(DAY), wait: None }));
    assert_eq!(limited(&[("x-api-credits-remaining", "9")]), Some(Limited { window: None, wait: None }));
    assert_eq!(limited(&[]), Some(Limited { window: None, wait: None }));
    let wait = |seconds| Some(Limited { window: None, wait: Some(Duration::from_secs(seconds)) });
    assert_eq!(limited(&[("x-ratelimit-reset", "30")]), wait(30));
    assert_eq!(limited(&[("x-ratelimit-reset", "1764100000")]).unwrap().wait, None, "a moment, not a wait");
    assert_eq!(Zoho.usage(&response_after(429, 7, &body)).limited, wait(7));
    assert_eq!(Zoho.usage(&response(400, &body)).limited, Some(Limited { window: None, wait: None }));
    for (status, body) in [(403, HTML), (400, "{}"), (503, &*body), (200, &*body)] {
        assert_eq!(Zoho.usage(&response(status, body)).limited, None, "{status} {body}");
    }
}

#[test]
fn the_documented_window_is_meant_by_what_answers_say() {
    let facts = crate::crm::connector(Crm::Zoho).facts();
    let meant: Vec<_> = facts.limits.iter().map(|it| it.value.window()).filter(|it| it.is_meant(DAY)).collect();
    assert_eq!(
        meant.iter().map(|it| (it.cap, it.name.to_string())).collect::<Vec<_>>(),
        [(50_000, "1d-credits".to_owned())]
    );
}

proptest! {
    #[test]
    fn no_header_panics(value in "[ -~]{0,40}", status in 200u16..600) {
        let names = ["x-api-credits-remaining", "x-zoho-api-calls-remaining", "x-ratelimit-reset"];
        let headers: Vec<(&str, &str)> = names.iter().map(|it| (*it, &*value)).collect();
        let _any = Zoho.usage(&with(status, "{}", &headers));
    }
}

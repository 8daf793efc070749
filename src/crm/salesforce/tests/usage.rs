//! What the header and 403 bodies say of the limits.
//! Not here: what the call's inputs get (`answers`).

use super::answers::{DAILY, EXPIRED, HTML, LONG, RUNNING};
use super::*;
use crate::crm::salesforce::Salesforce;
use crate::model::{Limited, WindowUsage, WindowWord};
use http::header::HeaderValue;
use proptest::prelude::*;

const DAY: WindowWord = WindowWord { per: Duration::from_hours(24), searches: false };

fn told(header: &str) -> Vec<WindowUsage> {
    let mut response = response(200, "[]");
    response.headers.insert("sforce-limit-info", HeaderValue::from_str(header).unwrap());
    Salesforce.usage(&response).windows
}

fn day(remaining: u32, limit: u32) -> Vec<WindowUsage> {
    vec![WindowUsage { window: DAY, remaining: Some(remaining), limit: Some(limit) }]
}

#[test]
fn the_header_tells_what_is_left_of_the_day() {
    assert_eq!(told("api-usage=8666/15000"), day(6_334, 15_000));
    assert_eq!(told("api-usage=15003/15000"), day(0, 15_000), "more used than there is");
    assert_eq!(told("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)"), day(233, 250));
    assert_eq!(told("api-usage=4999/5000, per-app-api-usage=17/250(appName=sample)"), day(1, 5_000));
    assert_eq!(told("api-usage=1/99999999999"), day(u32::MAX - 1, u32::MAX));
    for header in ["", "api-usage", "api-usage=", "api-usage=1", "api-usage=a/b", "api-usage=-1/5", "other=1/5"] {
        assert_eq!(told(header), [], "{header:?}");
    }
    assert_eq!(Salesforce.usage(&response(200, "[]")).windows, []);
}

#[test]
fn a_403_names_the_day_or_what_runs_at_once() {
    let limited = |status, body| Salesforce.usage(&response(status, body)).limited;
    assert_eq!(limited(403, DAILY), Some(Limited { window: Some(DAY), wait: None }));
    for body in [LONG, RUNNING] {
        assert_eq!(limited(403, body), Some(Limited { window: None, wait: None }));
    }
    assert_eq!(limited(429, HTML), Some(Limited { window: None, wait: None }));
    for (status, body) in [(403, HTML), (403, EXPIRED), (400, DAILY), (503, DAILY), (200, DAILY)] {
        assert_eq!(limited(status, body), None, "{status} {body}");
    }
    let waits = Salesforce.usage(&response_after(403, 7, DAILY)).limited;
    assert_eq!(waits, Some(Limited { window: Some(DAY), wait: Some(Duration::from_secs(7)) }));
}

#[test]
fn the_documented_window_is_meant_by_what_answers_say() {
    let facts = crate::crm::connector(Crm::Salesforce).facts();
    let meant: Vec<_> = facts.limits.iter().map(|it| it.value.window()).filter(|it| it.is_meant(DAY)).collect();
    assert_eq!(meant.iter().map(|it| it.cap).collect::<Vec<_>>(), [100_000]);
}

proptest! {
    #[test]
    fn no_header_panics(header in "[ -~]{0,40}", numbers in "api-usage=[0-9/();=]{0,30}") {
        let (_any, _near) = (told(&header), told(&numbers));
    }
}

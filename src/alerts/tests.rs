//! Each alert fires with its true cause, says so, and stops.
//! Not here: numbers and windows by themselves (`words`, `sliding`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{Alert, Board, Facts, Firing, Held, Level, Oldest, Thresholds};
use crate::model::{Because, ConnectionId, HoldCause, Millis, Reason, TenantId};
use std::sync::Arc;
use std::time::Duration;

const START: Millis = Millis(1_769_860_800_000);

fn thresholds() -> Thresholds {
    Thresholds {
        dlq_depth: 100,
        retry_rate: 0.10,
        retry_window: Duration::from_secs(300),
        bucket_low: 0.20,
        bucket_low_for: Duration::from_secs(300),
        sync_lag: Duration::from_secs(120),
    }
}

fn id(tenant: &str) -> ConnectionId {
    ConnectionId { tenant: TenantId::from(tenant), name: Arc::from("hubspot") }
}

fn at(seconds: u64) -> Millis {
    START.after(Duration::from_secs(seconds))
}

/// A board that is looked at each second, as the loop does.
struct Night {
    board: Board,
    second: u64,
}

impl Night {
    fn begin() -> Self {
        Self { board: Board::new(thresholds()), second: 0 }
    }

    fn look(&mut self, facts: &Facts) {
        self.second += 1;
        self.board.look(at(self.second), facts);
    }

    fn look_for(&mut self, seconds: u64, facts: &Facts) {
        for _ in 0..seconds {
            self.look(facts);
        }
    }

    fn now(&self) -> Millis {
        at(self.second)
    }

    /// What fires; nothing but this alert may.
    fn only(&self, alert: Alert) -> Firing {
        let all: Vec<Alert> = self.board.firing().keys().copied().collect();
        assert_eq!(all, [alert]);
        self.board.firing()[&alert].clone()
    }

    fn is_quiet(&self) -> bool {
        self.board.firing().is_empty()
    }
}

fn dead(counts: &[(Option<&str>, u64)]) -> Facts {
    let dead = counts.iter().map(|(tenant, count)| (tenant.map(id), *count)).collect();
    Facts { dead, ..Facts::default() }
}

#[test]
fn dead_letters_above_the_threshold_fire_at_once_and_stop_when_they_are_replayed() {
    let mut night = Night::begin();
    night.look(&dead(&[(Some("acme"), 60), (None, 40)]));
    assert!(night.is_quiet(), "100 are not above 100");
    night.look(&dead(&[(Some("acme"), 60), (None, 41), (Some("globex"), 0)]));
    let fires = night.only(Alert::DeadLetterDepth);
    assert_eq!(fires.since, at(2));
    assert_eq!(
        fires.cause,
        "101 dead letters neither replayed nor discarded, more than 100; most are of acme/hubspot with 60 dead letters"
    );
    let named: Vec<_> = fires.named.iter().map(|it| (it.who.as_str(), it.what.as_str())).collect();
    assert_eq!(named, [("acme/hubspot", "60 dead letters"), ("no connection", "41 dead letters")]);
    night.look_for(30, &dead(&[(Some("acme"), 200)]));
    assert_eq!(night.only(Alert::DeadLetterDepth).since, at(2), "it fires since it began");
    night.look(&dead(&[(Some("acme"), 100)]));
    assert!(night.is_quiet());
}

#[test]
fn retries_above_the_rate_fire_and_stop_once_the_window_has_passed_them() {
    let mut night = Night::begin();
    for _ in 0..90 {
        night.board.count_job(night.now());
    }
    for _ in 0..9 {
        night.board.count_retry(night.now(), &id("acme"), Reason::Unavailable);
    }
    night.look(&Facts::default());
    assert!(night.is_quiet(), "9 of 90 are not above a tenth");
    night.board.count_retry(night.now(), &id("globex"), Reason::Timeout);
    night.look(&Facts::default());
    let fires = night.only(Alert::RetryRate);
    assert_eq!(
        fires.cause,
        "10 retries against 90 jobs that ended in the last 5 min (11 %), more than 10 %; \
         most are of acme/hubspot with 9, mostly unavailable"
    );
    assert_eq!(fires.named[1].what, "1, mostly timeout");
    night.look_for(297, &Facts::default());
    assert_eq!(night.only(Alert::RetryRate).since, at(2), "all of it lies within five minutes");
    night.look_for(10, &Facts::default());
    assert!(night.is_quiet());
}

#[test]
fn retries_while_nothing_ends_fire_and_nothing_at_all_does_not() {
    let mut night = Night::begin();
    night.look(&Facts::default());
    assert!(night.is_quiet());
    night.board.count_retry(night.now(), &id("acme"), Reason::Network);
    night.look(&Facts::default());
    let fires = night.only(Alert::RetryRate);
    assert!(
        fires.cause.starts_with("1 retry against 0 jobs that ended in the last 5 min, more than"),
        "{}",
        fires.cause
    );
}

#[test]
fn more_jobs_in_the_same_window_end_a_retry_rate() {
    let mut night = Night::begin();
    night.board.count_retry(night.now(), &id("acme"), Reason::Network);
    night.look(&Facts::default());
    night.only(Alert::RetryRate);
    for _ in 0..10 {
        night.board.count_job(night.now());
    }
    night.look(&Facts::default());
    assert!(night.is_quiet());
}

fn levels(levels: &[(&str, &str, f64)]) -> Facts {
    let level = |(tenant, window, level): &(&str, &str, f64)| Level {
        connection: id(tenant),
        window: (*window).to_owned(),
        level: *level,
    };
    Facts { levels: levels.iter().map(level).collect(), ..Facts::default() }
}

#[test]
fn a_bucket_that_is_low_for_the_whole_window_fires_and_stops_when_it_is_not() {
    let low = levels(&[("acme", "10s", 0.0), ("acme", "1d", 0.9)]);
    let mut night = Night::begin();
    night.look_for(300, &low);
    assert!(night.is_quiet(), "low since the first look, which is 299 s ago");
    night.look(&low);
    let fires = night.only(Alert::BucketLow);
    assert_eq!(fires.cause, "less than 20 % of a rate limit has been left for 5 min: acme/hubspot");
    assert_eq!(fires.named[0].what, "0 % of 10s left, low for 5 min");
    night.look(&levels(&[("acme", "10s", 0.20)]));
    assert!(night.is_quiet(), "a fifth is not below a fifth");
}

#[test]
fn a_bucket_that_recovers_for_a_moment_starts_anew() {
    let low = levels(&[("acme", "10s", 0.1), ("globex", "10s", 0.1)]);
    let mut night = Night::begin();
    night.look_for(200, &low);
    night.look(&levels(&[("acme", "10s", 0.5)]));
    night.look_for(300, &low);
    assert!(night.is_quiet(), "one was not low in between, the other was not seen");
    night.look(&low);
    assert_eq!(night.only(Alert::BucketLow).named.len(), 2);
}

#[test]
fn the_windows_of_a_connection_are_told_apart() {
    let mut night = Night::begin();
    for second in 0..400 {
        let window = if second % 2 == 0 { "10s" } else { "1d" };
        night.look(&levels(&[("acme", window, 0.0)]));
    }
    assert!(night.is_quiet(), "neither was low all the time");
}

fn oldest(tenant: &str, occurred_at: Millis, because: Option<Because>) -> Facts {
    let oldest = vec![Oldest { connection: id(tenant), occurred_at, because }];
    Facts { oldest, ..Facts::default() }
}

#[test]
fn an_old_event_without_a_write_fires_and_stops_when_it_is_written() {
    let stuck = oldest("acme", START, Some(Because::Held));
    let mut night = Night::begin();
    night.look_for(120, &stuck);
    assert!(night.is_quiet(), "two minutes are not more than two minutes");
    night.look(&stuck);
    let fires = night.only(Alert::SyncLag);
    assert_eq!(
        fires.cause,
        "an event of acme/hubspot is 2 min 1 s old and waits, because held; 2 min is the most there should be"
    );
    assert_eq!(fires.named[0].what, "2 min 1 s old, held");
    night.look(&oldest("acme", night.now(), None));
    assert!(night.is_quiet());
}

#[test]
fn a_write_that_came_late_fires_for_five_minutes() {
    let mut night = Night::begin();
    night.board.count_write(night.now(), &id("acme"), Duration::from_secs(120));
    night.look(&Facts::default());
    assert!(night.is_quiet());
    night.board.count_write(night.now(), &id("acme"), Duration::from_secs(400));
    night.board.count_write(night.now(), &id("globex"), Duration::from_secs(7_200));
    night.look(&Facts::default());
    let fires = night.only(Alert::SyncLag);
    assert_eq!(
        fires.cause,
        "2 writes of the last 5 min came more than 2 min after the event, the latest 2 h for globex/hubspot; \
         2 min is the most there should be"
    );
    assert_eq!(fires.named[1].what, "1 late, the latest by 6 min 40 s");
    night.look_for(297, &Facts::default());
    night.only(Alert::SyncLag);
    night.look_for(10, &Facts::default());
    assert!(night.is_quiet());
}

fn held(all: &[(&str, HoldCause)]) -> Facts {
    let held = |(tenant, by): &(&str, HoldCause)| Held {
        connection: id(tenant),
        by: *by,
        since: START,
        next: Some(START.after(Duration::from_secs(900))),
    };
    Facts { held: all.iter().map(held).collect(), ..Facts::default() }
}

#[test]
fn a_held_connection_fires_by_name_with_what_happens_next_and_stops_when_it_is_freed() {
    let causes = [
        (
            HoldCause::Credentials,
            "the CRM refuses its credentials",
            "its access token is asked for again and tried in 14 min 59 s",
        ),
        (HoldCause::Outage, "its calls fail one after the other", "one delivery is tried in 14 min 59 s"),
        (
            HoldCause::Quota,
            "the CRM's quota of the day is used up",
            "calls go on when the quota is renewed, in 14 min 59 s",
        ),
        (HoldCause::Unconfigured, "it has vanished from the configuration", "nothing until it is configured again"),
    ];
    for (by, why, next) in causes {
        let mut night = Night::begin();
        night.look(&held(&[("acme", by)]));
        let fires = night.only(Alert::ConnectionHeld);
        assert!(fires.cause.starts_with("nothing is sent to acme/hubspot, which is held: "), "{}", fires.cause);
        assert!(fires.cause.contains(why) && fires.next.starts_with(next), "{fires:?}");
        night.look(&Facts::default());
        assert!(night.is_quiet());
    }
}

#[test]
fn what_needs_a_person_is_named_first_and_a_long_list_is_cut() {
    let mut night = Night::begin();
    night.look(&held(&[("acme", HoldCause::Outage), ("globex", HoldCause::Credentials)]));
    let fires = night.only(Alert::ConnectionHeld);
    assert!(
        fires.cause.starts_with("nothing is sent to globex/hubspot and one other, which are held: the CRM refuses")
    );
    let many: Vec<String> = (0..50).map(|it| format!("tenant-{it}")).collect();
    let all: Vec<_> = many.iter().map(|it| (it.as_str(), HoldCause::Outage)).collect();
    night.look(&held(&all));
    let fires = night.only(Alert::ConnectionHeld);
    assert_eq!((fires.named.len(), fires.unnamed), (20, 30));
}

#[test]
fn only_changes_are_told() {
    let mut board = Board::new(thresholds());
    let some = held(&[("acme", HoldCause::Outage)]);
    assert_eq!(board.look(at(1), &some), [(Alert::ConnectionHeld, true)]);
    assert_eq!(board.look(at(2), &some), []);
    assert_eq!(board.look(at(3), &Facts::default()), [(Alert::ConnectionHeld, false)]);
}

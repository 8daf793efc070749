//! Table tests of a connection's windows, one situation each.
//! Not here: whole lives against a CRM (`oracle`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{Account, Assigned, Room, Ticket};
use crate::machine::Bug;
use crate::model::{
    Connection, ConnectionId, ConnectionMark, Cost, Crm, Keys, Limited, Millis, Operations, Price, Tariff, Turnover,
    Unit, Usage, Window, WindowName, WindowUsage, WindowWord,
};
use std::sync::Arc;
use std::time::Duration;

const NOON: Millis = Millis(1_748_779_200_000);
const ONE: Cost = Cost { calls: 1, searches: 0, credits: 0 };
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn connection(windows: &[Window], calls: u32) -> Connection {
    Connection {
        id: ConnectionId { tenant: "acme".into(), name: Arc::from("hubspot") },
        crm: Crm::HubSpot,
        batch_max: 100,
        calls_max: None,
        windows: windows.into(),
        tariff: Tariff { upsert: Price::calls(calls), archive: Price::calls(calls), search: Price::calls(0) },
        keys: Keys::UNIQUE,
    }
}

pub(super) fn assigned(at: Millis, bug: Option<Bug>) -> Assigned {
    Assigned { at, call_deadline: Duration::from_secs(10), bug }
}

/// One that owes nothing for calls of a former owner: it was assigned long ago.
pub(super) fn account(connection: &Connection, now: Millis, bug: Option<Bug>) -> Account {
    let mut account = Account::default();
    account.fit(connection, now, &assigned(now.before(Duration::from_hours(24 * 40)), bug));
    account
}

pub(super) fn word(window: &Window, remaining: u32) -> WindowUsage {
    let word = WindowWord { per: window.name.per, searches: false };
    WindowUsage { window: word, remaining: Some(remaining), limit: Some(window.cap) }
}

pub(super) fn limited(window: &Window, wait: Option<Duration>) -> Limited {
    Limited { window: Some(WindowWord { per: window.name.per, searches: false }), wait }
}

fn ten_seconds(cap: u32) -> Window {
    Window::rolling(cap, Duration::from_secs(10))
}

fn after(ms: u64) -> Millis {
    NOON.after(Duration::from_millis(ms))
}

/// Starts calls until there is no room; commits never bound them.
fn fill(account: &mut Account, now: Millis) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    while account.room(now, ONE) == Room::Yes {
        tickets.push(account.take(now, ONE));
        show(account, now);
    }
    tickets
}

fn show(account: &mut Account, now: Millis) -> Option<ConnectionMark> {
    let mark = account.seal(now);
    account.committed();
    mark
}

fn end(account: &mut Account, now: Millis, ticket: Ticket, usage: &Usage) {
    account.ended(now, (ticket, usage), None, |_| {});
}

fn says(window: &Window, remaining: u32) -> Usage {
    Usage { spent: None, windows: vec![word(window, remaining)], limited: None }
}

fn free(account: &mut Account, now: Millis) -> u32 {
    account.buckets[0].free(now)
}

#[test]
fn a_token_comes_back_one_window_after_the_answer() {
    let mut account = account(&connection(&[ten_seconds(2)], 1), NOON, None);
    let tickets = fill(&mut account, NOON);
    assert_eq!(tickets.len(), 2);
    assert_eq!(account.room(NOON, ONE), Room::At(after(10_000)), "nothing has been answered: look again later");
    for ticket in tickets {
        end(&mut account, after(300), ticket, &Usage::default());
    }
    let Room::At(at) = account.room(after(400), ONE) else { unreachable!() };
    assert!(after(10_300) <= at && at <= after(10_300 + 79), "{at}");
    assert_eq!(free(&mut account, Millis(at.0 - 1)), 0);
    assert_eq!(free(&mut account, at), 2);
}

#[test]
fn what_a_call_did_not_use_comes_back_at_once() {
    let mut account = account(&connection(&[ten_seconds(10)], 2), NOON, None);
    let two = Cost { calls: 2, ..ONE };
    let ticket = account.take(NOON, two);
    assert_eq!(free(&mut account, NOON), 8);
    end(&mut account, NOON, ticket, &Usage { spent: Some(ONE), ..Usage::default() });
    assert_eq!(free(&mut account, NOON), 9);
    let ticket = account.take(NOON, two);
    end(&mut account, NOON, ticket, &Usage { spent: Some(Cost::default()), ..Usage::default() });
    assert_eq!(free(&mut account, NOON), 9, "it was never sent");
}

#[test]
fn a_call_needs_room_in_every_window_and_takes_from_all_or_none() {
    let mut account = account(&connection(&[ten_seconds(5), Window::rolling(2, SECOND)], 1), NOON, None);
    assert_eq!(fill(&mut account, NOON).len(), 2);
    let free: Vec<u32> = account.buckets.iter_mut().map(|it| it.free(NOON)).collect();
    assert_eq!(free, [3, 0]);
}

#[test]
fn a_window_of_searches_or_credits_counts_nothing_else() {
    let named = |unit, operations| Window {
        name: WindowName { per: SECOND, unit, operations },
        ..Window::rolling(100, SECOND)
    };
    let windows = [
        named(Unit::Calls, Operations::Searches),
        named(Unit::Calls, Operations::AllButSearches),
        named(Unit::Calls, Operations::All),
        named(Unit::Credits, Operations::All),
    ];
    let mut account = account(&connection(&windows, 1), NOON, None);
    account.take(NOON, Cost { calls: 2, searches: 3, credits: 7 });
    let free: Vec<u32> = account.buckets.iter_mut().map(|it| it.free(NOON)).collect();
    assert_eq!(free, [97, 98, 95, 93]);
    assert_eq!(windows.map(|it| it.name.to_string()), ["1s-searches", "1s", "1s", "1s-credits"]);
}

#[test]
fn a_call_dearer_than_the_window_waits_for_all_of_it_and_goes() {
    let mut account = account(&connection(&[ten_seconds(3)], 20), NOON, None);
    let dear = Cost { calls: 20, ..ONE };
    assert_eq!(account.room(NOON, dear), Room::Yes);
    let ticket = account.take(NOON, dear);
    end(&mut account, NOON, ticket, &Usage::default());
    show(&mut account, NOON);
    assert!(matches!(account.room(after(5_000), dear), Room::At(at) if after(10_000) <= at));
    assert_eq!(account.room(after(10_100), dear), Room::Yes);
}

#[test]
fn others_move_both_ways_and_never_free_what_we_spent() {
    let window = ten_seconds(100);
    let mut account = account(&connection(&[window], 1), NOON, None);
    let (first, second) = (account.take(NOON, ONE), account.take(NOON, ONE));
    end(&mut account, NOON, first, &says(&window, 60));
    assert_eq!(free(&mut account, NOON), 59, "60 are left, and one more call is out");
    end(&mut account, NOON, second, &says(&window, 80));
    assert_eq!(free(&mut account, NOON), 60, "they were out together: the first may have arrived last");
    for remaining in [80, 80] {
        let ticket = account.take(NOON, ONE);
        end(&mut account, NOON, ticket, &says(&window, remaining));
    }
    assert_eq!(free(&mut account, NOON), 79, "the most that the last two showed");
    for remaining in [100, 100] {
        let ticket = account.take(NOON, ONE);
        end(&mut account, NOON, ticket, &says(&window, remaining));
    }
    assert_eq!(free(&mut account, NOON), 94, "six were spent, whatever the CRM says");
    let last = account.take(NOON, ONE);
    end(&mut account, after(100), last, &says(&window, 0));
    assert_eq!(free(&mut account, after(9_000)), 0, "the CRM is believed");
    assert_eq!(free(&mut account, after(10_200)), 100, "for one window");
}

#[test]
fn of_answers_to_calls_that_were_out_together_the_one_that_leaves_least_is_right() {
    let window = ten_seconds(100);
    let mut account = account(&connection(&[window], 1), NOON, None);
    // Each is told what was left when it arrived, and they arrived in another order than they were sent in.
    let tickets = [(); 4].map(|()| account.take(NOON, ONE));
    for (ticket, (remaining, left)) in tickets.into_iter().zip([(66, 63), (69, 64), (68, 65), (67, 66)]) {
        end(&mut account, NOON, ticket, &says(&window, remaining));
        assert_eq!(free(&mut account, NOON), left, "what is out may not have been counted");
    }
}

#[test]
fn an_answer_from_long_before_the_newest_says_nothing() {
    let window = ten_seconds(100);
    let mut account = account(&connection(&[window], 1), NOON, None);
    let slow = account.take(NOON, ONE);
    for _ in 0..3 {
        let ticket = account.take(NOON, ONE);
        end(&mut account, NOON, ticket, &says(&window, 40));
    }
    assert_eq!(free(&mut account, NOON), 38, "one is out");
    end(&mut account, after(5_000), slow, &says(&window, 3));
    assert_eq!(free(&mut account, after(5_000)), 38);
}

#[test]
fn what_the_crm_said_holds_when_a_former_owners_spending_lapses() {
    let window = ten_seconds(100);
    let mut account = Account::default();
    account.fit(&connection(&[window], 1), NOON, &assigned(NOON, None));
    show(&mut account, NOON);
    let ticket = account.take(after(15_000), ONE);
    assert_eq!(free(&mut account, after(15_000)), 91, "8 calls of a former owner may have started unseen");
    end(&mut account, after(15_100), ticket, &says(&window, 60));
    assert_eq!(free(&mut account, after(19_900)), 60);
    assert_eq!(free(&mut account, after(20_100)), 60, "nobody said that more is left");
    assert_eq!(free(&mut account, after(25_200)), 100);
}

#[test]
fn a_lower_limit_is_adopted_and_a_higher_one_is_not() {
    let window = ten_seconds(100);
    for (told, cap) in [(60, 60), (190, 100), (0, 100)] {
        let mut account = account(&connection(&[window], 1), NOON, None);
        let ticket = account.take(NOON, ONE);
        let word = WindowUsage { limit: Some(told), ..word(&window, told.max(1) - 1) };
        let usage = Usage { windows: vec![WindowUsage { remaining: None, ..word }], ..Usage::default() };
        end(&mut account, NOON, ticket, &usage);
        assert_eq!(free(&mut account, NOON), cap - 1, "told {told}");
    }
}

#[test]
fn a_refusal_blocks_the_window_it_names_and_doubles() {
    let (short, long) = (ten_seconds(100), Window::rolling(1000, Duration::from_hours(24)));
    let mut account = account(&connection(&[short, long], 1), NOON, None);
    let refuse = |account: &mut Account, now: Millis, limit| {
        let ticket = account.take(now, ONE);
        end(account, now, ticket, &Usage { limited: Some(limit), spent: Some(Cost::default()), windows: Vec::new() });
        account.buckets.iter().map(|it| it.block.until.since(now)).max().unwrap()
    };
    assert_eq!(refuse(&mut account, NOON, limited(&short, None)), SECOND);
    assert_eq!(free(&mut account, after(999)), 0);
    assert_eq!(free(&mut account, after(1_000)), 100);
    assert_eq!(refuse(&mut account, after(1_000), limited(&short, None)), SECOND * 2);
    assert_eq!(refuse(&mut account, after(4_000), limited(&short, None)), SECOND * 4);
    assert_eq!(refuse(&mut account, after(9_000), limited(&short, None)), SECOND * 8);
    assert_eq!(refuse(&mut account, after(20_000), limited(&short, None)), SECOND * 10, "no longer than the window");
    let ticket = account.take(after(40_000), ONE);
    end(&mut account, after(40_000), ticket, &Usage::default());
    assert_eq!(refuse(&mut account, after(41_000), limited(&short, None)), SECOND, "an answer ends the row");
    assert_eq!(refuse(&mut account, after(50_000), limited(&short, Some(SECOND * 77))), SECOND * 77, "Retry-After");
    let unnamed = Limited { window: None, wait: Some(SECOND * 90) };
    refuse(&mut account, after(200_000), unnamed);
    assert_eq!(free(&mut account, after(289_999)), 0, "with no name the shortest is meant");
    assert_eq!(account.buckets[1].free(after(210_000)), 999);
    refuse(&mut account, after(400_000), limited(&long, None));
    assert_eq!(account.buckets[1].free(after(400_500)), 0);
}

#[test]
fn calls_refused_together_count_once() {
    let short = ten_seconds(100);
    let mut account = account(&connection(&[short], 1), NOON, None);
    let tickets: Vec<Ticket> = (0..8).map(|_| account.take(NOON, ONE)).collect();
    for ticket in tickets {
        end(&mut account, after(50), ticket, &Usage { limited: Some(limited(&short, None)), ..Usage::default() });
    }
    assert_eq!(account.buckets[0].block.until, after(1_050));
}

#[test]
fn a_window_that_resets_is_full_again_a_margin_after_its_instant() {
    let day = Duration::from_hours(24);
    let window = Window { turnover: Turnover::ResetsAt(Duration::from_hours(13)), ..Window::rolling(10, day) };
    let connection = connection(&[window], 1);
    let mut account = account(&connection, NOON, None);
    let one_pm = NOON.after(Duration::from_hours(1));
    for at in [NOON, one_pm.before(SECOND * 30)] {
        let ticket = account.take(at, ONE);
        end(&mut account, at, ticket, &Usage::default());
    }
    let out = account.take(one_pm.before(SECOND), ONE);
    assert_eq!(free(&mut account, one_pm.after(SECOND * 59)), 7);
    assert_eq!(free(&mut account, one_pm.after(SECOND * 60)), 8, "what was spent around the instant still counts");
    end(&mut account, one_pm.after(SECOND * 70), out, &Usage::default());
    assert_eq!(free(&mut account, one_pm.after(SECOND * 80)), 8, "what was out carries over");
    assert_eq!(free(&mut account, one_pm.after(day + SECOND * 61)), 10);
}

#[test]
fn a_refusal_of_a_window_that_resets_lasts_until_it_does() {
    let window = Window {
        turnover: Turnover::ResetsAt(Duration::from_hours(13)),
        ..Window::rolling(10, Duration::from_hours(24))
    };
    let mut account = account(&connection(&[window], 1), NOON, None);
    let ticket = account.take(NOON, ONE);
    end(&mut account, NOON, ticket, &Usage { limited: Some(limited(&window, None)), ..Usage::default() });
    show(&mut account, NOON);
    assert_eq!(account.room(NOON, ONE), Room::At(NOON.after(Duration::from_secs(3660))));
}

#[test]
fn at_most_an_eighth_of_the_smallest_window_starts_unseen() {
    for (caps, cost, most) in
        [(vec![100], 1, 8), (vec![100, 24], 1, 3), (vec![7], 1, 1), (vec![100], 20, 1), (vec![1 << 20], 1, 1024)]
    {
        let windows: Vec<Window> =
            caps.iter().zip(1..).map(|(cap, per)| Window::rolling(*cap, Duration::from_secs(per))).collect();
        let mut account = account(&connection(&windows, cost), NOON, None);
        let cost = Cost { calls: cost, ..ONE };
        let mut started = 0;
        while account.room(NOON, cost) == Room::Yes {
            account.take(NOON, cost);
            started += 1;
        }
        assert_eq!(started, most, "{caps:?}");
        assert_eq!(account.room(NOON, cost), Room::Commit);
        let _sealed = account.seal(NOON);
        account.aborted();
        assert_eq!(account.room(NOON, cost), Room::Commit, "an undone commit shows nothing");
        show(&mut account, NOON);
        assert_ne!(account.room(NOON, cost), Room::Commit);
    }
}

#[test]
fn a_new_owner_counts_what_may_have_been_sent_as_spent_at_the_latest() {
    let connection = connection(&[ten_seconds(100)], 1);
    let mut before = account(&connection, NOON, None);
    let ticket = before.take(NOON, ONE);
    end(&mut before, NOON, ticket, &Usage::default());
    before.take(after(3_000), ONE);
    let mark = before.seal(after(3_000)).unwrap();
    let mut after_it = Account::restored(mark);
    after_it.fit(&connection, after(4_000), &assigned(after(4_000), None));
    assert_eq!(after_it.room(after(4_000), ONE), Room::Commit, "the next owner must know of it first");
    show(&mut after_it, after(4_000));
    assert_eq!(after_it.room(after(4_000), ONE), Room::Yes);
    assert_eq!(free(&mut after_it, after(4_000)), 100 - 1 - 1 - 8, "spent, out, unseen");
    assert_eq!(
        free(&mut after_it, after(11_200)),
        100 - 1 - 8,
        "one window after what was spent, our clock believed a little"
    );
    assert_eq!(free(&mut after_it, after(23_999)), 100 - 1 - 8);
    assert_eq!(free(&mut after_it, after(24_000)), 100, "one window after the deadline of what was out");
}

#[test]
fn a_saved_time_in_the_future_reads_as_now() {
    let connection = connection(&[ten_seconds(100)], 1);
    let mut before = account(&connection, NOON, None);
    for ticket in fill(&mut before, NOON) {
        end(&mut before, NOON, ticket, &Usage::default());
    }
    let mut mark = before.seal(NOON).unwrap();
    mark.windows[0].spent.truncate(1);
    let mut later = Account::restored(mark);
    let back = NOON.before(Duration::from_secs(5_000));
    later.fit(&connection, back, &assigned(back, None));
    assert_eq!(free(&mut later, back), 0);
    assert_eq!(free(&mut later, back.after(SECOND * 21)), 100);
}

#[test]
fn what_is_forgotten_says_nothing() {
    let connection = connection(&[ten_seconds(100)], 1);
    let mut account = account(&connection, NOON, None);
    let ticket = account.take(NOON, ONE);
    end(&mut account, NOON, ticket, &says(&ten_seconds(100), 99));
    assert!(show(&mut account, NOON).is_some());
    assert!(!account.has_old_record(after(10_000)));
    assert!(account.has_old_record(after(10_200)));
    assert!(show(&mut account, after(10_200)).is_none());
    account.tidy(after(10_200));
    assert!(account.is_new());
}

#[test]
fn changed_windows_keep_what_was_spent_of_those_that_stay() {
    let mut account = account(&connection(&[ten_seconds(100), Window::rolling(5, SECOND)], 1), NOON, None);
    let ticket = account.take(NOON, ONE);
    let changed = connection(&[ten_seconds(50), Window::rolling(9, SECOND * 60)], 1);
    account.fit(&changed, NOON, &assigned(NOON, None));
    let free: Vec<u32> = account.buckets.iter_mut().map(|it| it.free(NOON)).collect();
    assert_eq!(free, [49, 9]);
    end(&mut account, NOON, ticket, &Usage::default());
    let free: Vec<u32> = account.buckets.iter_mut().map(|it| it.free(NOON)).collect();
    assert_eq!(free, [49, 8]);
}

#[test]
fn a_day_used_faster_than_it_passes_is_burning() {
    let day = Window::rolling(1_600, Duration::from_hours(24));
    let mut account = account(&connection(&[day, ten_seconds(1)], 1), NOON, None);
    for _ in 0..100 {
        let ticket = account.take(NOON, ONE);
        end(&mut account, NOON, ticket, &Usage::default());
    }
    assert!(!account.is_burning(NOON));
    account.take(NOON, ONE);
    assert!(account.is_burning(NOON), "over a sixteenth within a sixteenth");
    assert!(!account.is_burning(NOON.after(Duration::from_hours(2))));
}

//! The limit of an account, counted on the CRM's own clock: with another application on the same account, and over kills.
//! Not here: how much of the limit is used (`benches/whole`).

use crate::stage::{Job, Stage};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sluicegate::simulated::hubspot::{AccountLedger, CallEntry};
use std::time::Duration;

const LIMITS: &str = r#"[{ calls = 100, per = "10s" }]"#;
const CAP: usize = 100;
const PER_US: u64 = 10_000_000;
/// Calls out at once, before the first answer says what others have used.
const HANDFUL: usize = 8;

#[test]
fn twenty_tenants_who_share_their_accounts_with_another_application_are_refused_in_the_first_window_if_at_all() {
    const TENANTS: usize = 20;
    /// More than the 70 calls that are left in each of three windows.
    const JOBS: usize = 230;
    let stage = limited("shared", TENANTS);
    stage.hubspot.change(&json!({ "other_use": 0.3 }));
    let all = jobs(&stage, JOBS);
    let process = stage.run("one", None);
    stage.send(&all);
    stage.outcomes().await_exactly(all.len(), Duration::from_secs(90));
    let (mut refused, mut used) = (0, Vec::new());
    for tenant in &stage.tenants {
        let ledger = stage.ledger(tenant);
        assert_eq!((ledger.totals.effects, ledger.totals.duplicates), (JOBS as u64, 0), "{tenant}");
        let first = ledger.calls.iter().map(|it| it.at_us).min().unwrap();
        let over: Vec<&CallEntry> = ledger.calls.iter().filter(|it| it.over.is_some()).collect();
        let late = over.iter().find(|it| first + PER_US <= it.at_us);
        assert!(late.is_none(), "{tenant}: refused {} µs after its first call", late.unwrap().at_us - first);
        assert!(over.len() <= HANDFUL, "{tenant}: refused {} times", over.len());
        refused += over.len();
        let in_second = ledger.calls.iter().filter(|it| (first + PER_US..first + 2 * PER_US).contains(&it.at_us));
        used.push(in_second.count());
        assert!(3 * PER_US < last(&ledger) - first, "{tenant}: the limit was not met");
    }
    eprintln!("{TENANTS} tenants: {refused} refusals, all in the first window; calls in the second: {used:?}");
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    process.stop();
}

#[test]
fn kills_bring_no_account_over_its_limit_on_the_crms_own_clock() {
    const TENANTS: usize = 4;
    const JOBS: usize = 300;
    const KILLS: usize = 4;
    let stage = limited("kills", TENANTS);
    let all = jobs(&stage, JOBS);
    let mut dice = StdRng::seed_from_u64(4);
    stage.send(&all);
    for _ in 0..KILLS {
        let calls = stage.hubspot.calls() + dice.random_range(10..80);
        let mut process = stage.run("one", None);
        process.await_alive("some calls", Duration::from_secs(60), |_| calls < stage.hubspot.calls());
        process.kill();
    }
    let process = stage.run("one", None);
    stage.outcomes().await_exactly(all.len(), Duration::from_secs(120));
    let mut fullest = Vec::new();
    for tenant in &stage.tenants {
        let ledger = stage.ledger(tenant);
        let over = ledger.calls.iter().filter(|it| it.over.is_some()).count();
        assert_eq!(over, 0, "{tenant}: calls that the CRM refused");
        assert_eq!(ledger.records.len(), JOBS, "{tenant}");
        fullest.push(fullest_window(&ledger));
    }
    eprintln!("{KILLS} kills: calls in the fullest {} s of each account: {fullest:?}", PER_US / 1_000_000);
    assert!(fullest.iter().all(|it| (CAP / 2..=CAP).contains(it)), "of {CAP}: {fullest:?}");
    assert_eq!(stage.dead_letters().look(Duration::from_millis(500)), 0);
    process.stop();
}

/// Accounts with HubSpot's limit of 10 seconds, and one record per call.
fn limited(name: &str, tenants: usize) -> Stage {
    let mut stage = Stage::new(name, tenants);
    stage.limits = LIMITS;
    stage.batch_max = 1;
    stage.hubspot.change(&json!({ "limits": { "burst": CAP, "burst_ms": PER_US / 1_000, "enforced": true } }));
    stage
}

fn jobs(stage: &Stage, each: usize) -> Vec<Job> {
    let of = |record: usize| stage.tenants.iter().map(move |it| (it, record));
    let job =
        |(tenant, record): (&String, usize)| Job { tenant: tenant.clone(), record: format!("r-{record}"), seq: 1 };
    (0..each).flat_map(of).map(job).collect()
}

fn last(ledger: &AccountLedger) -> u64 {
    ledger.calls.iter().map(|it| it.at_us).max().unwrap()
}

/// Most calls that arrived within any span of the limit's length.
fn fullest_window(ledger: &AccountLedger) -> usize {
    let mut arrived: Vec<u64> = ledger.calls.iter().map(|it| it.at_us).collect();
    arrived.sort_unstable();
    let within = |from: &u64| arrived.iter().filter(|it| (*from..from + PER_US).contains(it)).count();
    arrived.iter().map(within).max().unwrap()
}

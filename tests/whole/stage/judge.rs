//! Whether the CRM was left as by a sequential run, and which effects came more than once, and why they might.
//! Not here: how the processes were treated.

use super::{Job, Read, Stage, text};
use sluicegate::simulated::hubspot::RecordLedger;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) all: usize,
    pub(crate) repeated: usize,
}

/// Holds the CRM's ledger against the jobs and their outcomes. `lives`: when each process started, in Unix
/// microseconds; only between two lives may anything be repeated.
#[track_caller]
pub(crate) fn judge(stage: &Stage, jobs: &[Job], outcomes: &[Read], lives: &[u64]) -> Effects {
    let ledgers: Vec<_> = stage.tenants.iter().map(|it| (it, stage.ledger(it))).collect();
    let ended = ends(jobs, outcomes);
    let mut expected: BTreeMap<(&str, &str), Vec<&Job>> = BTreeMap::new();
    for job in jobs {
        expected.entry((&job.tenant, &job.record)).or_default().push(job);
    }
    let mut effects = Effects { all: 0, repeated: 0 };
    for (tenant, ledger) in &ledgers {
        assert_eq!(ledger.totals.out_of_order, 0, "effects out of order at {tenant}");
        for record in &ledger.records {
            let jobs = expected.remove(&(tenant.as_str(), record.external_id.as_str()));
            let jobs = jobs.unwrap_or_else(|| panic!("{} is nobody's record", record.external_id));
            check_order(record, jobs.len(), lives);
            check_final_state(record, &jobs);
            for effect in &record.applied {
                let key = format!("{tenant} {}/{}", record.external_id, effect.marker.as_deref().unwrap());
                let end = ended[&key];
                assert!(
                    effect.at_us / 1_000 <= end,
                    "{key} was applied {} µs, after its commit of {end}",
                    effect.at_us
                );
            }
            effects.all += record.applied.len();
            effects.repeated += record.applied.len() - jobs.len();
        }
    }
    assert!(expected.is_empty(), "never reached the CRM: {:?}", expected.keys());
    effects
}

/// When the one outcome of each job was produced; more than one, or none, or another than `applied` is a fault.
fn ends(jobs: &[Job], outcomes: &[Read]) -> BTreeMap<String, u64> {
    let mut ended = BTreeMap::new();
    for outcome in outcomes {
        let json = outcome.json();
        assert_eq!(text(&json, "outcome"), "applied", "{json}");
        let key = format!("{} {}", text(&json, "tenant_id"), text(&json, "idempotency_key"));
        assert!(ended.insert(key, outcome.timestamp).is_none(), "a second outcome: {json}");
    }
    for job in jobs {
        let key = format!("{} {}", job.tenant, job.key());
        assert!(ended.contains_key(&key), "lost: {key}");
    }
    assert_eq!(ended.len(), jobs.len());
    ended
}

/// Each effect follows the one before it, but that a new life may begin again at an earlier one.
fn check_order(record: &RecordLedger, jobs: usize, lives: &[u64]) {
    let mut highest = 0;
    let mut before: Option<(u64, u64)> = None;
    for effect in &record.applied {
        let seq: u64 = effect.marker.as_deref().unwrap().parse().unwrap();
        let (last, last_at) = before.unwrap_or_default();
        let new_life = lives.iter().any(|it| (last_at..effect.at_us).contains(it));
        let follows = seq == last + 1 || (seq <= last && new_life);
        assert!(follows, "{}: {seq} came after {last} of {highest}: {:?}", record.external_id, record.markers());
        highest = highest.max(seq);
        before = Some((seq, effect.at_us));
    }
    assert_eq!(highest, u64::try_from(jobs).unwrap(), "{}: {:?}", record.external_id, record.markers());
}

fn check_final_state(record: &RecordLedger, jobs: &[&Job]) {
    let mut sequential = BTreeMap::new();
    for job in jobs {
        sequential.extend(job.properties());
    }
    for (name, value) in sequential {
        assert_eq!(record.properties.get(&name), Some(&value), "{name} of {}", record.external_id);
    }
}

//! The engine under test as a run sees it, with the settings that the seed drew; and what holds of it after a turn.
//! Not here: anything of its inside.

use crate::crm::{DEADLINE_MS, SimCrms};
use crate::log::SimLog;
use crate::options::Options;
use crate::store::SimStore;
use crate::workload::{ConnIx, Workload};
use sluicegate::engine::{Engine, Settings, Setup};
use sluicegate::machine::{Bug, Policy};
use sluicegate::model::{Connection, Incarnation, Millis, TenantId};
use sluicegate::ports::Tenants;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub type Brain = Engine<SimLog, SimStore, SimCrms>;

pub fn new(
    options: &Options,
    (workload, absent): (&Workload, &BTreeSet<ConnIx>),
    (log, store, crms): (SimLog, SimStore, SimCrms),
    (incarnation, bug): (Incarnation, Option<Bug>),
    now: Millis,
) -> Brain {
    let tenants = tenants(workload, absent);
    let seed = options.seed ^ incarnation.0;
    Engine::new(Setup { settings: settings(options, bug), tenants, log, store, crms, seed, incarnation }, now)
}

/// The configuration without what is absent from it; a tenant with no connection left is unknown.
pub fn tenants(workload: &Workload, absent: &BTreeSet<ConnIx>) -> Tenants {
    let mut tenants: BTreeMap<TenantId, Vec<Arc<Connection>>> = BTreeMap::new();
    for connection in workload.connections.iter().filter(|it| !absent.contains(&workload.by_id[&it.id])) {
        tenants.entry(connection.id.tenant.clone()).or_default().push(connection.clone());
    }
    Arc::new(tenants)
}

fn settings(options: &Options, bug: Option<Bug>) -> Settings {
    let machine = &options.machine;
    Settings {
        prefix: "sluicegate".to_owned(),
        idempotency_ttl: Duration::from_millis(machine.ttl_ms),
        dead_ttl: Duration::from_millis(machine.dead_ttl_ms),
        retry: Policy {
            base: Duration::from_millis(machine.retry_base_ms),
            factor: 2.0,
            jitter: (0.8, 1.2),
            retries: machine.retries,
        },
        hold_after: machine.hold_after,
        commit_after: Duration::from_millis(machine.commit_after_ms),
        commit_after_idle: Duration::from_millis(machine.commit_after_ms.min(10)),
        commit_outcomes: machine.commit_outcomes,
        commit_bytes: machine.commit_bytes,
        outcomes: true,
        calls_max: machine.calls_max,
        connection_calls_max: machine.connection_calls_max,
        call_deadline: Duration::from_millis(DEADLINE_MS),
        memory_bytes: machine.memory_bytes,
        call_bytes: 200,
        on_way_max: machine.on_way_max as u64,
        waiting_bytes_max: machine.waiting_bytes_max,
        renew_after: Duration::from_millis(machine.renew_after_ms),
        max_wait: Duration::from_millis(machine.max_wait_ms),
        window_max: machine.window_max,
        revoke_patience: Duration::from_millis(machine.revoke_patience_ms),
        bug,
    }
}

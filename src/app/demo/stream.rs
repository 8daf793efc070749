//! The demo's events: a steady stream over all tenants, and a flood of one of them.
//! Not here: what becomes of them.

use crate::app::demo::crms;
use crate::app::demo::stage::Stage;
use crate::embedded::NewJob;
use crate::model::Header;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Events per second over all tenants.
const STEADY_PER_SECOND: u32 = 60;
/// Events per second that a flooding tenant adds.
const FLOOD_PER_SECOND: u32 = 400;
const ROUND: Duration = Duration::from_millis(50);
const ROUNDS_PER_SECOND: u32 = 20;
/// Contacts per tenant: few, so that each changes often and order matters.
const CONTACTS: u64 = 40;

/// Sends until the stage says it is over. Each event carries its number among those of its contact, so that the
/// CRM can tell a repeat or a wrong order.
pub(super) fn run(stage: &Arc<Stage>, tenants: u32, seed: u64) {
    let mut dice = crate::machine::Dice(seed);
    let mut sent: BTreeMap<(u32, u64), u64> = BTreeMap::new();
    let mut number = 0_u64;
    while !stage.is_stream_over() {
        let flood = if stage.switches().flood.load(Ordering::Relaxed) { FLOOD_PER_SECOND } else { 0 };
        let steady = STEADY_PER_SECOND / ROUNDS_PER_SECOND;
        let jobs: Vec<NewJob> = (0..steady + flood / ROUNDS_PER_SECOND)
            .map(|place| {
                let tenant = if place < steady { pick(&mut dice, u64::from(tenants)) } else { 0 };
                let tenant = u32::try_from(tenant).unwrap_or(0);
                let contact = pick(&mut dice, CONTACTS);
                let version = sent.entry((tenant, contact)).or_default();
                *version += 1;
                number += 1;
                job(tenant, contact, *version, number)
            })
            .collect();
        stage.append(&jobs, u64::try_from(sent.len()).unwrap_or(u64::MAX));
        std::thread::sleep(ROUND);
    }
}

fn pick(dice: &mut crate::machine::Dice, below: u64) -> u64 {
    let rolled = Duration::from_secs(below).mul_f64(dice.roll()).as_secs();
    rolled.min(below.saturating_sub(1))
}

fn job(tenant: u32, contact: u64, version: u64, number: u64) -> NewJob {
    let crm = crms::kind_of(tenant);
    let tenant = tenant_name(tenant);
    let properties = crms::contact(crm, (contact, &tenant), version);
    let value = format!(
        r#"{{"tenant_id":"{tenant}","event_type":"contact.changed","idempotency_key":"event-{number}","payload":{{"object":"contact","external_id":"c-{contact}","operation":"upsert","properties":{properties}}}}}"#
    );
    NewJob { key: Some(Bytes::from(tenant)), value: Bytes::from(value), headers: Vec::<Header>::new() }
}

pub(super) fn tenant_name(tenant: u32) -> String {
    format!("tenant-{tenant:02}")
}

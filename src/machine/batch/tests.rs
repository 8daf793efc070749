//! Table tests of batches.
//! Not here: the machine around them.

use super::{Batch, form};
use crate::machine::{Delivery, Target};
use crate::model::{
    Attempt, Change, Connection, ConnectionId, Crm, DedupeHash, History, IdempotencyKey, Job, Keys, Message, Millis,
    Object, Offset, Operation, Properties, RecordHash, Seq, Tariff, TenantHash,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A delivery of its own record and key, for the object named.
fn delivery(seq: u64, object: &str, batch_max: usize) -> Delivery {
    let id = ConnectionId { tenant: "acme".into(), name: Arc::from("hubspot") };
    let change = Change {
        object: Object(Arc::from(object)),
        external_id: Arc::from("c"),
        operation: Operation::Upsert,
        properties: Properties(Arc::from("{}")),
    };
    let job = Job {
        tenant: id.tenant.clone(),
        event_type: Arc::from("contact.changed"),
        idempotency_key: IdempotencyKey::from("k"),
        occurred_at: Millis(0),
        connection: None,
        change,
    };
    let hash = u128::from(seq);
    Delivery {
        seq: Offset(seq),
        target: Target {
            connection: Arc::new(Connection {
                id,
                crm: Crm::HubSpot,
                batch_max,
                calls_max: None,
                windows: Arc::from([]),
                tariff: Tariff::ONE_CALL,
                keys: Keys::UNIQUE,
            }),
            tenant: TenantHash(0),
            dedupe: DedupeHash(hash),
            record: RecordHash(hash),
        },
        job: Arc::new(job),
        original: Arc::new(Message { key: None, value: None, headers: Vec::new(), timestamp: Millis(0) }),
        waits: None,
        attempt: Attempt(0),
        history: History::default(),
        since: None,
        paused_at: None,
        level: 0,
        way: None,
    }
}

fn check(ready: Vec<Delivery>, end: u64, expect: (std::ops::Range<u64>, bool)) {
    let ready: BTreeMap<Seq, Box<Delivery>> = ready.into_iter().map(|it| (it.seq, Box::new(it))).collect();
    let callable: BTreeSet<Seq> = ready.keys().copied().collect();
    let batch = form(&callable, &ready, Offset(end), |_| false);
    let members: Vec<Seq> = expect.0.map(Offset).collect();
    assert_eq!(batch, Batch { members, full: expect.1 });
}

fn contacts(count: u64, batch_max: usize) -> Vec<Delivery> {
    (0..count).map(|seq| delivery(seq, "contact", batch_max)).collect()
}

#[test]
fn a_batch_holds_at_most_what_the_crm_takes() {
    check(contacts(150, 100), 1_000, (0..100, true));
    check(contacts(7, 100), 1_000, (0..7, false));
    check(contacts(3, 1), 1_000, (0..1, true));
}

#[test]
fn nothing_is_called_before_jobs_has_been_read_up_to_it() {
    check(contacts(10, 100), 4, (0..4, false));
    check(contacts(10, 100), 0, (0..0, false));
}

#[test]
fn only_what_shares_object_and_operation_goes_together() {
    let mut ready = contacts(2, 100);
    ready.push(delivery(2, "deal", 100));
    check(ready, 1_000, (0..2, false));
}

#[test]
fn each_refusal_and_each_attempt_makes_the_call_ten_times_smaller() {
    let hundred = [(0, 0, 100), (1, 0, 10), (2, 0, 1), (5, 0, 1), (0, 1, 10), (0, 2, 1), (1, 2, 1)];
    let more = [(200, 0, 0, 200), (200, 1, 0, 20), (200, 2, 0, 1), (200, 0, 2, 1)];
    for (most, attempt, level, size) in
        hundred.map(|(attempt, level, size)| (100, attempt, level, size)).into_iter().chain(more)
    {
        let mut ready = contacts(300, most);
        for delivery in &mut ready {
            delivery.attempt = Attempt(attempt);
            delivery.level = level;
        }
        check(ready, 1_000, (0..size, true));
    }
}

#[test]
fn a_member_that_was_refused_does_not_go_with_more_than_it_bears() {
    let mut ready = contacts(200, 100);
    if let Some(tried) = ready.get_mut(20) {
        tried.level = 2;
    }
    check(ready, 1_000, (0..20, true));
}

#[test]
fn two_deliveries_of_one_idempotency_key_never_share_a_call() {
    let mut ready = contacts(3, 100);
    if let Some(twin) = ready.get_mut(1) {
        twin.target.dedupe = DedupeHash(0);
    }
    let ready: BTreeMap<Seq, Box<Delivery>> = ready.into_iter().map(|it| (it.seq, Box::new(it))).collect();
    let callable: BTreeSet<Seq> = ready.keys().copied().collect();
    let batch = form(&callable, &ready, Offset(9), |_| false);
    assert_eq!(batch.members, [Offset(0), Offset(2)]);
    let busy = form(&callable, &ready, Offset(9), |it| it.target.dedupe == DedupeHash(0));
    assert_eq!(busy.members, [Offset(2)], "a key in flight is left out");
}

//! How much is loaded for a connection, and how long a retry waits for company.
//! Not here: tokens (`spend`), what is put into one call (`batch`).
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use crate::machine::{Dice, Head, Input, Machine, Out, Policy, Restored, Seen, Settings, Target, Waits};
use crate::model::{
    Attempt, Because, CallId, Change, Connection, ConnectionId, Crm, DedupeHash, History, IdempotencyKey, Incarnation,
    Job, Keys, Message, Millis, Object, Offset, Operation, Place, Properties, RecordHash, Shard, Tariff, TenantHash,
    Tier,
};
use std::sync::Arc;
use std::time::Duration;

const NOON: Millis = Millis(1_748_779_200_000);

fn connection(batch_max: usize, calls_max: Option<usize>) -> Arc<Connection> {
    Arc::new(Connection {
        id: ConnectionId { tenant: "acme".into(), name: Arc::from("hubspot") },
        crm: Crm::HubSpot,
        batch_max,
        calls_max,
        windows: Arc::from([]),
        tariff: Tariff::ONE_CALL,
        keys: Keys::UNIQUE,
    })
}

/// Its connection has something in its queue on disk.
fn machine(connection: &Connection) -> Machine {
    let settings = Settings {
        shard: Shard(0),
        incarnation: Incarnation(1),
        idempotency_ttl: Duration::from_hours(24),
        retry: Policy { base: Duration::from_secs(5), factor: 2.0, jitter: (1.0, 1.0), retries: 5 },
        hold_after: None,
        connection_calls_max: 8,
        call_deadline: Duration::from_secs(10),
        window_max: 256,
        line_bytes_max: 1 << 20,
        bug: None,
    };
    let queues = [(connection.id.clone(), Offset(0))].into();
    let restored = Restored { at: NOON.before(Duration::from_hours(24)), queues, ..Restored::default() };
    let mut machine = Machine::new(settings, &restored, Dice(1), &mut Vec::new());
    let jobs = Input::Jobs { jobs: Vec::new(), position: Offset(100), spill: false };
    machine.step(NOON, &Seen::default(), jobs, &mut Out::default());
    machine
}

fn wanted(connection: &Arc<Connection>, is_short: bool) -> usize {
    let mut machine = machine(connection);
    let loads = machine.loads(NOON, (64, is_short), None, |_| Some(Arc::clone(connection)));
    let (id, from, most) = loads.first().unwrap();
    assert_eq!((id, *from), (&connection.id, Offset(0)));
    *most
}

#[test]
fn as_much_is_loaded_as_all_calls_can_carry_twice_over() {
    assert_eq!(wanted(&connection(1, None), false), 16);
    assert_eq!(wanted(&connection(10, Some(2)), false), 40);
    assert_eq!(wanted(&connection(100, None), false), 256, "the bound of a window");
}

#[test]
fn one_call_is_loaded_where_memory_is_short() {
    assert_eq!(wanted(&connection(1, None), true), 1);
    assert_eq!(wanted(&connection(100, None), true), 100);
}

/// A retry that has just come due.
fn retry(connection: &Arc<Connection>, seq: u64) -> Head {
    let change = Change {
        object: Object(Arc::from("contact")),
        external_id: Arc::from("c"),
        operation: Operation::Upsert,
        properties: Properties(Arc::from("{}")),
    };
    let job = Job {
        tenant: "acme".into(),
        event_type: Arc::from("contact.changed"),
        idempotency_key: IdempotencyKey::from("k"),
        occurred_at: NOON,
        connection: None,
        change,
    };
    let hash = u128::from(seq);
    Head {
        seq: Offset(seq),
        waits: Waits {
            place: Place { tier: Tier::S5, offset: Offset(seq) },
            because: Because::Retry,
            timer: NOON,
            size: 100,
        },
        target: Target {
            connection: Arc::clone(connection),
            tenant: TenantHash(0),
            dedupe: DedupeHash(hash),
            record: RecordHash(hash),
        },
        job: Arc::new(job),
        original: Arc::new(Message { key: None, value: None, headers: Vec::new(), timestamp: NOON }),
        attempt: Attempt(1),
        history: History::default(),
        paused_at: None,
        since: NOON,
    }
}

fn load(machine: &mut Machine, now: Millis, head: Head) {
    let waiting = vec![(head.seq, Millis(0))];
    let seen = Seen { records: [(head.target.record, waiting)].into(), ..Seen::default() };
    let connection = head.target.connection.id.clone();
    let input = Input::Heads { connection, heads: vec![head], next: None };
    machine.step(now, &seen, input, &mut Out::default());
}

fn calls(machine: &mut Machine, now: Millis, id: u64) -> bool {
    machine.tend(now);
    let until = now.after(Duration::from_secs(10));
    machine.next_call(now, (CallId(id), until), &mut Out::default()).is_some()
}

#[test]
fn a_retry_that_is_due_does_not_wait_for_the_answer_to_a_slow_call() {
    let connection = connection(100, None);
    let mut machine = machine(&connection);
    load(&mut machine, NOON, retry(&connection, 1));
    assert!(calls(&mut machine, NOON, 1), "nothing is in flight");
    load(&mut machine, NOON, retry(&connection, 2));
    assert!(!calls(&mut machine, NOON, 2), "an answer may come soon");
    let wake = machine.next_token_at().unwrap();
    assert!(wake.since(NOON) <= Duration::from_millis(50), "half of what it may be late by");
    assert!(calls(&mut machine, wake, 3), "none came");
}

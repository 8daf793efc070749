//! Who is looked at for deliveries on disk: nobody who is held or paused, and everybody again who is released.
//! Not here: when holds begin and end (`hold`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use crate::machine::{Bug, Dice, Head, Input, Machine, Out, Policy, Restored, Seen, Settings, Target, Waits};
use crate::model::{
    Attempt, Because, CallId, Change, Command, Connection, ConnectionId, Crm, DedupeHash, History, Hold, HoldCause,
    IdempotencyKey, Incarnation, Job, Keys, Message, Millis, Object, Offset, Operation, Pause, Place, Properties,
    RecordHash, Scope, Shard, Tariff, TenantHash, Tier, Topic, Window,
};
use std::sync::Arc;
use std::time::Duration;

const START: Millis = Millis(1_000_000);

fn connection(name: &str, calls: u32) -> Arc<Connection> {
    Arc::new(Connection {
        id: ConnectionId { tenant: "acme".into(), name: Arc::from(name) },
        crm: Crm::HubSpot,
        batch_max: 10,
        calls_max: None,
        windows: [Window::rolling(calls, Duration::from_secs(10))].into(),
        tariff: Tariff::ONE_CALL,
        keys: Keys::UNIQUE,
    })
}

/// Something waits on disk for each of the connections `a` and `b`.
fn machine(bug: Option<Bug>, holds: &[(&str, Hold)], pauses: &[(Scope, Pause)]) -> Machine {
    let settings = Settings {
        shard: Shard(0),
        incarnation: Incarnation(1),
        idempotency_ttl: Duration::from_hours(24),
        retry: Policy { base: Duration::from_secs(5), factor: 2.0, jitter: (1.0, 1.0), retries: 5 },
        hold_after: Some(10),
        connection_calls_max: 8,
        call_deadline: Duration::from_secs(10),
        window_max: 256,
        line_bytes_max: 1 << 20,
        bug,
    };
    let queues = ["a", "b"].map(|it| (connection(it, 100).id.clone(), Offset(5)));
    let restored = Restored {
        queues: queues.into(),
        holds: holds.iter().map(|(name, hold)| (connection(name, 100).id.clone(), hold.clone())).collect(),
        pauses: pauses.iter().cloned().collect(),
        ..Restored::default()
    };
    Machine::new(settings, &restored, Dice(1), &mut Vec::new())
}

fn hold(cause: HoldCause, next: u64) -> Hold {
    Hold { cause, since: START, next: Millis(next), failures: 0, reason: None, status: None }
}

fn pause(until: Option<u64>) -> Pause {
    Pause { since: START, until: until.map(Millis), reason: "r".to_owned(), actor: "a".to_owned() }
}

/// Whose queues would be read now, and who is still looked at after it.
fn turn(machine: &mut Machine, now: Millis) -> (Vec<String>, Vec<String>) {
    machine.tend_holds(now, 512, &mut Out::default());
    let known = |id: &ConnectionId| Some(connection(&id.name, 100));
    let loads = machine.loads(now, (64, false), None, known);
    let looked_at = machine.lines.hungry(None).map(|(id, _, _)| id.name.to_string());
    (loads.into_iter().map(|(id, _, _)| id.name.to_string()).collect(), looked_at.collect())
}

fn resume(machine: &mut Machine, scope: Scope) {
    let command = Command::Resume { scope, actor: "a".to_owned(), reason: "r".to_owned(), at: START };
    machine.hear(START, (Topic::Delay(Tier::S5), Offset(9)), &command, &mut Out::default());
}

/// What holds connection `a`, what releases it, and when the next turn is.
type Row = (&'static str, Vec<(&'static str, Hold)>, Vec<(Scope, Pause)>, fn(&mut Machine), Millis);

fn rows() -> Vec<Row> {
    let later = |ms: u64| Millis(START.0 + ms);
    let a = || connection("a", 100).id.clone();
    let outage = || vec![("a", hold(HoldCause::Outage, START.0 + 5_000))];
    let configured: fn(&mut Machine) =
        |it| it.configure(START, |id| Some(connection(&id.name, 100)), &mut Out::default());
    vec![
        ("an outage whose probe is due", outage(), vec![], |_| (), later(5_000)),
        ("a quota at its reset", vec![("a", hold(HoldCause::Quota, START.0 + 9))], vec![], |_| (), later(9)),
        ("a pause that ends", vec![], vec![(Scope::Connection(a()), pause(Some(START.0 + 7)))], |_| (), later(7)),
        (
            "a pause that a person ends",
            vec![],
            vec![(Scope::Connection(a()), pause(None))],
            |it| resume(it, Scope::Connection(connection("a", 100).id.clone())),
            START,
        ),
        ("a resume that tries at once", outage(), vec![], |it| resume(it, Scope::All), START),
        ("one that is configured again", vec![("a", hold(HoldCause::Unconfigured, 0))], vec![], configured, START),
    ]
}

#[test]
fn what_is_held_or_paused_is_not_looked_at_until_it_is_released() {
    for (what, holds, pauses, release, then) in rows() {
        let mut machine = machine(None, &holds, &pauses);
        let (loads, looked_at) = turn(&mut machine, START);
        assert_eq!((loads, looked_at), (vec!["b".to_owned()], vec!["b".to_owned()]), "{what}");
        machine.lines.lower_next(&connection("a", 100).id, Offset(3));
        assert_eq!(turn(&mut machine, START).1, ["b"], "{what}: what is filed meanwhile wakes nobody");
        release(&mut machine);
        assert_eq!(turn(&mut machine, then).0, ["a", "b"], "{what}");
    }
}

#[test]
fn the_planted_bug_leaves_the_released_aside() {
    for (what, holds, pauses, release, then) in rows() {
        let mut machine = machine(Some(Bug::ForgetsTheReleased), &holds, &pauses);
        turn(&mut machine, START);
        release(&mut machine);
        assert_eq!(turn(&mut machine, then).0, ["b"], "{what}");
    }
}

#[test]
fn new_credentials_bring_a_held_connection_back() {
    let mut machine = machine(None, &[("a", hold(HoldCause::Credentials, 0))], &[]);
    let id = connection("a", 100).id.clone();
    assert_eq!(turn(&mut machine, START).0, ["a", "b"], "a new owner tries at once");
    machine.holds.probe_started(&id, CallId(1));
    assert_eq!(turn(&mut machine, START).0, ["b"]);
    let refused = crate::machine::hold::Sign::Failed(crate::model::Fault {
        reason: crate::model::Reason::Unauthorized,
        status: Some(401),
        code: None,
        message: String::new(),
        retry_after: None,
    });
    machine.holds.call_ended(&id, CallId(1), (START, refused));
    assert_eq!(turn(&mut machine, START).0, ["b"]);
    machine.step(START, &Seen::default(), Input::AccessChanged(id), &mut Out::default());
    assert_eq!(turn(&mut machine, START).0, ["a", "b"]);
}

fn head(connection: Arc<Connection>) -> Head {
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
        occurred_at: START,
        connection: None,
        change,
    };
    let place = Place { tier: Tier::S5, offset: Offset(1) };
    Head {
        seq: Offset(5),
        waits: Waits { place, because: Because::Held, timer: Millis(0), size: 10 },
        target: Target { connection, tenant: TenantHash(1), dedupe: DedupeHash(1), record: RecordHash(1) },
        job: Arc::new(job),
        original: Arc::new(Message { key: None, value: None, headers: Vec::new(), timestamp: START }),
        attempt: Attempt(0),
        history: History::default(),
        since: START,
        paused_at: None,
    }
}

#[test]
fn what_is_in_memory_keeps_to_the_limits_as_configured_now() {
    let mut machine = machine(None, &[], &[]);
    let id = connection("a", 100).id.clone();
    let heads = vec![head(connection("a", 100))];
    let seen = Seen { records: [(RecordHash(1), vec![(Offset(5), Millis(0))])].into(), ..Seen::default() };
    machine.step(START, &seen, Input::Heads { connection: id.clone(), heads, next: None }, &mut Out::default());
    let assigned = machine.assigned();
    machine.lines.line(&id).account.fit(&connection("a", 100), START, &assigned);
    let new = connection("a", 1);
    machine.configure(START, |_| Some(Arc::clone(&new)), &mut Out::default());
    let in_memory = machine.lines.get(&id).unwrap().ready.values();
    assert!(in_memory.map(|it| &it.target.connection).all(|it| Arc::ptr_eq(it, &new)));
    assert_eq!(machine.lines.get(&id).unwrap().ready.len(), 1);
    machine.lines.sleep(&id, Millis(u64::MAX));
    machine.lines.set_next(&id, Some(Offset(6)));
    let more = connection("a", 1_000);
    machine.configure(START, |_| Some(Arc::clone(&more)), &mut Out::default());
    let all = machine.loads(START, (64, false), None, |_| Some(Arc::clone(&more)));
    assert!(all.iter().any(|it| it.0 == id), "a limit that was raised counts at once");
    machine.configure(START, |_| None, &mut Out::default());
    assert!(machine.holds().contains_key(&id), "one that vanished is held, whatever is in memory");
}

/// Which of three in memory a held connection is probed with, and how many inputs that call has.
fn probe(bug: Option<Bug>) -> (Offset, usize) {
    let mut machine = machine(bug, &[("a", hold(HoldCause::Outage, START.0))], &[]);
    let connection = connection("a", 100);
    let tried = [(5_u32, 3_u32), (6, 0), (7, 1)];
    let heads = tried.map(|(seq, attempt)| {
        let target = Target {
            connection: Arc::clone(&connection),
            tenant: TenantHash(1),
            dedupe: DedupeHash(u128::from(seq)),
            record: RecordHash(u128::from(seq)),
        };
        Head { seq: Offset(u64::from(seq)), target, attempt: Attempt(attempt), ..head(Arc::clone(&connection)) }
    });
    let records = tried.map(|(seq, _)| (RecordHash(u128::from(seq)), vec![(Offset(u64::from(seq)), Millis(0))]));
    let seen = Seen { records: records.into(), ..Seen::default() };
    machine.step(
        START,
        &seen,
        Input::Jobs { jobs: Vec::new(), position: Offset(9), spill: false },
        &mut Out::default(),
    );
    let input = Input::Heads { connection: connection.id.clone(), heads: heads.into(), next: None };
    machine.step(START, &seen, input, &mut Out::default());
    machine.tend_holds(START, 512, &mut Out::default());
    let until = START.after(Duration::from_secs(10));
    let call = machine.next_call(START, (CallId(1), until), &mut Out::default()).unwrap();
    let called = machine.calls[&CallId(1)].members[0].seq;
    (called, call.inputs.len())
}

#[test]
fn a_probe_is_the_one_that_was_tried_least_and_the_planted_bug_takes_the_other_end() {
    assert_eq!(probe(None), (Offset(6), 1));
    assert_eq!(probe(Some(Bug::ProbesTheMostTried)), (Offset(5), 1));
}

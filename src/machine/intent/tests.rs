//! One record without a unique key, by the table: what is announced, what is called and how, what is remembered.
//! Not here: crashes and rebalances (the simulator).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test panics on purpose")]

use crate::machine::{Dice, Input, JobRead, Machine, Out, Part, Policy, Restored, Seen, Settings, Target, Verdict};
use crate::model::{
    Answer, Attempt, Call, CallEnded, CallId, Change, CommitNumber, Connection, ConnectionId, Crm, DedupeHash, Fault,
    Finding, IdempotencyKey, Incarnation, Intent, Job, Key, Keys, Message, Millis, Object, Offset, Operation,
    Properties, Reason, RecordHash, RefMark, Reply, Shard, StateKey, StateValue, Tariff, TenantHash, Usage,
};
use std::sync::Arc;
use std::time::Duration;

const NOON: Millis = Millis(1_748_779_200_000);

struct Scene {
    machine: Machine,
    connection: Arc<Connection>,
    now: Millis,
    /// What the store knows of the record.
    mark: Option<RefMark>,
    calls: u64,
    commits: u64,
}

impl Scene {
    fn new(key: Key, mark: Option<RefMark>) -> Self {
        let connection = Connection {
            id: ConnectionId { tenant: "acme".into(), name: Arc::from("pipedrive") },
            crm: Crm::HubSpot,
            batch_max: 1,
            calls_max: None,
            windows: Arc::from([]),
            tariff: Tariff::ONE_CALL,
            keys: Keys { of: &[("deal", Key::Unique)], others: key },
        };
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
        let restored = Restored { at: NOON.before(Duration::from_hours(1)), ..Restored::default() };
        let machine = Machine::new(settings, &restored, Dice(1), &mut Vec::new());
        Self { machine, connection: Arc::new(connection), now: NOON, mark, calls: 0, commits: 0 }
    }

    fn key(object: &str) -> StateKey {
        let id = ConnectionId { tenant: "acme".into(), name: Arc::from("pipedrive") };
        StateKey::Ref(id, Object(object.into()), "c1".into())
    }

    fn step(&mut self, input: Input) {
        let mut seen = Seen::default();
        seen.refs.extend(self.mark.clone().map(|it| (Self::key("contact"), it)));
        self.machine.step(self.now, &seen, input, &mut Out::default());
    }

    fn read(&mut self, number: u64, object: &str, operation: Operation) {
        let change = Change {
            object: Object(object.into()),
            external_id: "c1".into(),
            operation,
            properties: Properties(Arc::from("{}")),
        };
        let job = Job {
            tenant: "acme".into(),
            event_type: Arc::from("changed"),
            idempotency_key: IdempotencyKey::from("k"),
            occurred_at: self.now,
            connection: None,
            change,
        };
        let target = Target {
            connection: Arc::clone(&self.connection),
            tenant: TenantHash(0),
            dedupe: DedupeHash(u128::from(number)),
            record: RecordHash(1),
        };
        let message = Message { key: None, value: None, headers: Vec::new(), timestamp: self.now };
        let verdict = Verdict::Deliver { job: Arc::new(job), targets: vec![target] };
        let jobs = vec![JobRead { offset: Offset(number), message: Arc::new(message), verdict }];
        self.step(Input::Jobs { jobs, position: Offset(number + 1), spill: false });
    }

    fn call(&mut self) -> Option<Call> {
        self.calls += 1;
        let until = self.now.after(Duration::from_secs(60));
        self.machine.next_call(self.now, (CallId(self.calls), until), &mut Out::default())
    }

    fn commit(&mut self) -> Arc<Part> {
        self.commits += 1;
        let part = self.machine.seal(self.now, CommitNumber(self.commits));
        if let Some(mark) = part.puts.get(&Self::key("contact")) {
            self.mark = mark.clone().map(|it| match it {
                StateValue::Ref(mark) => mark,
                other => panic!("{other:?}"),
            });
        }
        self.step(Input::Committed);
        part
    }

    fn end(&mut self, call: &Call, reply: Reply) {
        let answer = Answer::Each(vec![reply]);
        let took = Duration::from_millis(100);
        let ended = CallEnded { id: call.id, shard: Shard(0), answer, usage: Usage::default(), took };
        self.step(Input::CallEnded(ended));
    }

    /// Announced, shown, called.
    fn announced_call(&mut self) -> Call {
        assert!(self.call().is_none(), "not before a commit says so");
        assert!(self.machine.is_urgent(), "which comes at once");
        self.commit();
        self.call().unwrap()
    }
}

fn applied() -> Reply {
    Reply::Applied { record_id: "77".to_owned(), created: true }
}

fn fault(reason: Reason) -> Fault {
    Fault { reason, status: None, code: None, message: "as told".to_owned(), retry_after: None }
}

fn known() -> Option<RefMark> {
    Some(RefMark::Known("77".into()))
}

#[test]
fn a_record_is_created_after_a_commit_has_announced_it_and_known_by_its_id_from_then_on() {
    let mut scene = Scene::new(Key::Searched, None);
    scene.read(0, "contact", Operation::Upsert);
    let call = scene.announced_call();
    assert_eq!(call.inputs[0].finding, Finding::New);
    assert!(matches!(scene.mark, Some(RefMark::Intended(it)) if it.of == Some((Offset(0), Attempt(0)))));
    scene.end(&call, applied());
    scene.commit();
    assert_eq!(scene.mark, known());
    scene.read(1, "contact", Operation::Upsert);
    let update = scene.call().unwrap();
    assert_eq!(update.inputs[0].finding, Finding::ById("77".into()), "and needs no announcement");
}

#[test]
fn an_object_with_a_unique_key_is_called_at_once() {
    let mut scene = Scene::new(Key::Searched, None);
    scene.read(0, "deal", Operation::Upsert);
    assert_eq!(scene.call().unwrap().inputs[0].finding, Finding::ByKey);
}

#[test]
fn what_follows_in_memory_hears_of_the_id_that_a_call_brought() {
    let mut scene = Scene::new(Key::Searched, None);
    scene.read(0, "contact", Operation::Upsert);
    scene.read(1, "contact", Operation::Upsert);
    let call = scene.announced_call();
    scene.end(&call, applied());
    assert_eq!(scene.call().unwrap().inputs[0].finding, Finding::ById("77".into()));
}

#[test]
fn a_lost_answer_is_followed_by_a_search_half_a_minute_later() {
    let mut scene = Scene::new(Key::Searched, None);
    scene.read(0, "contact", Operation::Upsert);
    let call = scene.announced_call();
    scene.end(&call, Reply::Transient(fault(Reason::Timeout)));
    let part = scene.commit();
    assert_eq!(part.released[0].due, scene.now.after(Duration::from_secs(30)), "a search may lag");
    assert_eq!(part.released[0].delivery.attempt, Attempt(1));
    assert_eq!(scene.mark, Some(RefMark::Intended(Intent { of: None, landed_by: scene.now })));
}

#[test]
fn a_definite_refusal_takes_the_announcement_back() {
    for reply in [
        Reply::Transient(fault(Reason::RateLimited)),
        Reply::Permanent(fault(Reason::BadRequest)),
        Reply::Account(fault(Reason::Unauthorized)),
    ] {
        let mut scene = Scene::new(Key::Searched, None);
        scene.read(0, "contact", Operation::Upsert);
        let call = scene.announced_call();
        scene.end(&call, reply.clone());
        scene.commit();
        assert_eq!(scene.mark, None, "{reply:?}");
    }
}

#[test]
fn a_call_that_nobody_heard_of_counts_as_an_attempt() {
    let landed_by = NOON.before(Duration::from_secs(5));
    let lost = RefMark::Intended(Intent { of: Some((Offset(0), Attempt(0))), landed_by });
    let mut scene = Scene::new(Key::Searched, Some(lost));
    scene.read(0, "contact", Operation::Upsert);
    assert!(scene.call().is_none());
    let part = scene.commit();
    let delivery = &part.released[0].delivery;
    assert_eq!((delivery.attempt, &*delivery.history.0[0].result), (Attempt(1), "outcome_unknown"));
    assert_eq!(part.released[0].due, landed_by.after(Duration::from_secs(30)));
    assert_eq!(scene.mark, Some(RefMark::Intended(Intent { of: None, landed_by })), "and it counts once");
}

#[test]
fn another_job_of_a_record_in_doubt_waits_for_the_search_and_is_not_counted() {
    let doubt = |seconds| RefMark::Intended(Intent { of: None, landed_by: NOON.before(Duration::from_secs(seconds)) });
    let mut early = Scene::new(Key::Searched, Some(doubt(10)));
    early.read(3, "contact", Operation::Upsert);
    assert!(early.call().is_none());
    let part = early.commit();
    assert_eq!(part.released[0].due, NOON.after(Duration::from_secs(20)));
    assert_eq!(part.released[0].delivery.attempt, Attempt(0));
    let mut late = Scene::new(Key::Searched, Some(doubt(30)));
    late.read(3, "contact", Operation::Upsert);
    assert_eq!(late.announced_call().inputs[0].finding, Finding::Search);
}

#[test]
fn what_cannot_be_searched_for_dies_with_its_outcome_unknown_and_may_be_replayed() {
    let mut scene = Scene::new(Key::None, None);
    scene.read(0, "contact", Operation::Upsert);
    let call = scene.announced_call();
    scene.end(&call, Reply::Transient(fault(Reason::Timeout)));
    let part = scene.commit();
    assert_eq!((part.dead[0].reason, part.dead[0].exhausted), (Reason::OutcomeUnknown, false));
    assert_eq!(scene.mark, None, "whoever replays it has looked");
}

#[test]
fn a_record_that_is_gone_is_looked_for_anew() {
    let mut scene = Scene::new(Key::Searched, known());
    scene.read(0, "contact", Operation::Upsert);
    let call = scene.call().unwrap();
    scene.end(&call, Reply::Gone(fault(Reason::NotFound)));
    let part = scene.commit();
    assert_eq!(part.released[0].delivery.attempt, Attempt(1));
    assert_eq!(scene.mark, Some(RefMark::Intended(Intent { of: None, landed_by: scene.now })));
}

#[test]
fn what_is_archived_is_forgotten() {
    let mut scene = Scene::new(Key::Searched, known());
    scene.read(0, "contact", Operation::Archive);
    let call = scene.call().unwrap();
    assert_eq!(call.inputs[0].finding, Finding::ById("77".into()));
    scene.end(&call, applied());
    scene.commit();
    assert_eq!(scene.mark, None);
}

#[test]
fn an_announced_call_is_not_sent_later_than_it_said() {
    let mut scene = Scene::new(Key::Searched, None);
    scene.read(0, "contact", Operation::Upsert);
    let call = scene.announced_call();
    assert_eq!(call.until, NOON.after(Duration::from_secs(20)));
    let mut slow = Scene::new(Key::Searched, None);
    slow.read(0, "contact", Operation::Upsert);
    assert!(slow.call().is_none());
    slow.now = NOON.after(Duration::from_secs(20));
    slow.commit();
    assert!(slow.call().is_none(), "the commit took too long: it is announced anew");
    assert!(slow.machine.is_urgent());
    slow.commit();
    assert_eq!(slow.call().unwrap().until, slow.now.after(Duration::from_secs(20)));
}

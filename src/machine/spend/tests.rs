//! Tokens in a whole machine: what is called, what waits, what leaves memory, and what the next commit shows.
//! Not here: a single window (`limit`), crashes (the simulator).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use crate::machine::{Dice, Input, JobRead, Machine, Out, Policy, Restored, Seen, Settings, Target, Verdict};
use crate::model::{
    Answer, Because, Call, CallEnded, CallId, Change, CommitNumber, Connection, ConnectionId, Crm, DedupeHash, Fault,
    IdempotencyKey, Incarnation, Job, Keys, Limited, Message, Millis, Object, Offset, Operation, Price, Properties,
    Reason, RecordHash, Reply, Shard, StateKey, StateValue, Tariff, TenantHash, Usage, Window, WindowWord,
};
use std::sync::Arc;
use std::time::Duration;

const NOON: Millis = Millis(1_748_779_200_000);

struct Scene {
    machine: Machine,
    connection: Arc<Connection>,
    now: Millis,
    jobs: u64,
    calls: u64,
    commits: u64,
}

impl Scene {
    /// Assigned long ago: no former owner's calls count any more.
    fn new(windows: &[Window], batch_max: usize) -> Self {
        let connection = Connection {
            id: ConnectionId { tenant: "acme".into(), name: Arc::from("hubspot") },
            crm: Crm::HubSpot,
            batch_max,
            calls_max: None,
            windows: windows.into(),
            tariff: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(0) },
            keys: Keys::UNIQUE,
        };
        let settings = Settings {
            shard: Shard(0),
            incarnation: Incarnation(1),
            idempotency_ttl: Duration::from_hours(24),
            retry: Policy { base: Duration::from_secs(5), factor: 2.0, jitter: (1.0, 1.0), retries: 5 },
            hold_after: None,
            connection_calls_max: 1_000,
            call_deadline: Duration::from_secs(10),
            window_max: 256,
            line_bytes_max: 1 << 20,
            bug: None,
        };
        let restored = Restored { at: NOON.before(Duration::from_hours(24 * 40)), ..Restored::default() };
        let machine = Machine::new(settings, &restored, Dice(1), &mut Vec::new());
        Self { machine, connection: Arc::new(connection), now: NOON, jobs: 0, calls: 0, commits: 0 }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.after(Duration::from_millis(ms));
        self.machine.tend(self.now);
    }

    fn step(&mut self, input: Input) {
        self.machine.step(self.now, &Seen::default(), input, &mut Out::default());
    }

    fn read(&mut self, count: u64) {
        let jobs = (self.jobs..self.jobs + count).map(|it| self.job(it)).collect();
        self.jobs += count;
        self.step(Input::Jobs { jobs, position: Offset(self.jobs), spill: false });
    }

    fn job(&self, number: u64) -> JobRead {
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
            occurred_at: self.now,
            connection: None,
            change,
        };
        let hash = u128::from(number);
        let target = Target {
            connection: Arc::clone(&self.connection),
            tenant: TenantHash(0),
            dedupe: DedupeHash(hash),
            record: RecordHash(hash),
        };
        let message = Message { key: None, value: None, headers: Vec::new(), timestamp: self.now };
        let verdict = Verdict::Deliver { job: Arc::new(job), targets: vec![target] };
        JobRead { offset: Offset(number), message: Arc::new(message), verdict }
    }

    fn call(&mut self) -> Option<Call> {
        self.calls += 1;
        let until = self.now.after(Duration::from_secs(10));
        self.machine.next_call(self.now, (CallId(self.calls), until), &mut Out::default())
    }

    /// Calls until there is none, each shown by a commit at once; inputs of each.
    fn call_all(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        loop {
            match self.call() {
                Some(call) => calls.push(call),
                None if self.machine.is_urgent() => drop(self.commit()),
                None => return calls,
            }
        }
    }

    fn apply(&mut self, call: &Call) {
        let reply = Reply::Applied { record_id: "1".to_owned(), created: true };
        self.end(call, Answer::Each(vec![reply; call.inputs.len()]), Usage::default());
    }

    fn end(&mut self, call: &Call, answer: Answer, usage: Usage) {
        let took = Duration::from_millis(100);
        self.step(Input::CallEnded(CallEnded { id: call.id, shard: Shard(0), answer, usage, took }));
    }

    /// What a commit shows of the connection: its units out in the first window; nothing: no word of it.
    fn commit(&mut self) -> Option<Option<u32>> {
        self.commits += 1;
        let part = self.machine.seal(self.now, CommitNumber(self.commits));
        let shown = part.puts.get(&StateKey::Connection(self.connection.id.clone())).map(|value| match value {
            Some(StateValue::Connection(mark)) => Some(mark.windows[0].out),
            _ => None,
        });
        drop(part);
        self.step(Input::Committed);
        shown
    }

    fn waiting(&self, because: Because) -> u64 {
        self.machine.gauges().waiting.get(&because).copied().unwrap_or(0)
    }
}

fn refusal() -> Fault {
    Fault { reason: Reason::BadRequest, status: Some(400), code: None, message: String::new(), retry_after: None }
}

fn ten_seconds(cap: u32) -> Window {
    Window::rolling(cap, Duration::from_secs(10))
}

#[test]
fn what_cannot_be_called_within_a_second_does_not_stay_in_memory() {
    let mut scene = Scene::new(&[ten_seconds(3)], 10);
    scene.read(100);
    assert_eq!((scene.machine.gauges().in_memory, scene.waiting(Because::RateLimit)), (30, 70));
    let calls = scene.call_all();
    assert_eq!(calls.iter().map(|it| it.inputs.len()).collect::<Vec<_>>(), [10, 10, 10]);
    scene.read(5);
    assert_eq!((scene.machine.gauges().in_memory, scene.waiting(Because::RateLimit)), (0, 75), "behind what waits");
}

#[test]
fn nothing_is_called_without_a_token_and_the_loop_wakes_when_one_is_back() {
    let mut scene = Scene::new(&[ten_seconds(2)], 1);
    scene.read(2);
    let calls = scene.call_all();
    assert_eq!(calls.len(), 2);
    scene.pass(100);
    calls.iter().for_each(|it| scene.apply(it));
    // A second before the tokens are back, what comes may stay.
    scene.pass(9_500);
    scene.read(1);
    assert_eq!(scene.machine.gauges().in_memory, 1);
    assert!(scene.call().is_none());
    let wake = scene.machine.next_token_at().unwrap();
    assert!(NOON.after(Duration::from_millis(10_100)) <= wake && wake <= NOON.after(Duration::from_millis(10_180)));
    let left = u64::try_from(wake.since(scene.now).as_millis()).unwrap();
    scene.pass(left - 1);
    assert!(scene.call_all().is_empty());
    scene.pass(1);
    assert_eq!(scene.call_all().len(), 1);
}

#[test]
fn a_refusal_for_long_empties_memory() {
    let window = ten_seconds(50);
    let mut scene = Scene::new(&[window], 1);
    scene.read(40);
    let call = scene.call().unwrap();
    let fault = Fault { reason: Reason::RateLimited, status: Some(429), ..refusal() };
    let word = WindowWord { per: window.name.per, searches: false };
    let limited = Some(Limited { window: Some(word), wait: Some(Duration::from_secs(120)) });
    scene.end(&call, Answer::Failed(fault), Usage { limited, ..Usage::default() });
    assert!(scene.call_all().is_empty());
    assert_eq!((scene.machine.gauges().in_memory, scene.waiting(Because::RateLimit)), (0, 39));
    assert_eq!(scene.waiting(Because::Retry), 1);
}

/// Else a call with a bad input would be made as large again each time there is a token, for ever.
#[test]
fn a_refused_call_becomes_smaller_across_a_wait_for_tokens() {
    let mut scene = Scene::new(&[ten_seconds(2)], 100);
    scene.read(3);
    for _ in 0..2 {
        let calls = scene.call_all();
        assert_eq!(calls.iter().map(|it| it.inputs.len()).collect::<Vec<_>>(), [3]);
        scene.end(&calls[0], Answer::Refused(refusal()), Usage::default());
    }
    assert!(scene.call_all().is_empty());
    assert_eq!(scene.machine.gauges().in_memory, 3);
    scene.pass(10_200);
    assert_eq!(scene.call_all().iter().map(|it| it.inputs.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn the_commit_is_urgent_when_no_more_may_start_unseen_and_shows_what_is_out() {
    let mut scene = Scene::new(&[ten_seconds(100)], 1);
    scene.read(20);
    let calls: Vec<Call> = std::iter::from_fn(|| scene.call()).collect();
    assert_eq!(calls.len(), 6, "an eighth of the 50 archives that the window takes");
    assert!(scene.machine.is_urgent());
    assert_eq!(scene.commit(), Some(Some(6)));
    assert!(!scene.machine.is_urgent());
    assert!(scene.call().is_some());
    assert_eq!(scene.commit(), None, "nothing ended and the bound is far");
    calls.iter().for_each(|it| scene.apply(it));
    assert_eq!(scene.commit(), Some(Some(1)));
    scene.pass(60_000);
    assert_eq!(scene.commit(), None, "a call is out still");
}

#[test]
fn a_record_that_says_nothing_any_more_goes() {
    let mut scene = Scene::new(&[ten_seconds(100)], 1);
    scene.read(1);
    let call = scene.call().unwrap();
    scene.apply(&call);
    assert_eq!(scene.commit(), Some(Some(0)));
    assert!(!scene.machine.is_dirty());
    scene.pass(60_000);
    assert!(scene.machine.is_dirty());
    assert_eq!(scene.commit(), Some(None));
    scene.pass(60_000);
    assert!(!scene.machine.is_dirty());
}

#[test]
fn while_a_day_is_used_too_fast_a_call_waits_a_second_for_company() {
    let day = Window::rolling(160, Duration::from_hours(24));
    let mut scene = Scene::new(&[day], 10);
    scene.read(100);
    for call in scene.call_all() {
        scene.apply(&call);
    }
    scene.read(1);
    let eleventh = scene.call_all();
    assert_eq!(eleventh.len(), 1, "ten calls are a sixteenth of the day");
    scene.apply(&eleventh[0]);
    scene.read(3);
    assert!(scene.call_all().is_empty());
    assert_eq!(scene.machine.next_token_at(), Some(scene.now.after(Duration::from_secs(1))));
    scene.pass(500);
    scene.read(7);
    let full = scene.call_all();
    assert_eq!(full[0].inputs.len(), 10, "a full one goes at once");
    scene.apply(&full[0]);
    scene.read(3);
    scene.pass(1);
    assert!(scene.call_all().is_empty());
    scene.pass(1_000);
    assert_eq!(scene.call_all()[0].inputs.len(), 3, "alone for long enough");
}

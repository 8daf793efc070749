//! One instance of the log with everything it said, in order.
//! Not here: what it should say.

use sluicegate::kafka::{KafkaLog, KafkaSettings};
use sluicegate::model::{Commit, Offset, Received, Shard, Topic};
use sluicegate::ports::{Assignment, Event, Fate, Log, LogEvent};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than a session: a test that waits for a fail-over gets it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Instance {
    pub(crate) log: KafkaLog,
    events: Receiver<LogEvent>,
    /// Said while something else was waited for.
    passed: Vec<LogEvent>,
}

impl Instance {
    pub(crate) fn start(settings: &KafkaSettings) -> Self {
        let (said, events) = channel();
        let said = Mutex::new(said);
        let listener = move |event: Event| {
            if let Event::Log(event) = event {
                said.lock().unwrap().send(event).unwrap_or_default();
            }
        };
        let log = KafkaLog::start(settings.clone(), Arc::new(listener)).unwrap();
        Self { log, events, passed: Vec::new() }
    }

    /// The first event that `pick` takes, be it said before or still to come.
    pub(crate) fn expect<T>(&mut self, what: &str, mut pick: impl FnMut(&LogEvent) -> Option<T>) -> T {
        if let Some(at) = self.passed.iter().position(|event| pick(event).is_some()) {
            let event = self.passed.remove(at);
            return pick(&event).unwrap();
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no {what}; said: {:?}", self.passed));
            match pick(&event) {
                Some(picked) => return picked,
                None => self.passed.push(event),
            }
        }
    }

    /// Waits until exactly these shards were assigned, over however many events.
    pub(crate) fn assigned(&mut self, count: usize) -> BTreeMap<Shard, Assignment> {
        let mut all = BTreeMap::new();
        while all.len() < count {
            let some = self.expect("assignment", |event| match event {
                LogEvent::Assigned(assignments) => Some(assignments.clone()),
                _ => None,
            });
            all.extend(some.into_iter().map(|it| (it.shard, it)));
        }
        all
    }

    /// Reads one topic of one shard until its position reaches `end`; returns messages and the last position.
    pub(crate) fn read_to(&mut self, shard: Shard, topic: Topic, end: Offset) -> (Vec<Received>, Offset) {
        let mut read = Vec::new();
        loop {
            let (more, position) = self.messages(shard, topic);
            read.extend(more);
            if position >= end {
                return (read, position);
            }
        }
    }

    /// The next `Messages` of one topic of one shard.
    pub(crate) fn messages(&mut self, of: Shard, from: Topic) -> (Vec<Received>, Offset) {
        self.expect(&format!("messages of {from:?}/{of}"), |event| match event {
            LogEvent::Messages { shard, topic, messages, position } if *shard == of && *topic == from => {
                Some((messages.clone(), *position))
            }
            _ => None,
        })
    }

    pub(crate) fn commit(&mut self, commit: &Arc<Commit>) -> Fate {
        self.log.commit(Arc::clone(commit));
        let wanted = commit.number;
        self.expect("end of the commit", |event| match event {
            LogEvent::CommitEnded { number, fate } if *number == wanted => Some(fate.clone()),
            _ => None,
        })
    }

    /// Leaves; returns what was said after everything else was waited for.
    pub(crate) fn leave(mut self) -> Duration {
        let began = Instant::now();
        self.log.leave();
        self.expect("farewell", |event| matches!(event, LogEvent::Closed).then_some(()));
        let took = began.elapsed();
        assert!(self.events.recv_timeout(Duration::from_millis(300)).is_err(), "something was said after `Closed`");
        took
    }

    /// What was said within `span` of now, and before.
    pub(crate) fn all_said(&mut self, span: Duration) -> Vec<LogEvent> {
        let until = Instant::now() + span;
        while let Ok(event) = self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.passed.push(event);
        }
        std::mem::take(&mut self.passed)
    }
}

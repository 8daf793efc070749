//! What the embedded log promises, on a real disk.
//! Not here: what the messages mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod commits;
mod crash;
mod faults;
mod reading;
mod tidying;

use super::{EmbeddedFault, EmbeddedLog, NewJob, Producer, Retention, Settings};
use crate::model::{Commit, CommitNumber, Offset, Outgoing, Received, Shard, ShardCommit, Tier, Topic};
use crate::ports::{Event, Fate, LogEvent};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

const DELAY: Topic = Topic::Delay(Tier::S5);
/// Long enough for any disk; a test that waits for nothing fails after it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running log and what it says.
struct Node {
    log: EmbeddedLog,
    producer: Producer,
    events: Receiver<Event>,
}

fn settings(dir: &Path, shards: u32) -> Settings {
    Settings {
        dir: dir.to_owned(),
        shards,
        // The first byte of the key names the shard.
        partitioner: |key, shards| Shard(u32::from(key[0]) % shards),
        retention: Retention::default(),
    }
}

fn start(dir: &TempDir, shards: u32) -> Node {
    start_in(dir.path(), shards).unwrap()
}

fn start_in(dir: &Path, shards: u32) -> Result<Node, EmbeddedFault> {
    let (sender, events) = channel();
    let (log, producer) = EmbeddedLog::start(&settings(dir, shards), Arc::new(move |event| drop(sender.send(event))))?;
    Ok(Node { log, producer, events })
}

fn node(shards: u32) -> (TempDir, Node) {
    let dir = TempDir::new().unwrap();
    let node = start(&dir, shards);
    (dir, node)
}

impl Node {
    fn next(&self) -> LogEvent {
        match self.events.recv_timeout(PATIENCE).expect("the log says nothing") {
            Event::Log(event) => event,
            Event::CallEnded(_) | Event::AccessChanged(_) | Event::Tenants(_) | Event::Explain(_) | Event::Drain => {
                panic!("no event of a log")
            }
        }
    }

    fn assigned(&self) -> Vec<crate::ports::Assignment> {
        match self.next() {
            LogEvent::Assigned(all) => all,
            other => panic!("not assigned first: {other:?}"),
        }
    }

    /// Messages of one topic of one shard until its position has reached `end`; others are passed over.
    fn until(&self, topic: Topic, shard: Shard, end: u64) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            if let LogEvent::Messages { shard: of, topic: at, messages, position } = self.next()
                && (of, at) == (shard, topic)
            {
                all.extend(messages);
                if position.0 >= end {
                    return all;
                }
            }
        }
    }

    fn fate(&self) -> (CommitNumber, Fate) {
        loop {
            if let LogEvent::CommitEnded { number, fate } = self.next() {
                return (number, fate);
            }
        }
    }

    fn append(&self, values: &[&str]) -> Vec<(Shard, Offset)> {
        self.producer.append(values.iter().map(|it| job(it)).collect()).unwrap()
    }
}

/// Its key and its value are the text: the first byte decides the shard.
fn job(text: &str) -> NewJob {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    NewJob { key: Some(bytes.clone()), value: bytes, headers: Vec::new() }
}

fn outgoing(topic: Topic, shard: Shard, key: &str, value: Option<&str>) -> Outgoing {
    let bytes = |it: &str| Bytes::copy_from_slice(it.as_bytes());
    Outgoing { topic, shard, key: Some(bytes(key)), value: value.map(bytes), headers: Vec::new(), timestamp: None }
}

fn commit(number: u64, parts: Vec<(Shard, u64, Vec<Outgoing>)>) -> Arc<Commit> {
    let part = |(shard, offset, messages)| (shard, ShardCommit { group_offset: Offset(offset), messages });
    Arc::new(Commit { number: CommitNumber(number), shards: parts.into_iter().map(part).collect() })
}

fn texts(messages: &[Received]) -> Vec<String> {
    let text = |it: &Received| String::from_utf8(it.message.value.clone().unwrap_or_default().to_vec()).unwrap();
    messages.iter().map(text).collect()
}

fn offsets(messages: &[Received]) -> Vec<u64> {
    messages.iter().map(|it| it.offset.0).collect()
}

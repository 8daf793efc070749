//! What is delivered, from where, in which order, and when not.
//! Not here: commits (`commits`), deletion (`tidying`).

use super::{DELAY, PATIENCE, commit, job, node, offsets, outgoing, start, texts};
use crate::embedded::EmbeddedFault;
use crate::model::{Header, Offset, Shard, Topic};
use crate::ports::{Log, LogEvent};
use bytes::Bytes;
use std::collections::BTreeMap;

#[test]
fn all_shards_are_assigned_at_once_and_a_new_log_is_empty() {
    let (_dir, node) = node(3);
    let all = node.assigned();
    assert_eq!(all.iter().map(|it| it.shard.0).collect::<Vec<_>>(), [0, 1, 2]);
    for assignment in &all {
        assert_eq!(assignment.group_offset, None);
        assert_eq!(assignment.shards, 3);
        assert!(assignment.starts.values().chain(assignment.ends.values()).all(|it| *it == Offset(0)));
        assert_eq!(assignment.starts.len(), Topic::ALL.len());
        assert_eq!(assignment.ends.len(), 8);
    }
}

#[test]
fn jobs_are_delivered_in_order_and_new_ones_as_they_come() {
    let (_dir, mut node) = node(2);
    assert_eq!(
        node.append(&["\0a", "\x01b", "\0c"]),
        [(Shard(0), Offset(0)), (Shard(1), Offset(0)), (Shard(0), Offset(1))]
    );
    node.log.read_jobs(Shard(0), Offset(0));
    assert_eq!(texts(&node.until(Topic::Jobs, Shard(0), 2)), ["\0a", "\0c"]);
    node.append(&["\0d"]);
    let later = node.until(Topic::Jobs, Shard(0), 3);
    assert_eq!((texts(&later), offsets(&later)), (vec!["\0d".to_owned()], vec![2]));
}

#[test]
fn a_message_comes_back_byte_for_byte() {
    let (_dir, mut node) = node(1);
    let mut sent = job("\0k");
    let header =
        |name: &str, value: Option<&[u8]>| Header { name: name.to_owned(), value: value.map(Bytes::copy_from_slice) };
    sent.headers = vec![header("a", Some(&[0, 255])), header("a", None), header("", Some(&[]))];
    node.producer.append(vec![sent.clone()]).unwrap();
    let mut stamped = outgoing(Topic::Jobs, Shard(0), "", None);
    stamped.key = None;
    stamped.timestamp = Some(crate::model::Millis(42));
    node.producer.send(vec![stamped]).unwrap();
    node.log.read_jobs(Shard(0), Offset(0));
    let got = node.until(Topic::Jobs, Shard(0), 2);
    assert_eq!((&got[0].message.key, &got[0].message.value), (&sent.key, &Some(sent.value)));
    assert_eq!(got[0].message.headers, sent.headers);
    assert!(got[0].message.timestamp.0 > 1_700_000_000_000);
    assert_eq!((&got[1].message.key, &got[1].message.value, got[1].message.timestamp.0), (&None, &None, 42));
}

#[test]
fn jobs_without_a_key_take_turns_over_the_shards() {
    let (_dir, node) = node(3);
    let keyless = || super::NewJob { key: None, ..job("x") };
    let places = node.producer.append((0..6).map(|_| keyless()).collect()).unwrap();
    let mut shards: Vec<u32> = places.iter().map(|(shard, _)| shard.0).collect();
    shards.sort_unstable();
    assert_eq!(shards, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn open_reads_changelogs_and_delay_topics_and_tells_the_position_of_empty_ones() {
    let (_dir, mut node) = node(1);
    node.assigned();
    let shard = Shard(0);
    let messages = vec![outgoing(Topic::State, shard, "k", Some("v")), outgoing(DELAY, shard, "d", Some("w"))];
    node.log.commit(commit(1, vec![(shard, 0, messages)]));
    node.fate();
    node.log.open(shard, BTreeMap::new());
    let mut found = BTreeMap::new();
    while found.len() < 7 {
        let LogEvent::Messages { topic, messages, position, .. } = node.next() else { panic!("no message") };
        assert_eq!(found.insert(topic, (texts(&messages), position.0)), None, "told once");
    }
    assert_eq!(found[&Topic::State], (vec!["v".to_owned()], 1));
    assert_eq!(found[&DELAY], (vec!["w".to_owned()], 1));
    assert_eq!(found[&Topic::Applied], (Vec::new(), 0));
}

#[test]
fn open_starts_where_it_is_told_and_at_the_start_where_that_no_longer_exists() {
    let (_dir, mut node) = node(1);
    let shard = Shard(0);
    let states = ["a", "b", "c"].map(|it| outgoing(Topic::State, shard, it, Some(it)));
    node.log.commit(commit(1, vec![(shard, 0, states.to_vec())]));
    node.fate();
    for (from, expected) in [(1, vec!["b", "c"]), (3, vec![]), (99, vec!["a", "b", "c"])] {
        node.log.open(shard, BTreeMap::from([(Topic::State, Offset(from))]));
        assert_eq!(texts(&node.until(Topic::State, shard, 3)), expected, "from {from}");
    }
}

#[test]
fn an_unwanted_topic_rests_and_goes_on_where_it_stopped() {
    let (_dir, mut node) = node(1);
    node.append(&["\0a"]);
    node.log.read_jobs(Shard(0), Offset(0));
    node.until(Topic::Jobs, Shard(0), 1);
    node.log.want(Shard(0), Topic::Jobs, false);
    node.append(&["\0b", "\0c"]);
    // Another topic is delivered after the append: had jobs been wanted, they would have come before.
    node.log.settle(Shard(0), Offset(0));
    let LogEvent::Tail { messages, .. } = node.next() else { panic!("jobs came unwanted") };
    assert_eq!(messages, []);
    node.log.want(Shard(0), Topic::Jobs, true);
    assert_eq!(texts(&node.until(Topic::Jobs, Shard(0), 3)), ["\0b", "\0c"]);
}

#[test]
fn reading_jobs_again_starts_at_the_new_offset_and_drops_the_old_read() {
    let (_dir, mut node) = node(1);
    let many: Vec<String> = (0..2_000).map(|it| format!("\0{it}")).collect();
    node.append(&many.iter().map(String::as_str).collect::<Vec<_>>());
    node.assigned();
    node.log.read_jobs(Shard(0), Offset(0));
    node.log.read_jobs(Shard(0), Offset(1_990));
    let mut read = Vec::new();
    while read.last() != Some(&1_999) {
        let LogEvent::Messages { messages, .. } = node.next() else { panic!("no message") };
        read.extend(offsets(&messages));
    }
    // One batch of the first read may have been handed over before the second began; none after it.
    let restart = read.iter().position(|it| *it == 1_990).unwrap();
    assert!(restart <= 500, "{restart} of the old read");
    assert_eq!(read[restart..], (1_990..2_000).collect::<Vec<u64>>());
    node.append(&["\0new"]);
    assert_eq!(offsets(&node.until(Topic::Jobs, Shard(0), 2_001)), [2_000]);
}

#[test]
fn a_batch_has_at_most_five_hundred_messages_and_a_mebibyte() {
    let (_dir, mut node) = node(1);
    node.assigned();
    let big = "\0".repeat(300 << 10);
    node.append(&[&big, &big, &big, &big, &big]);
    node.append(&vec!["\0s"; 1_200]);
    node.log.read_jobs(Shard(0), Offset(0));
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 1_205 {
        let LogEvent::Messages { messages, .. } = node.next() else { panic!("no message") };
        assert!(messages.iter().map(|it| it.message.size()).sum::<usize>() <= 1 << 20);
        sizes.push(messages.len());
    }
    assert!(sizes.iter().all(|it| (1..=500).contains(it)), "{sizes:?}");
}

#[test]
fn a_long_topic_does_not_keep_another_shard_waiting() {
    let (_dir, mut node) = node(2);
    node.assigned();
    node.append(&vec!["\0s"; 5_000]);
    node.append(&["\x01one"]);
    node.log.read_jobs(Shard(0), Offset(0));
    node.log.read_jobs(Shard(1), Offset(0));
    let mut before = 0;
    while let LogEvent::Messages { shard: Shard(0), .. } = node.next() {
        before += 1;
    }
    assert!(before <= 2, "{before} batches of the long one came first");
}

#[test]
fn a_log_that_is_left_says_so_last() {
    let (_dir, mut node) = node(2);
    node.append(&["\0a"]);
    node.assigned();
    for shard in [Shard(0), Shard(1)] {
        node.log.open(shard, BTreeMap::new());
        node.log.read_jobs(shard, Offset(0));
    }
    node.log.commit(commit(1, vec![(Shard(0), 1, Vec::new())]));
    node.log.close(&[Shard(0)]);
    node.log.leave();
    node.log.commit(commit(2, vec![(Shard(0), 1, Vec::new())]));
    let mut ended = Vec::new();
    loop {
        match node.next() {
            LogEvent::CommitEnded { number, .. } => ended.push(number.0),
            LogEvent::Closed => break,
            _ => {}
        }
    }
    assert_eq!(ended, [1]);
    node.append(&["\0b"]);
    node.log.shutdown();
    assert!(node.events.recv_timeout(PATIENCE).is_err(), "an event after the last");
    assert_eq!(node.producer.append(vec![job("\0c")]), Err(EmbeddedFault::Closed));
}

#[test]
fn a_restarted_log_knows_all_it_had() {
    let (dir, mut node) = node(2);
    node.append(&["\0a", "\x01b", "\x01c"]);
    let identity = node.assigned()[0].identity.clone();
    node.log.commit(commit(1, vec![(Shard(1), 1, vec![outgoing(DELAY, Shard(1), "d", Some("w"))])]));
    node.fate();
    node.log.shutdown();
    let mut node = start(&dir, 2);
    let all = node.assigned();
    assert!(all.iter().all(|it| it.identity == identity));
    assert_eq!((all[0].group_offset, all[1].group_offset), (None, Some(Offset(1))));
    assert_eq!(
        (all[0].ends[&Topic::Jobs], all[1].ends[&Topic::Jobs], all[1].ends[&DELAY]),
        (Offset(1), Offset(2), Offset(1))
    );
    node.log.read_jobs(Shard(1), Offset(1));
    assert_eq!(texts(&node.until(Topic::Jobs, Shard(1), 2)), ["\x01c"]);
}

#[test]
fn a_new_log_has_a_new_identity() {
    let (_one, first) = node(1);
    let (_two, second) = node(1);
    assert_ne!(first.assigned()[0].identity, second.assigned()[0].identity);
}

//! Commits and appends: whole, durable, answered; and what is refused.
//! Not here: kills (`crash`).

use super::{DELAY, commit, job, node, offsets, outgoing, settings, start, texts};
use crate::embedded::{EmbeddedFault, EmbeddedLog, NewJob};
use crate::model::{CommitNumber, Offset, Shard, Topic};
use crate::ports::{Culprit, Fate, Log, LogEvent};
use bytes::Bytes;
use std::collections::BTreeMap;

#[test]
fn a_commit_is_answered_with_the_ends_of_the_changelogs_it_wrote() {
    let (_dir, mut node) = node(2);
    let messages = vec![
        outgoing(Topic::State, Shard(1), "a", Some("1")),
        outgoing(Topic::State, Shard(1), "b", None),
        outgoing(Topic::Applied, Shard(1), "c", Some("1")),
        outgoing(DELAY, Shard(1), "d", Some("1")),
        outgoing(Topic::Jobs, Shard(0), "forwarded", Some("1")),
    ];
    node.log.commit(commit(7, vec![(Shard(0), 3, Vec::new()), (Shard(1), 5, messages)]));
    let (number, fate) = node.fate();
    assert_eq!(number, CommitNumber(7));
    let Fate::Committed { ends } = fate else { panic!("not committed: {fate:?}") };
    let expected = [((Shard(1), Topic::State), Offset(2)), ((Shard(1), Topic::Applied), Offset(1))];
    assert_eq!(ends, BTreeMap::from(expected));
    let reader = node.log.reader();
    assert_eq!((reader.group_offset(Shard(0)), reader.group_offset(Shard(1))), (Some(Offset(3)), Some(Offset(5))));
    assert_eq!(reader.end(Topic::Jobs, Shard(0)), Offset(1));
    let (read, position) = reader.read(Topic::State, Shard(1), Offset(0), 10).unwrap();
    assert_eq!((texts(&read), position), (vec!["1".to_owned(), String::new()], Offset(2)));
}

#[test]
fn a_commit_that_was_handed_in_again_is_written_again() {
    let (_dir, mut node) = node(1);
    let same = commit(1, vec![(Shard(0), 0, vec![outgoing(DELAY, Shard(0), "d", Some("1"))])]);
    for expected in 1..=2 {
        node.log.commit(same.clone());
        assert!(matches!(node.fate().1, Fate::Committed { .. }));
        assert_eq!(node.log.reader().end(DELAY, Shard(0)), Offset(expected));
    }
}

#[test]
fn a_commit_with_one_message_that_is_too_large_is_refused_whole() {
    let (_dir, mut node) = node(1);
    let huge = "x".repeat((1 << 20) + (192 << 10) + 1);
    let messages = vec![outgoing(DELAY, Shard(0), "", Some("1")), outgoing(DELAY, Shard(0), "", Some(&huge))];
    node.log.commit(commit(1, vec![(Shard(0), 9, messages)]));
    let (_, fate) = node.fate();
    let Fate::Refused { culprit, .. } = fate else { panic!("not refused: {fate:?}") };
    assert_eq!(culprit, Some(Culprit { shard: Shard(0), index: 1 }));
    let reader = node.log.reader();
    assert_eq!((reader.end(DELAY, Shard(0)), reader.group_offset(Shard(0))), (Offset(0), None));
}

#[test]
fn a_commit_to_a_shard_that_does_not_exist_is_refused() {
    let (_dir, mut node) = node(1);
    node.log.commit(commit(1, vec![(Shard(0), 0, vec![outgoing(Topic::Jobs, Shard(1), "a", Some("1"))])]));
    assert!(matches!(node.fate().1, Fate::Refused { culprit: None, .. }));
    node.log.commit(commit(2, vec![(Shard(1), 0, Vec::new())]));
    assert!(matches!(node.fate().1, Fate::Refused { culprit: None, .. }));
}

#[test]
fn an_empty_commit_is_committed() {
    let (_dir, mut node) = node(1);
    for number in 1..=2 {
        node.log.commit(commit(number, vec![(Shard(0), 0, Vec::new())]));
        assert!(matches!(node.fate().1, Fate::Committed { .. }));
    }
    assert_eq!(node.log.reader().group_offset(Shard(0)), Some(Offset(0)));
}

#[test]
fn settle_reads_the_changelog_to_its_end_in_one_piece() {
    let (_dir, mut node) = node(1);
    let many = (0..1_200).map(|it| outgoing(Topic::State, Shard(0), &it.to_string(), Some("1"))).collect();
    node.log.commit(commit(1, vec![(Shard(0), 0, many)]));
    node.fate();
    node.log.settle(Shard(0), Offset(100));
    let LogEvent::Tail { shard, messages } = node.next() else { panic!("no tail") };
    assert_eq!((shard, offsets(&messages)), (Shard(0), (100..1_200).collect()));
}

#[test]
fn a_job_that_is_too_large_appends_nothing() {
    let (_dir, node) = node(1);
    let huge = NewJob { value: Bytes::from(vec![b'x'; 2 << 20]), ..job("\0k") };
    let fault = node.producer.append(vec![job("\0a"), huge]).unwrap_err();
    assert!(matches!(fault, EmbeddedFault::TooLarge { .. }));
    assert_eq!(node.log.reader().end(Topic::Jobs, Shard(0)), Offset(0));
    assert_eq!(node.producer.append(Vec::new()), Ok(Vec::new()));
}

#[test]
fn a_message_for_a_shard_that_does_not_exist_is_not_sent() {
    let (_dir, node) = node(1);
    let stray = outgoing(DELAY, Shard(4), "k", Some("v"));
    assert_eq!(node.producer.send(vec![stray]), Err(EmbeddedFault::NoSuchShard(4)));
}

#[test]
fn many_threads_append_at_once_and_each_job_has_a_place_of_its_own() {
    let (_dir, node) = node(4);
    let threads: Vec<_> = (0..8_u8)
        .map(|thread| {
            let producer = node.producer.clone();
            std::thread::spawn(move || {
                let jobs =
                    |round: u8| (0..5_u8).map(|it| job(&format!("{}{thread}/{round}/{it}", char::from(it)))).collect();
                (0..20_u8).flat_map(|round| producer.append(jobs(round)).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut places: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 8 * 20 * 5);
    let reader = node.log.reader();
    let ends: u64 = (0..4).map(|it| reader.end(Topic::Jobs, Shard(it)).0).sum();
    assert_eq!(ends, 800);
}

#[test]
fn a_group_offset_set_while_no_node_runs_is_where_the_next_one_starts() {
    let (dir, mut node) = node(2);
    node.append(&["\0a", "\0b"]);
    node.log.commit(commit(1, vec![(Shard(0), 2, Vec::new())]));
    node.fate();
    let settings = settings(dir.path(), 2);
    let set = |shard, offset| EmbeddedLog::set_group_offset(&settings, Shard(shard), Offset(offset));
    assert!(matches!(set(0, 1), Err(EmbeddedFault::InUse { .. })));
    node.log.shutdown();
    assert_eq!(set(0, 3), Err(EmbeddedFault::NotInLog { offset: 3, start: 0, end: 2 }));
    assert_eq!(set(2, 0), Err(EmbeddedFault::NoSuchShard(2)));
    assert_eq!(set(0, 1), Ok(()));
    assert_eq!(start(&dir, 2).assigned()[0].group_offset, Some(Offset(1)));
}

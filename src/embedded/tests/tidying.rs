//! What is deleted when, and that nothing else is.
//! Not here: when the janitor comes by.

use super::super::clean::{self, Cleaned, Effort};
use super::super::disk::Disk;
use super::super::key;
use super::super::page::Page;
use super::super::retain::{Retention, served};
use super::super::writer::{Task, now};
use super::{DELAY, Node, commit, node, offsets, outgoing, start};
use crate::model::{Millis, Offset, Shard, Topic};
use crate::ports::Log;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

const SHARD: Shard = Shard(0);
const HOUR: Duration = Duration::from_hours(1);

/// Deletes below `below` as the janitor does and waits until it is done.
fn trim(node: &mut Node, topic: Topic, below: u64) {
    node.log.tasks.send(Task::Trim(BTreeMap::from([((topic, SHARD), Offset(below))]))).unwrap();
    node.log.commit(commit(99, Vec::new()));
    node.fate();
}

#[test]
fn purged_messages_are_gone_and_their_offsets_are_never_given_again() {
    for count in [3, 700] {
        let (dir, mut node) = node(1);
        let messages = (0..count).map(|it| outgoing(DELAY, SHARD, "k", Some(&it.to_string()))).collect();
        node.log.commit(commit(1, vec![(SHARD, 0, messages)]));
        node.fate();
        trim(&mut node, DELAY, count - 1);
        let reader = node.log.reader();
        assert_eq!(reader.start(DELAY, SHARD), Offset(count - 1));
        assert_eq!(offsets(&reader.read(DELAY, SHARD, Offset(0), 9_999).unwrap().0), [count - 1]);
        trim(&mut node, DELAY, u64::MAX);
        assert_eq!(offsets(&reader.read(DELAY, SHARD, Offset(0), 9_999).unwrap().0), Vec::<u64>::new());
        drop(reader);
        node.log.shutdown();
        let mut node = start(&dir, 1);
        node.log.commit(commit(2, vec![(SHARD, 0, vec![outgoing(DELAY, SHARD, "k", Some("new"))])]));
        node.fate();
        let reader = node.log.reader();
        assert_eq!((reader.start(DELAY, SHARD), reader.end(DELAY, SHARD)), (Offset(count), Offset(count + 1)));
        node.log.disk.reclaim((DELAY, SHARD), Offset(count)).unwrap();
        assert_eq!(offsets(&reader.read(DELAY, SHARD, Offset(0), 10).unwrap().0), [count]);
    }
}

#[test]
fn a_purge_takes_back_nothing_and_touches_delay_topics_only() {
    let (_dir, mut node) = node(1);
    for (topic, below) in [(DELAY, 5), (DELAY, 3), (Topic::Jobs, 9), (Topic::State, 9)] {
        node.log.purge(SHARD, topic, Offset(below));
    }
    assert_eq!(node.log.board.take_purges(), BTreeMap::from([((DELAY, SHARD), Offset(5))]));
    assert_eq!(node.log.board.take_purges(), BTreeMap::new());
}

#[test]
fn a_job_that_the_group_has_not_passed_is_never_deleted() {
    let (_dir, mut node) = node(1);
    node.append(&["\0a", "\0b", "\0c"]);
    trim(&mut node, Topic::Jobs, 3);
    assert_eq!(node.log.reader().start(Topic::Jobs, SHARD), Offset(0));
    node.log.commit(commit(1, vec![(SHARD, 2, Vec::new())]));
    node.fate();
    trim(&mut node, Topic::Jobs, 3);
    assert_eq!(node.log.reader().start(Topic::Jobs, SHARD), Offset(2));
}

#[test]
fn what_is_old_enough_has_served_its_time_and_the_rest_has_not() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    let t0 = Millis(1_700_000_000_000);
    for (age, topic) in
        [(0, Topic::Outcomes), (1, Topic::Outcomes), (2, Topic::Outcomes), (0, Topic::State), (0, DELAY)]
    {
        append(&disk, topic, "k", Some("v"), t0.after(HOUR * age));
    }
    let retention = Retention { outcomes: 24 * HOUR, ..Retention::default() };
    let bounds = disk.bounds().unwrap();
    let at = |topic, now| served(&disk, &bounds, &retention, (topic, SHARD), now).unwrap();
    assert_eq!(at(Topic::Outcomes, t0.after(24 * HOUR)), None);
    assert_eq!(at(Topic::Outcomes, t0.after(25 * HOUR)), Some(Offset(1)));
    assert_eq!(at(Topic::Outcomes, t0.after(999 * HOUR)), Some(Offset(3)));
    assert_eq!(at(Topic::State, t0.after(99_999 * HOUR)), None);
    assert_eq!(at(DELAY, t0.after(99_999 * HOUR)), None);
}

#[test]
fn history_over_its_bytes_goes_early_and_nothing_else_does() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    for number in 0..600_u32 {
        let noise: String =
            (0..64).map(|it| format!("{:08x}", (number * 64 + it).wrapping_mul(2_654_435_761))).collect();
        for topic in [Topic::Outcomes, Topic::Dlq] {
            append(&disk, topic, "k", Some(&noise), now());
        }
    }
    disk.database.flush_cf(disk.messages().unwrap()).unwrap();
    let retention = Retention { history_bytes: 100 << 10, ..Retention::default() };
    let bounds = disk.bounds().unwrap();
    let at = |topic| served(&disk, &bounds, &retention, (topic, SHARD), now()).unwrap();
    let below = at(Topic::Outcomes).expect("300 KiB are over the limit");
    assert!((100..600).contains(&below.0), "{below}");
    assert_eq!(at(Topic::Dlq), None);
}

#[test]
fn cleaning_keeps_the_newest_message_of_each_key() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    for round in 0..10 {
        for key in ["a", "b", "c"] {
            append(&disk, Topic::State, key, Some(&format!("{key}{round}")), now());
        }
    }
    append(&disk, Topic::State, "c", None, now());
    assert_eq!(clean_now(&disk, now(), 99), 28);
    assert_eq!(left(&disk), [("a", Some("a9")), ("b", Some("b9")), ("c", None)].map(owned));
    assert_eq!(clean_now(&disk, now(), 99), 0);
}

#[test]
fn a_tombstone_stays_for_a_day_and_then_goes() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    let t0 = Millis(1_700_000_000_000);
    append(&disk, Topic::State, "a", None, t0);
    append(&disk, Topic::State, "b", Some("1"), t0);
    assert_eq!(clean_now(&disk, t0.after(24 * HOUR), 99), 0);
    append(&disk, Topic::State, "d", Some("1"), t0);
    append(&disk, Topic::State, "e", Some("1"), t0);
    assert_eq!(clean_now(&disk, t0.after(25 * HOUR), 99), 1);
    assert_eq!(left(&disk), [("b", Some("1")), ("d", Some("1")), ("e", Some("1"))].map(owned));
}

#[test]
fn cleaning_section_by_section_ends_in_the_same_state() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    for number in 0..200_u32 {
        append(&disk, Topic::State, &format!("{}", number * 7 % 20), Some(&number.to_string()), now());
    }
    let deleted: u64 = (0..200).map(|_| clean_now(&disk, now(), 6)).sum();
    assert_eq!(deleted, 180);
    assert_eq!(clean::read(&disk, (Topic::State, SHARD)).unwrap().below, Offset(200));
    let last: Vec<String> = left(&disk).into_iter().filter_map(|(_, value)| value).collect();
    assert_eq!(last, (180..200).map(|it| it.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_changelog_is_cleaned_once_it_has_doubled() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::open(dir.path(), 1).unwrap();
    let effort = Effort { keys: 99, dirty: 4 };
    let clean = || {
        let bounds = disk.bounds().unwrap();
        let span = (bounds.start(Topic::State, SHARD), bounds.end(Topic::State, SHARD));
        clean::clean(&disk, (Topic::State, SHARD), span, now(), effort).unwrap()
    };
    let many =
        |keys: std::ops::Range<u32>| keys.for_each(|it| append(&disk, Topic::State, &it.to_string(), Some("1"), now()));
    many(0..3);
    assert_eq!(clean(), 0);
    assert_eq!(clean::read(&disk, (Topic::State, SHARD)).unwrap(), Cleaned::default(), "too little to begin");
    many(3..10);
    assert_eq!(clean(), 0);
    assert_eq!(clean::read(&disk, (Topic::State, SHARD)).unwrap(), Cleaned { below: Offset(10), kept: 10 });
    many(0..9);
    assert_eq!(clean(), 0, "not yet doubled");
    many(9..10);
    assert_eq!(clean(), 10);
}

fn append(disk: &Disk, topic: Topic, key: &str, value: Option<&str>, at: Millis) {
    let mut bounds = disk.bounds().unwrap();
    let mut page = Page::new(disk, &mut bounds, at).unwrap();
    page.append(&outgoing(topic, SHARD, key, value));
    disk.write(page.finish().unwrap().batch, false).unwrap();
}

/// Cleans whatever there is to clean, `keys` keys at once.
fn clean_now(disk: &Disk, at: Millis, keys: usize) -> u64 {
    let bounds = disk.bounds().unwrap();
    let span = (bounds.start(Topic::State, SHARD), bounds.end(Topic::State, SHARD));
    let partition = (Topic::State, SHARD);
    // Forgets how much was kept, which would put the next cleaning off.
    let below = clean::read(disk, partition).unwrap().below;
    disk.database.put(key::cleaned(Topic::State, SHARD), [below.0.to_be_bytes(), [0; 8]].concat()).unwrap();
    clean::clean(disk, partition, span, at, Effort { keys, dirty: 1 }).unwrap()
}

fn left(disk: &Disk) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    let text = |it: &bytes::Bytes| String::from_utf8(it.to_vec()).unwrap();
    disk.walk((Topic::State, SHARD), Offset(0), Offset(9_999), |_, _, framed| {
        all.push((text(framed.message.key.as_ref().unwrap()), framed.message.value.as_ref().map(text)));
        true
    })
    .unwrap();
    all
}

fn owned((key, value): (&str, Option<&str>)) -> (String, Option<String>) {
    (key.to_owned(), value.map(str::to_owned))
}

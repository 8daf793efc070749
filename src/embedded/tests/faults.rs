//! What is refused, and what is said when the disk fails or its files are damaged.
//! Not here: kills, which damage nothing (`crash`).

use super::super::board::Board;
use super::super::disk::Disk;
use super::super::frame;
use super::super::writer::{Task, Writer};
use super::{DELAY, commit, job, node, outgoing, settings, start, start_in};
use crate::embedded::{EmbeddedFault, Producer};
use crate::model::{Header, Millis, Offset, Shard, Topic};
use crate::ports::{Event, Fate, LogEvent};
use bytes::Bytes;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use tempfile::TempDir;

#[test]
fn another_number_of_shards_is_refused() {
    let (dir, node) = node(2);
    node.log.shutdown();
    let fault = start_in(dir.path(), 3).err().unwrap();
    assert!(fault.to_string().contains("has 2 shards and 3 are configured"), "{fault}");
    assert_eq!(start_in(dir.path(), 0).err().unwrap(), EmbeddedFault::ShardCount(0));
}

#[test]
fn a_directory_in_use_is_refused_and_its_owner_named() {
    let (dir, node) = node(1);
    let fault = start_in(dir.path(), 1).err().unwrap();
    assert!(fault.to_string().contains(&format!("in use by process {}", std::process::id())), "{fault}");
    node.log.shutdown();
    start(&dir, 1).log.shutdown();
}

#[test]
fn a_damaged_log_is_refused_and_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    let node = start(&dir, 1);
    node.append(&["\0a"]);
    node.log.shutdown();
    fs::remove_file(dir.path().join("CURRENT")).unwrap();
    let before = fs::read_dir(dir.path()).unwrap().count();
    let fault = start_in(dir.path(), 1).err().unwrap();
    assert!(matches!(&fault, EmbeddedFault::Damaged { .. }), "{fault}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
}

#[test]
fn damage_amid_what_was_acknowledged_is_refused_and_a_torn_end_is_not() {
    for torn in [true, false] {
        let (dir, node) = node(1);
        (0..50).for_each(|it| drop(node.append(&[&format!("\0{it}")])));
        let wal = largest_wal(dir.path());
        let copy = TempDir::new().unwrap();
        // The files as a power failure would leave them: the node is still running.
        for file in fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()) {
            fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
        }
        let wal = copy.path().join(wal.file_name().unwrap());
        let mut bytes = fs::read(&wal).unwrap();
        if torn {
            bytes.truncate(bytes.len() - 3);
        } else {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xFF;
        }
        fs::write(&wal, bytes).unwrap();
        match (torn, start_in(copy.path(), 1)) {
            (true, Ok(node)) => assert_eq!(node.log.reader().end(Topic::Jobs, Shard(0)), Offset(49)),
            (false, Err(EmbeddedFault::Damaged { .. })) => {}
            (_, Err(other)) => panic!("torn: {torn}, {other}"),
            (false, Ok(_)) => panic!("damage passed for a torn end"),
        }
    }
}

fn largest_wal(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    let logs = files.filter(|it| it.extension().is_some_and(|it| it == "log"));
    logs.max_by_key(|it| fs::metadata(it).unwrap().len()).unwrap()
}

#[test]
fn a_disk_that_cannot_be_written_stops_the_log_and_nothing_is_acknowledged() {
    let dir = TempDir::new().unwrap();
    start(&dir, 1).log.shutdown();
    let columns = ["default", "messages"];
    let database =
        rocksdb::DB::open_cf_for_read_only(&rocksdb::Options::default(), dir.path(), columns, false).unwrap();
    let disk = Disk { database, dir: dir.path().to_owned(), identity: String::new(), shards: 1 };
    let (tasks, received) = channel();
    let (said, events) = channel();
    let producer = Producer::new(tasks.clone(), &settings(dir.path(), 1));
    let writer = Writer {
        disk: Arc::new(disk),
        board: Arc::new(Board::default()),
        tasks: received,
        events: Arc::new(move |event| drop(said.send(event))),
        waiting: Arc::clone(&producer.waiting),
        bounds: Default::default(),
        left: false,
        broken: None,
    };
    let thread = std::thread::spawn(move || writer.run());
    for _ in 0..2 {
        assert!(matches!(producer.append(vec![job("\0a")]), Err(EmbeddedFault::Disk { .. })));
    }
    tasks.send(Task::Commit(commit(1, vec![(Shard(0), 0, vec![outgoing(DELAY, Shard(0), "k", None)])]))).unwrap();
    tasks.send(Task::Stop).unwrap();
    thread.join().unwrap();
    let said: Vec<Event> = events.iter().collect();
    let [Event::Log(LogEvent::Stopped { shard: None, fault, .. }), Event::Log(LogEvent::CommitEnded { fate, .. })] =
        &said[..]
    else {
        panic!("{said:?}");
    };
    assert!(fault.what.starts_with("cannot write"), "{fault}");
    assert!(matches!(fate, Fate::Unknown(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_frame_gives_back_what_was_put_in(
        key in optional_bytes(), value in optional_bytes(),
        headers in prop::collection::vec((".{0,5}", optional_bytes()), 0..4),
        timestamp in prop::option::of(any::<u64>()), appended: u64,
    ) {
        let mut message = outgoing(DELAY, Shard(0), "", None);
        message.key = key;
        message.value = value;
        message.headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        message.timestamp = timestamp.map(Millis);
        let mut buffer = vec![1, 2, 3];
        frame::encode(&message, Millis(appended), &mut buffer);
        let framed = frame::decode(buffer.into()).unwrap();
        prop_assert_eq!(framed.appended, Millis(appended));
        prop_assert_eq!(framed.message.timestamp, Millis(timestamp.unwrap_or(appended)));
        prop_assert_eq!((framed.message.key, framed.message.value), (message.key, message.value));
        prop_assert_eq!(framed.message.headers, message.headers);
    }

    #[test]
    fn bytes_that_are_no_frame_are_told_apart_without_a_panic(mut noise in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = frame::decode(noise.clone().into());
        noise.insert(0, 1);
        noise.resize(37, 0xFF);
        prop_assert_eq!(frame::decode(noise.into()), None);
    }
}

fn optional_bytes() -> impl Strategy<Value = Option<Bytes>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..6).prop_map(Bytes::from))
}

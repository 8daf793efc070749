//! What a killed process leaves behind: batches whole or absent, and none after a missing one.
//! Not here: damage that is no crash (`aside`).

use super::{NOW, identity};
use crate::model::Shard;
use crate::ports::{Batch, Opened, Store};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const CHILD: &str = "SLUICEGATE_TEST_STORE_CHILD";
const SHARDS: [Shard; 2] = [Shard(0), Shard(1)];
/// Large enough that buffers are flushed while the child writes.
const VALUE_BYTES: usize = 64 << 10;
/// The newest value is always under the same key, as counters of the core are.
const NEWEST: &[u8] = b"newest";
const WINDOW: u64 = 300;

#[test]
fn after_a_kill_batches_are_whole_and_no_later_one_outlives_an_earlier_one() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&dir));
    }
    let dir = TempDir::new().unwrap();
    let mut survived = 0;
    for round in 1_u64..=4 {
        let acknowledged = kill_after(&dir, survived + 350 * round);
        survived = survivors(&dir, acknowledged);
    }
    assert!(survived > 0, "nothing was ever flushed: the test proves nothing");
}

/// Starts a child that writes batch after batch, and kills it once it has said so of batch `goal`.
fn kill_after(dir: &TempDir, goal: u64) -> u64 {
    let mut child = child(dir);
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut numbers = said.filter_map(|line| line.rsplit_once("batch ")?.1.parse::<u64>().ok());
    let reached = numbers.find(|it| *it >= goal).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    reached
}

fn child(dir: &TempDir) -> Child {
    let name = "store::tests::crash::after_a_kill_batches_are_whole_and_no_later_one_outlives_an_earlier_one";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, dir.path());
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn write_until_killed(dir: &Path) -> ! {
    let mut store = super::RocksStore::start(dir, super::WEEK).unwrap();
    let mut last = SHARDS.map(|shard| {
        store.open(shard, &identity(), NOW).unwrap();
        newest(&store, shard)
    });
    loop {
        for (shard, number) in SHARDS.into_iter().zip(&mut last) {
            *number += 1;
            store.write(shard, batch(*number)).unwrap();
        }
        writeln!(std::io::stdout(), "batch {}", last[0]).unwrap();
    }
}

/// Puts, a counter, and the delete of an old key: a batch as the core writes them.
fn batch(number: u64) -> Batch {
    let mut writes = vec![
        (key(b'a', number), Some(value(number))),
        (NEWEST.to_vec(), Some(number.to_be_bytes().to_vec())),
        (key(b'b', number), Some(number.to_be_bytes().to_vec())),
    ];
    if let Some(old) = number.checked_sub(WINDOW) {
        writes.push((key(b'a', old), None));
        writes.push((key(b'b', old), None));
    }
    Batch { writes }
}

fn key(kind: u8, number: u64) -> Vec<u8> {
    [&[kind], number.to_be_bytes().as_slice()].concat()
}

/// Not compressible, so that it fills buffers; the same for the same number.
fn value(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = (0..VALUE_BYTES / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    });
    words.collect()
}

fn newest(store: &super::RocksStore, shard: Shard) -> u64 {
    let found = store.get(shard, &[NEWEST.to_vec()]).unwrap().remove(0);
    found.map_or(0, |it| u64::from_be_bytes(it.try_into().unwrap()))
}

/// Opens what the child left and checks each shard; the highest batch that survived in all of them.
fn survivors(dir: &TempDir, acknowledged: u64) -> u64 {
    let mut store = super::RocksStore::start(dir.path(), super::WEEK).unwrap();
    let mut lowest = u64::MAX;
    for shard in SHARDS {
        let opened = store.open(shard, &identity(), NOW).unwrap();
        let newest = newest(&store, shard);
        assert!(opened == Opened::Kept || newest == 0, "a copy with batches is kept");
        let expected: Vec<u64> = (newest.saturating_sub(WINDOW - 1).max(1)..=newest).collect();
        assert_eq!(numbers(&store, shard, b'a'), expected, "shard {shard}, killed after {acknowledged}");
        assert_eq!(numbers(&store, shard, b'b'), expected, "shard {shard}, killed after {acknowledged}");
        lowest = lowest.min(newest);
    }
    lowest
}

fn numbers(store: &super::RocksStore, shard: Shard, kind: u8) -> Vec<u64> {
    let pairs = store.scan(shard, &[kind], &[], usize::MAX).unwrap();
    let number = |key: &[u8]| u64::from_be_bytes(key[1..].try_into().unwrap());
    for (key, found) in pairs.iter().filter(|_| kind == b'a') {
        assert_eq!(*found, value(number(key)));
    }
    pairs.iter().map(|(key, _)| number(key)).collect()
}

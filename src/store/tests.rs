//! What the local store promises, on a real disk.
//! Not here: what the core keeps in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test panics on purpose"
)]

mod aside;
mod crash;
mod model;

use super::RocksStore;
use crate::model::{
    AppliedMark, DeadMark, DedupeHash, Millis, Offset, Reason, Rewinds, Shard, StateKey, StateValue, TenantHash,
};
use crate::ports::{Batch, LogIdentity, Opened, Store};
use crate::wire;
use rocksdb::{PerfContext, PerfMetric, PerfStatsLevel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const SHARD: Shard = Shard(3);
const NOW: Millis = Millis(1_700_000_000_000);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

fn identity() -> LogIdentity {
    LogIdentity("cluster-a/topics-1".to_owned())
}

fn started(dir: &TempDir) -> RocksStore {
    RocksStore::start(dir.path(), WEEK).unwrap()
}

/// A store with one open shard, and where it lies.
fn opened() -> (TempDir, RocksStore) {
    let dir = TempDir::new().unwrap();
    let mut store = started(&dir);
    assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Empty);
    (dir, store)
}

fn puts(pairs: &[(&str, &str)]) -> Batch {
    let writes = pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec())));
    Batch { writes: writes.collect() }
}

#[test]
fn idempotency_keys_go_with_the_compaction_after_their_time_and_nothing_else_does() {
    let (_dir, mut store) = opened();
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let week = u64::try_from(WEEK.as_millis()).unwrap();
    let at = |ago: u64| Millis(now - ago);
    let applied = |hash: u128, ago: u64| {
        let value = StateValue::Applied(AppliedMark { at: at(ago), seq: Offset(1) });
        (StateKey::Applied(TenantHash(hash), DedupeHash(hash)), value)
    };
    let dead = DeadMark { reason: Reason::Conflict, code: None, at: at(9 * week), rewinds: Rewinds(0) };
    let kept = [applied(1, week + 23 * 3_600_000), (StateKey::Dead(Offset(3), None), StateValue::Dead(dead))];
    let gone = [applied(2, week + 25 * 3_600_000), applied(3, 9 * week)];
    let write =
        |(key, value): &(StateKey, StateValue)| (wire::index::state_key(key), Some(wire::state::encode_value(value)));
    let writes = kept.iter().chain(&gone).map(write).collect();
    store.write(SHARD, Batch { writes }).unwrap();
    store.note_current(SHARD, NOW).unwrap();
    let column = store.database.cf_handle("shard-3").unwrap();
    store.database.compact_range_cf(column, None::<&[u8]>, None::<&[u8]>);
    let found = |pairs: &[(StateKey, StateValue)]| {
        let keys: Vec<Vec<u8>> = pairs.iter().map(|it| wire::index::state_key(&it.0)).collect();
        store.get(SHARD, &keys).unwrap().iter().flatten().count()
    };
    assert_eq!((found(&kept), found(&gone)), (2, 0));
    assert_eq!(store.scan(SHARD, &[], &[], 10).unwrap().len(), 2);
}

fn keys_of(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    pairs.iter().map(|(key, _)| String::from_utf8(key.clone()).unwrap()).collect()
}

#[test]
fn get_answers_in_the_order_of_the_keys() {
    let (_dir, mut store) = opened();
    store.write(SHARD, puts(&[("a", "1"), ("b", "2"), ("c", "3")])).unwrap();
    let keys: Vec<Vec<u8>> = ["c", "missing", "a", "c"].iter().map(|it| it.as_bytes().to_vec()).collect();
    let expected = ["3", "", "1", "3"].map(|it| Some(it.as_bytes().to_vec()).filter(|it| !it.is_empty()));
    assert_eq!(store.get(SHARD, &keys).unwrap(), expected);
    assert_eq!(store.get(SHARD, &[]).unwrap(), Vec::<Option<Vec<u8>>>::new());
}

#[test]
fn a_batch_is_applied_in_order() {
    let (_dir, mut store) = opened();
    let mut batch = puts(&[("a", "1"), ("a", "2")]);
    batch.writes.push((b"b".to_vec(), Some(b"1".to_vec())));
    batch.writes.push((b"b".to_vec(), None));
    store.write(SHARD, batch).unwrap();
    let values = store.get(SHARD, &[b"a".to_vec(), b"b".to_vec()]).unwrap();
    assert_eq!(values, [Some(b"2".to_vec()), None]);
}

#[test]
fn a_scan_keeps_to_its_prefix_its_start_and_its_limit() {
    let (_dir, mut store) = opened();
    store.write(SHARD, puts(&[("p/1", ""), ("p/2", ""), ("p/3", ""), ("o/9", ""), ("q/1", "")])).unwrap();
    let scan = |from: &str, limit| keys_of(&store.scan(SHARD, b"p/", from.as_bytes(), limit).unwrap());
    assert_eq!(scan("", 10), ["p/1", "p/2", "p/3"]);
    assert_eq!(scan("p/2", 10), ["p/2", "p/3"]);
    assert_eq!(scan("p/2", 1), ["p/2"]);
    assert_eq!(scan("p/20", 10), ["p/3"]);
    assert_eq!(scan("p/4", 10), Vec::<String>::new());
    assert_eq!(scan("z", 10), Vec::<String>::new());
    assert_eq!(scan("", 0), Vec::<String>::new());
    let all = store.scan(SHARD, b"", b"", 10).unwrap();
    assert_eq!(keys_of(&all), ["o/9", "p/1", "p/2", "p/3", "q/1"]);
}

#[test]
fn a_scan_from_a_cursor_does_not_walk_the_deleted_keys_around_it() {
    let (_dir, mut store) = opened();
    let key = |n: u32| [b"queue/".as_slice(), &n.to_be_bytes()].concat();
    let all = Batch { writes: (0..20_000).map(|n| (key(n), Some(b"x".to_vec()))).collect() };
    store.write(SHARD, all).unwrap();
    store.note_current(SHARD, NOW).unwrap();
    let deleted = (0..20_000).filter(|n| !(10_000..10_003).contains(n));
    store.write(SHARD, Batch { writes: deleted.map(|n| (key(n), None)).collect() }).unwrap();

    rocksdb::perf::set_perf_stats(PerfStatsLevel::EnableCount);
    let mut counters = PerfContext::default();
    counters.reset();
    let found = store.scan(SHARD, b"queue/", &key(10_000), 3).unwrap();
    let walked = counters.metric(PerfMetric::InternalDeleteSkippedCount);
    rocksdb::perf::set_perf_stats(PerfStatsLevel::Disable);

    assert_eq!(found.len(), 3);
    assert_eq!(walked, 0);
}

#[test]
fn shards_do_not_see_each_other() {
    let (_dir, mut store) = opened();
    let other = Shard(30);
    store.open(other, &identity(), NOW).unwrap();
    store.write(SHARD, puts(&[("a", "1")])).unwrap();
    assert_eq!(store.scan(other, b"", b"", 10).unwrap(), []);
    store.set_aside(other, "a test").unwrap();
    assert_eq!(store.get(SHARD, &[b"a".to_vec()]).unwrap(), [Some(b"1".to_vec())]);
}

#[test]
fn a_shard_that_is_not_open_is_refused() {
    let (_dir, mut store) = opened();
    store.close(SHARD);
    let fault = store.get(SHARD, &[b"a".to_vec()]).unwrap_err();
    assert!(fault.what.contains("shard 3 is not open"), "{fault}");
    assert!(store.write(SHARD, puts(&[("a", "1")])).is_err());
    assert!(store.note_current(SHARD, NOW).is_err());
    assert!(store.set_aside(SHARD, "a test").is_err());
    store.close(SHARD);
}

#[test]
fn an_empty_key_is_refused_and_hidden() {
    let (_dir, mut store) = opened();
    let before = store.get(SHARD, &[Vec::new()]).unwrap();
    assert_eq!(before, [None]);
    assert!(store.write(SHARD, puts(&[("a", "1"), ("", "x")])).is_err());
    assert_eq!(store.scan(SHARD, b"", b"", 10).unwrap(), []);
}

#[test]
fn a_closed_copy_is_kept_for_a_quick_return() {
    let (dir, mut store) = opened();
    store.write(SHARD, puts(&[("a", "1")])).unwrap();
    store.close(SHARD);
    assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Kept);
    assert_eq!(keys_of(&store.scan(SHARD, b"", b"", 10).unwrap()), ["a"]);
    drop(store);
    let mut again = started(&dir);
    assert_eq!(again.open(SHARD, &identity(), NOW).unwrap(), Opened::Kept);
    assert_eq!(keys_of(&again.scan(SHARD, b"", b"", 10).unwrap()), ["a"]);
}

#[test]
fn a_directory_in_use_is_refused_and_its_owner_named() {
    let (dir, store) = opened();
    let Err(fault) = RocksStore::start(dir.path(), WEEK) else { panic!("two stores in one directory") };
    assert!(fault.what.contains(&format!("in use by process {}", std::process::id())), "{fault}");
    drop(store);
    drop(started(&dir));
}

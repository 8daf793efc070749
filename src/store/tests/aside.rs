//! Copies that are of no use are set aside, each for its reason, and never taken for good ones.
//! Not here: what survives a kill (`crash`).

use super::super::copy::{LABEL_KEY, Label, Unusable};
use super::{NOW, SHARD, identity, keys_of, opened, puts, started};
use crate::model::{Millis, Shard};
use crate::ports::{LogIdentity, Opened, Store};
use rocksdb::WriteBatch;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn a_copy_of_another_log_is_set_aside() {
    let (_dir, mut store) = opened();
    store.write(SHARD, puts(&[("a", "1")])).unwrap();
    let other = LogIdentity("cluster-b/topics-1".to_owned());
    assert_eq!(store.open(SHARD, &other, NOW).unwrap(), Opened::Empty);
    assert_eq!(store.scan(SHARD, b"", b"", 10).unwrap(), []);
    assert_eq!(store.open(SHARD, &other, NOW).unwrap(), Opened::Kept);
}

#[test]
fn a_copy_not_noted_as_current_for_twelve_hours_is_set_aside() {
    let (dir, mut store) = opened();
    store.write(SHARD, puts(&[("a", "1")])).unwrap();
    let noted = NOW.after(20 * HOUR);
    store.note_current(SHARD, noted).unwrap();
    drop(store);
    let mut again = started(&dir);
    assert_eq!(again.open(SHARD, &identity(), noted.after(12 * HOUR)).unwrap(), Opened::Kept);
    let late = Millis(noted.after(12 * HOUR).0 + 1);
    assert_eq!(again.open(SHARD, &identity(), late).unwrap(), Opened::Empty);
    assert_eq!(again.scan(SHARD, b"", b"", 10).unwrap(), []);
}

#[test]
fn a_copy_never_noted_is_stale_twelve_hours_after_it_was_made() {
    let (_dir, mut store) = opened();
    assert_eq!(store.open(SHARD, &identity(), NOW.after(12 * HOUR)).unwrap(), Opened::Kept);
    assert_eq!(store.open(SHARD, &identity(), NOW.after(13 * HOUR)).unwrap(), Opened::Empty);
}

#[test]
fn a_moment_in_the_future_reads_as_now() {
    let (_dir, mut store) = opened();
    store.note_current(SHARD, NOW.after(100 * HOUR)).unwrap();
    assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Kept);
}

#[test]
fn a_copy_of_unknown_format_is_set_aside() {
    let (_dir, mut store) = opened();
    let mut label = Label { identity: identity(), current: NOW }.encode();
    label[0] = 99;
    assert_eq!(Label::decode(&label), Err(Unusable::Format(99)));
    relabel(&mut store, Some(&label));
    assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Empty);
}

#[test]
fn a_copy_whose_label_is_damaged_or_missing_is_set_aside() {
    for label in [Some([1, 2].as_slice()), Some(&[]), None] {
        let (_dir, mut store) = opened();
        store.write(SHARD, puts(&[("a", "1")])).unwrap();
        relabel(&mut store, label);
        assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Empty);
        assert_eq!(store.scan(SHARD, b"", b"", 10).unwrap(), []);
    }
}

fn relabel(store: &mut super::RocksStore, label: Option<&[u8]>) {
    let column = store.database.cf_handle("shard-3").unwrap();
    let mut batch = WriteBatch::default();
    match label {
        Some(bytes) => batch.put_cf(column, LABEL_KEY, bytes),
        None => batch.delete_cf(column, LABEL_KEY),
    }
    store.database.write_without_wal(batch).unwrap();
}

#[test]
fn set_aside_on_demand_empties_the_copy_and_keeps_it_open() {
    let (dir, mut store) = opened();
    store.write(SHARD, puts(&[("a", "1")])).unwrap();
    store.note_current(SHARD, NOW).unwrap();
    store.set_aside(SHARD, "it lies behind the log start").unwrap();
    assert_eq!(store.scan(SHARD, b"", b"", 10).unwrap(), []);
    store.write(SHARD, puts(&[("b", "2")])).unwrap();
    drop(store);
    let mut again = started(&dir);
    assert_eq!(again.open(SHARD, &identity(), NOW).unwrap(), Opened::Kept);
    assert_eq!(keys_of(&again.scan(SHARD, b"", b"", 10).unwrap()), ["b"]);
}

#[test]
fn the_stale_copy_of_a_shard_long_gone_frees_its_disk() {
    let (_dir, mut store) = opened();
    let gone = Shard(7);
    store.open(gone, &identity(), NOW).unwrap();
    store.close(gone);
    store.note_current(SHARD, NOW.after(11 * HOUR)).unwrap();
    store.open(SHARD, &identity(), NOW.after(11 * HOUR)).unwrap();
    assert!(store.database.cf_handle("shard-7").is_some());
    store.open(SHARD, &identity(), NOW.after(13 * HOUR)).unwrap();
    assert!(store.database.cf_handle("shard-7").is_none());
    assert_eq!(store.open(gone, &identity(), NOW).unwrap(), Opened::Empty);
}

#[test]
fn a_damaged_database_is_set_aside_as_a_whole_and_two_are_kept() {
    let (dir, store) = opened();
    drop(store);
    for damage in [truncate_tables, delete_manifests, delete_current, garble_current] {
        let mut store = started(&dir);
        store.open(SHARD, &identity(), NOW).unwrap();
        store.write(SHARD, puts(&[("a", "1")])).unwrap();
        store.note_current(SHARD, NOW).unwrap();
        drop(store);
        damage(&dir.path().join("store"));
        let mut store = started(&dir);
        assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Empty);
        assert_eq!(store.scan(SHARD, b"", b"", 10).unwrap(), []);
        store.write(SHARD, puts(&[("b", "2")])).unwrap();
    }
    let mut kept: Vec<String> = names(dir.path()).filter(|it| it.contains("damaged")).collect();
    kept.sort();
    assert_eq!(kept, ["store.damaged-3", "store.damaged-4"]);
}

#[test]
fn a_directory_that_cannot_be_made_is_a_fault_and_no_damage() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let Err(fault) = super::RocksStore::start(&file.join("state"), super::WEEK) else {
        panic!("a store inside a file")
    };
    assert!(fault.what.starts_with("cannot create"), "{fault}");
}

fn truncate_tables(store: &Path) {
    for path in files(store, "sst") {
        let length = fs::metadata(&path).unwrap().len();
        fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    }
}

fn delete_manifests(store: &Path) {
    for name in names(store).filter(|it| it.starts_with("MANIFEST")) {
        fs::remove_file(store.join(name)).unwrap();
    }
}

fn delete_current(store: &Path) {
    fs::remove_file(store.join("CURRENT")).unwrap();
}

fn garble_current(store: &Path) {
    fs::write(store.join("CURRENT"), "no manifest at all").unwrap();
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    names(folder).map(|it| folder.join(it)).filter(|it| it.extension().is_some_and(|it| it == extension)).collect()
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap())
}

//! The store behaves as an ordered map does, whatever is asked of it and however often it is opened again.
//! Not here: crashes; here every end is a graceful one.

use super::{NOW, SHARD, identity, started};
use crate::ports::{Batch, Opened, Store};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tempfile::TempDir;

type Key = Vec<u8>;

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(Key, Option<Vec<u8>>)>),
    Get(Vec<Key>),
    Scan(Key, Key, usize),
    Flush,
    Reopen,
    SetAside,
}

/// Few bytes, the borders among them, so that keys collide and prefixes meet.
fn key(shortest: usize) -> impl Strategy<Value = Key> {
    vec(prop_oneof![Just(0), Just(1), Just(b'k'), Just(0xFE), Just(0xFF)], shortest..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec((key(1), prop::option::weighted(0.7, vec(any::<u8>(), 0..4))), 0..6).prop_map(Step::Write),
        4 => vec(key(0), 0..5).prop_map(Step::Get),
        8 => (key(0), key(0), 0..6_usize).prop_map(|(prefix, from, limit)| Step::Scan(prefix, from, limit)),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::SetAside),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_behaves_as_an_ordered_map(steps in vec(step(), 1..60)) {
        let dir = TempDir::new().unwrap();
        let mut store = started(&dir);
        store.open(SHARD, &identity(), NOW).unwrap();
        let mut map: BTreeMap<Key, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(writes) => {
                    store.write(SHARD, Batch { writes: writes.clone() }).unwrap();
                    apply(&mut map, writes);
                }
                Step::Get(keys) => {
                    let expected: Vec<_> = keys.iter().map(|it| map.get(it).cloned()).collect();
                    prop_assert_eq!(store.get(SHARD, &keys).unwrap(), expected);
                }
                Step::Scan(prefix, from, limit) => {
                    let expected = scan(&map, &prefix, &from, limit);
                    prop_assert_eq!(store.scan(SHARD, &prefix, &from, limit).unwrap(), expected);
                }
                Step::Flush => store.note_current(SHARD, NOW).unwrap(),
                Step::Reopen => {
                    drop(store);
                    store = started(&dir);
                    prop_assert_eq!(store.open(SHARD, &identity(), NOW).unwrap(), Opened::Kept);
                }
                Step::SetAside => {
                    store.set_aside(SHARD, "a test").unwrap();
                    map.clear();
                }
            }
        }
    }
}

fn apply(map: &mut BTreeMap<Key, Vec<u8>>, writes: Vec<(Key, Option<Vec<u8>>)>) {
    for (key, value) in writes {
        match value {
            Some(value) => drop(map.insert(key, value)),
            None => drop(map.remove(&key)),
        }
    }
}

fn scan(map: &BTreeMap<Key, Vec<u8>>, prefix: &[u8], from: &[u8], limit: usize) -> Vec<(Key, Vec<u8>)> {
    let within = map.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_slice() >= from);
    within.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
}

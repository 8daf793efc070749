//! The disk of an instance and the `Store` port on it: what was flushed, what only the operating system holds.
//! Not here: what the keys mean (`decode`, `invariants`).

use crate::dice::Dice;
use crate::faults::Point;
use crate::marks::Mark;
use crate::world::{Life, Shared};
use sluicegate::model::{Millis, Shard};
use sluicegate::ports::{Batch, LogIdentity, Opened, Store, StoreFault};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A copy that was not noted as current for so long is set aside, ms.
const STALE_MS: u64 = 12 * 3_600_000;

pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Default)]
pub struct Disk {
    pub copies: BTreeMap<Shard, Copy>,
    /// A backup that somebody may restore.
    backup: Option<(Shard, Copy)>,
}

#[derive(Clone, Debug, Default)]
pub struct Copy {
    identity: String,
    noted: Option<Millis>,
    /// Survives everything.
    flushed: Map,
    /// Survives the process, not the machine; each a whole batch.
    unflushed: Vec<Batch>,
    /// Both together: what the process sees.
    pub live: Map,
    open: bool,
    /// When it was last written, and by which life: tells a stale copy.
    pub written: Millis,
}

impl Disk {
    /// Without power only a prefix of what was not flushed remains.
    pub fn process_died(&mut self, power: bool, dice: &mut Dice) {
        for copy in self.copies.values_mut() {
            copy.open = false;
            if power {
                let kept = dice.index(copy.unflushed.len() + 1);
                copy.unflushed.truncate(kept);
                copy.live = copy.flushed.clone();
                for batch in copy.unflushed.clone() {
                    write(&mut copy.live, batch);
                }
            }
        }
    }

    /// What may happen to a disk while nobody runs on it.
    pub fn suffer(&mut self, kind: Suffering, dice: &mut Dice) {
        let shards: Vec<Shard> = self.copies.keys().copied().collect();
        if shards.is_empty() {
            return;
        }
        let shard = shards[dice.index(shards.len())];
        match kind {
            Suffering::Gone => {
                self.copies.remove(&shard);
            }
            Suffering::Other => self.copies.get_mut(&shard).unwrap().identity.push('?'),
            Suffering::Stale => {
                if let Some((shard, copy)) = self.backup.take() {
                    self.copies.insert(shard, copy);
                } else {
                    self.backup = Some((shard, self.copies[&shard].clone()));
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Suffering {
    Gone,
    /// Of another cluster.
    Other,
    /// An old backup was restored.
    Stale,
}

impl Copy {
    fn new(identity: &LogIdentity) -> Self {
        Self { identity: identity.0.clone(), open: true, ..Self::default() }
    }

    fn flush(&mut self) {
        self.unflushed.clear();
        self.flushed = self.live.clone();
    }
}

#[derive(Debug)]
pub struct SimStore {
    pub world: Shared,
    pub who: Life,
}

impl SimStore {
    fn with<T>(&self, shard: Shard, act: impl FnOnce(&mut Copy) -> T) -> Result<T, StoreFault> {
        let mut world = self.world.borrow_mut();
        let copy = world.disks[self.who.slot].copies.get_mut(&shard).filter(|it| it.open);
        match copy {
            Some(copy) => Ok(act(copy)),
            None => {
                let what = format!("the copy of shard {shard} is not open");
                world.broken("PORT", format!("{}: {what}", self.who));
                Err(StoreFault { what })
            }
        }
    }
}

impl Store for SimStore {
    fn open(&mut self, shard: Shard, identity: &LogIdentity, now: Millis) -> Result<Opened, StoreFault> {
        self.world.at_port(self.who, Point::Opening);
        let mut world = self.world.borrow_mut();
        let last_commit = world.ledger.last_commit(shard);
        let copies = &mut world.disks[self.who.slot].copies;
        let kept = copies.get_mut(&shard).filter(|it| {
            it.identity == identity.0 && it.noted.is_none_or(|noted| now.0.saturating_sub(noted.0) <= STALE_MS)
        });
        let opened = match kept {
            Some(copy) => {
                copy.open = true;
                let stale = copy.written < last_commit;
                world.marks.hit_if(stale, Mark::OpenedAStaleCopy);
                Opened::Kept
            }
            None => {
                copies.insert(shard, Copy::new(identity));
                Opened::Empty
            }
        };
        world.trace(|| format!("{}: store {shard} opened {opened:?}", self.who));
        world.note("store_open", u64::from(shard.0), u64::from(opened == Opened::Kept));
        Ok(opened)
    }

    fn get(&self, shard: Shard, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreFault> {
        self.with(shard, |copy| keys.iter().map(|key| copy.live.get(key).cloned()).collect())
    }

    fn scan(
        &self,
        shard: Shard,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreFault> {
        self.with(shard, |copy| {
            let low = if prefix < from { from } else { prefix };
            let range = copy.live.range::<[u8], _>((Bound::Included(low), Bound::Unbounded));
            let found = range.take_while(|it| it.0.starts_with(prefix)).take(limit);
            found.map(|it| (it.0.clone(), it.1.clone())).collect()
        })
    }

    fn write(&mut self, shard: Shard, batch: Batch) -> Result<(), StoreFault> {
        self.world.at_port(self.who, Point::StoreWrite);
        let now = self.world.borrow().now;
        self.world.borrow_mut().note("write", u64::from(shard.0), batch.writes.len() as u64);
        self.with(shard, |copy| {
            copy.written = now;
            copy.unflushed.push(batch.clone());
            write(&mut copy.live, batch);
        })
    }

    fn note_current(&mut self, shard: Shard, now: Millis) -> Result<(), StoreFault> {
        self.world.at_port(self.who, Point::Noting);
        self.with(shard, |copy| {
            copy.noted = Some(now);
            copy.flush();
        })
    }

    fn set_aside(&mut self, shard: Shard, why: &str) -> Result<(), StoreFault> {
        self.world.at_port(self.who, Point::Opening);
        let mut world = self.world.borrow_mut();
        world.trace(|| format!("{}: store {shard} set aside: {why}", self.who));
        let identity = LogIdentity(world.broker.identity.clone());
        world.disks[self.who.slot].copies.insert(shard, Copy::new(&identity));
        Ok(())
    }

    fn close(&mut self, shard: Shard) {
        self.world.at_port(self.who, Point::Any);
        let mut world = self.world.borrow_mut();
        if let Some(copy) = world.disks[self.who.slot].copies.get_mut(&shard) {
            copy.open = false;
        }
    }
}

fn write(map: &mut Map, batch: Batch) {
    for (key, value) in batch.writes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

#[test]
fn a_process_keeps_its_writes_and_a_machine_a_prefix_of_them() {
    let put = |key: u8| Batch { writes: vec![(vec![key], Some(vec![key])), (vec![0], Some(vec![key]))] };
    for seed in 0..50 {
        let mut copy = Copy::new(&LogIdentity("one".to_owned()));
        for key in 1..=5 {
            copy.unflushed.push(put(key));
            write(&mut copy.live, put(key));
            if key == 2 {
                copy.flush();
            }
        }
        let mut disk = Disk { copies: [(Shard(0), copy)].into(), backup: None };
        disk.process_died(false, &mut Dice::new(seed));
        assert_eq!(disk.copies[&Shard(0)].live.len(), 6, "a kill loses nothing");
        disk.process_died(true, &mut Dice::new(seed));
        let live = &disk.copies[&Shard(0)].live;
        let newest = live[&vec![0]][0];
        assert!((2..=5).contains(&newest), "what was flushed stays");
        assert_eq!(live.len(), usize::from(newest) + 1, "whole batches in order and nothing after a lost one");
    }
}

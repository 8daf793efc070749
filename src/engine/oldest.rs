//! The oldest event of each shard that no CRM has taken: for `oldest_unapplied_seconds` and the alert on it.
//! Not here: how old is too old (`alerts`); who pauses what (`machine`).
//!
//! The order of the log stands for age. A cursor goes up the waiting index past what is paused, a bounded piece per look,
//! and comes down again when something lower is filed; so a look costs the same whatever waits.

use crate::engine::held::crm_of;
use crate::engine::shard::ShardSlot;
use crate::engine::{Engine, index};
use crate::machine::{Bug, Machine};
use crate::model::{Because, Connection, ConnectionId, Entry, EntryKey, Millis, RecordHash, Scope, Seq, Shard};
use crate::ports::{Crms, Log, Store, StoreFault};
use crate::wire;
use std::collections::BTreeSet;

/// Entries passed over in one look at a shard.
const PASSED_MAX: usize = 1024;
/// Each piece read in one look is so much larger than the one before.
const GROWTH: usize = 8;

/// An event that has no CRM write yet, the oldest of its shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unapplied {
    pub shard: Shard,
    pub connection: ConnectionId,
    pub occurred_at: Millis,
    /// Why it waits; absent: it is in memory, straight from `jobs`.
    pub because: Option<Because>,
}

/// How far one shard's index has been looked through.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Every entry below is paused or has ended.
    from: Vec<u8>,
    from_seq: Seq,
    found: Option<Found>,
    /// What was passed over because it is paused.
    paused: BTreeSet<Scope>,
}

/// One look at a shard, under way.
struct Look {
    /// Where it goes on.
    from: Vec<u8>,
    /// Entries that it may still pass over, and how many are read next.
    left: usize,
    piece: usize,
    passed: Option<(Vec<u8>, Seq)>,
}

#[derive(Clone, Debug)]
struct Found {
    key: EntryKey,
    record: RecordHash,
    occurred_at: Millis,
    because: Because,
}

/// The key of the entry in the store, and what it says.
type Placed = (Vec<u8>, Found);

impl Default for Cursor {
    fn default() -> Self {
        Self { from: wire::index::entry_space(), from_seq: Seq::default(), found: None, paused: BTreeSet::new() }
    }
}

impl Cursor {
    /// An entry was filed, perhaps below.
    pub(super) fn filed(&mut self, key: &EntryKey) {
        if key.seq <= self.from_seq {
            self.lower(key);
        }
        if self.found.as_ref().is_some_and(|it| *key <= it.key) {
            self.found = None;
        }
    }

    /// All up to here is paused or has ended.
    fn pass(&mut self, last: Option<(Vec<u8>, Seq)>) {
        self.found = None;
        if let Some((place, seq)) = last {
            self.from = place.into_iter().chain([0]).collect();
            self.from_seq = seq;
        }
    }

    fn lower(&mut self, key: &EntryKey) {
        let place = wire::index::entry_key(key);
        if place < self.from {
            self.from = place;
            self.from_seq = key.seq;
        }
    }
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// The oldest event of each shard without a fate, those of paused connections aside. Called about once a second,
    /// between turns; blocks for the local disk only.
    pub fn oldest_unapplied(&mut self) -> Vec<Unapplied> {
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        let mut all = Vec::new();
        for shard in shards {
            if self.ended.is_some() {
                return Vec::new();
            }
            match self.oldest_of(shard) {
                Ok(oldest) => all.extend(oldest),
                Err(fault) => self.store_failed(shard, &fault),
            }
        }
        all
    }

    fn oldest_of(&mut self, shard: Shard) -> Result<Option<Unapplied>, StoreFault> {
        self.look_for_oldest(shard)?;
        let Some(slot) = self.shards.get(&shard) else { return Ok(None) };
        let Some(machine) = slot.machine() else { return Ok(None) };
        let on_disk = slot.oldest.found.iter().map(|it| Unapplied {
            shard,
            connection: it.key.connection.clone(),
            occurred_at: it.occurred_at,
            because: Some(it.because),
        });
        let open = |it: &Connection| !slot.oldest.paused.iter().any(|scope| scope.covers(&it.id, Some(it.crm)));
        let heads = machine.first_in_memory().filter(|it| open(&it.target.connection));
        let in_memory = heads.map(|it| Unapplied {
            shard,
            connection: it.target.connection.id.clone(),
            occurred_at: it.job.occurred_at,
            because: it.waits.map(|it| it.because),
        });
        Ok(on_disk.chain(in_memory).min_by_key(|it| it.occurred_at))
    }

    /// Moves the cursor to the first entry that counts, or as far as one look may go.
    fn look_for_oldest(&mut self, shard: Shard) -> Result<(), StoreFault> {
        self.note_paused(shard);
        let Some(slot) = self.shards.get(&shard) else { return Ok(()) };
        let Some(machine) = slot.machine() else { return Ok(()) };
        if let Some(found) = &slot.oldest.found
            && self.still_waits(shard, machine, found)?
        {
            return Ok(());
        }
        let mut look = Look { from: slot.oldest.from.clone(), left: PASSED_MAX, piece: 1, passed: None };
        while 0 < look.left {
            if let Some((place, found)) = self.look_at_piece_for_oldest((shard, slot, machine), &mut look)? {
                self.found_oldest(shard, place, found);
                return Ok(());
            }
        }
        if let Some(slot) = self.shards.get_mut(&shard) {
            slot.oldest.pass(look.passed);
        }
        Ok(())
    }

    /// The next few entries: in most cases the very first counts.
    fn look_at_piece_for_oldest(
        &self,
        (shard, slot, machine): (Shard, &ShardSlot, &Machine),
        look: &mut Look,
    ) -> Result<Option<Placed>, StoreFault> {
        let asked = look.piece.min(look.left);
        let pairs = self.store.scan(shard, &wire::index::entry_space(), &look.from, asked)?;
        look.left = if pairs.len() < asked { 0 } else { look.left - asked };
        look.piece *= GROWTH;
        for (place, value) in pairs {
            let key = wire::index::decode_entry_key(&place).map_err(index::damaged)?;
            let crm = crm_of(&self.tenants, &key.connection);
            if !slot.oldest.paused.iter().any(|it| it.covers(&key.connection, crm)) {
                let entry = wire::index::decode_entry(&key, &value).map_err(index::damaged)?;
                if !machine.has_ended(entry.record, key.seq) {
                    return Ok(Some((place, found_in(entry))));
                }
            }
            look.from = place.iter().copied().chain([0]).collect();
            look.passed = Some((place, key.seq));
        }
        Ok(None)
    }

    /// Where a pause began or ended the index is looked through anew.
    fn note_paused(&mut self, shard: Shard) {
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        let Some(machine) = slot.machine() else { return };
        if !machine.pauses().keys().eq(&slot.oldest.paused) {
            let paused = machine.pauses().keys().cloned().collect();
            slot.oldest = Cursor { paused, ..Cursor::default() };
        }
    }

    fn found_oldest(&mut self, shard: Shard, place: Vec<u8>, found: Found) {
        if let Some(slot) = self.shards.get_mut(&shard) {
            slot.oldest.from = place;
            slot.oldest.from_seq = found.key.seq;
            slot.oldest.found = Some(found);
        }
    }

    /// A retry is between two topics for a moment, and waits all the same.
    fn still_waits(&self, shard: Shard, machine: &Machine, found: &Found) -> Result<bool, StoreFault> {
        let (record, seq) = (found.record, found.key.seq);
        if machine.is_on_way(record, seq) {
            return Ok(true);
        }
        let value = self.store.get(shard, &[wire::index::entry_key(&found.key)])?;
        Ok(value.into_iter().next().flatten().is_some() && !machine.has_ended(record, seq))
    }

    /// An entry is about to be filed.
    pub(super) fn note_filed(&mut self, shard: Shard, key: &EntryKey) {
        let overlooked = self.settings.bug == Some(Bug::OverlooksTheOldest);
        if let Some(slot) = self.shards.get_mut(&shard).filter(|_| !overlooked) {
            slot.oldest.filed(key);
        }
    }
}

/// A message that cannot be read any more is as old as its wait.
fn found_in(entry: Entry) -> Found {
    let facts = wire::headers::waiting_facts(&entry.message).ok();
    let original = facts.map(|it| wire::headers::original(&entry.message, &it));
    let occurred_at = match original.map(|it| wire::job::decode(&it)) {
        Some(Ok(wire::job::Decoded::Job(job))) => job.occurred_at,
        Some(Ok(wire::job::Decoded::Tombstone) | Err(_)) | None => entry.since,
    };
    Found { key: entry.key, record: entry.record, occurred_at, because: entry.because }
}

//! The waiting index on the local store: which keys each change of it writes.
//! Not here: when an entry is filed or removed (`machine`); the layout of a key (`wire`).

use crate::engine::Engine;
use crate::machine::{IndexWrite, Removed, Waits};
use crate::model::{Because, EntryKey, Millis, Offset, RecordHash, Seq, Shard, Topic};
use crate::ports::{Batch, Crms, Log, Store, StoreFault};
use crate::wire;
use std::fmt::Display;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Writes what a step changed in the index, as one batch.
    pub(super) fn write_index(&mut self, shard: Shard, changes: Vec<IndexWrite>) -> Result<(), StoreFault> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for change in changes {
            let timer = put(&mut batch, change);
            let Some(slot) = self.shards.get_mut(&shard) else { continue };
            if let Some(timer) = timer {
                slot.timer_next = Some(slot.timer_next.map_or(timer, |it| it.min(timer)));
                slot.timers_from = slot.timers_from.min(timer);
            }
        }
        self.store.write(shard, batch)
    }
}

/// Adds a change to the batch; answers the end of a new timer.
fn put(batch: &mut Batch, change: IndexWrite) -> Option<Millis> {
    match change {
        IndexWrite::File { entry, waits, queued, replaces } => {
            if let Some(old) = replaces {
                remove(batch, &entry.key, &Removed { record: entry.record, waits: old });
            }
            let key = &entry.key;
            let timer = waits.timer;
            batch.writes.push((wire::index::message_key(entry.place), Some(waiting_value(waits.because, key))));
            batch.writes.push((wire::index::record_key(entry.record, key.seq), Some(timer.0.to_be_bytes().to_vec())));
            batch.writes.push((wire::index::entry_key(key), Some(wire::index::encode_entry(&entry))));
            if 0 < timer.0 {
                let record = entry.record.0.to_be_bytes().to_vec();
                batch.writes.push((wire::index::timer_key(timer, key), Some(record)));
            }
            if queued {
                batch.writes.push((wire::index::queue_key(&key.connection, key.seq), Some(Vec::new())));
            }
            (0 < timer.0).then_some(timer)
        }
        IndexWrite::Queue(key) => {
            batch.writes.push((wire::index::queue_key(&key.connection, key.seq), Some(Vec::new())));
            None
        }
        IndexWrite::TimerGone(due, key, record) => {
            batch.writes.push((wire::index::timer_key(due, &key), None));
            let no_timer = Millis(0).0.to_be_bytes().to_vec();
            batch.writes.push((wire::index::record_key(record, key.seq), Some(no_timer)));
            None
        }
        IndexWrite::Read(tier, position) => {
            let position = position.0.to_be_bytes().to_vec();
            batch.writes.push((wire::index::read_key(Topic::Delay(tier)), Some(position)));
            None
        }
    }
}

/// Every key of an entry goes.
pub(super) fn remove(batch: &mut Batch, key: &EntryKey, removed: &Removed) {
    let Waits { place, because: _, timer } = removed.waits;
    batch.writes.push((wire::index::message_key(place), None));
    batch.writes.push((wire::index::entry_key(key), None));
    batch.writes.push((wire::index::record_key(removed.record, key.seq), None));
    batch.writes.push((wire::index::queue_key(&key.connection, key.seq), None));
    if 0 < timer.0 {
        batch.writes.push((wire::index::timer_key(timer, key), None));
    }
}

pub(super) fn seq_of_record(key: &[u8]) -> Result<Seq, StoreFault> {
    wire::index::decode_record_key(key).map(|(_, seq)| seq).map_err(damaged)
}

pub(super) fn timer(value: &[u8]) -> Result<Millis, StoreFault> {
    Ok(Millis(number(value)?))
}

pub(super) fn offset(value: &[u8]) -> Result<Offset, StoreFault> {
    Ok(Offset(number(value)?))
}

pub(super) fn record(value: &[u8]) -> Result<RecordHash, StoreFault> {
    let bytes: [u8; 16] = value.try_into().map_err(|_| damaged("a record hash is not 16 bytes"))?;
    Ok(RecordHash(u128::from_be_bytes(bytes)))
}

fn number(value: &[u8]) -> Result<u64, StoreFault> {
    let bytes: [u8; 8] = value.try_into().map_err(|_| damaged("a number is not 8 bytes"))?;
    Ok(u64::from_be_bytes(bytes))
}

/// What lies under a message's key: why it waits, one byte, then the key of its entry.
fn waiting_value(because: Because, key: &EntryKey) -> Vec<u8> {
    let byte = Because::ALL.iter().position(|it| *it == because).and_then(|it| u8::try_from(it).ok());
    std::iter::once(byte.unwrap_or_default()).chain(wire::index::entry_key(key)).collect()
}

/// The other way round.
pub(super) fn waiting(value: &[u8]) -> Result<(Because, EntryKey), StoreFault> {
    let (byte, key) = value.split_first().ok_or_else(|| damaged("a waiting message says nothing"))?;
    let because = Because::ALL.get(usize::from(*byte)).ok_or_else(|| damaged("an unknown cause to wait"))?;
    Ok((*because, wire::index::decode_entry_key(key).map_err(damaged)?))
}

pub(super) fn damaged(what: impl Display) -> StoreFault {
    StoreFault {
        what: format!("the local copy is damaged: {what}; stop, delete the state folder, start: it is rebuilt"),
    }
}

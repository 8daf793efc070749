//! The waiting index on the local store: which keys each change of it writes.
//! Not here: when an entry is filed or removed (`machine`); the layout of a key (`wire`).

use crate::engine::Engine;
use crate::machine::{IndexWrite, Removed, Waits};
use crate::model::{Because, Entry, EntryKey, Millis, Offset, RecordHash, Seq, Shard, Topic};
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
            if let IndexWrite::File { entry, .. } = &change {
                self.note_filed(shard, &entry.key);
            }
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

/// How a waiting delivery stands among those of its record: what its `record` key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is in the queue of its connection.
    Queued,
    /// It is behind another, and in no queue.
    Behind,
    /// Its timer runs.
    Timer(Millis),
}

impl Turn {
    fn number(self) -> u64 {
        match self {
            Self::Queued => 0,
            Self::Behind => u64::MAX,
            Self::Timer(end) => end.0,
        }
    }

    /// The end of the timer; 0: it has none.
    pub(super) fn timer(self) -> Millis {
        match self {
            Self::Queued | Self::Behind => Millis(0),
            Self::Timer(end) => end,
        }
    }
}

/// Adds a change to the batch; answers the end of a new timer.
fn put(batch: &mut Batch, change: IndexWrite) -> Option<Millis> {
    match change {
        IndexWrite::File { entry, waits, queued, replaces } => {
            if let Some(old) = replaces {
                remove(batch, &entry.key, &Removed { record: entry.record, waits: old });
            }
            file(batch, &entry, &waits);
            if queued {
                queue(batch, &entry.key, entry.record);
            }
            (0 < waits.timer.0).then_some(waits.timer)
        }
        IndexWrite::Queue(key, record) => {
            queue(batch, &key, record);
            None
        }
        IndexWrite::TimerGone(due, key, record) => {
            batch.writes.push((wire::index::timer_key(due, &key), None));
            put_turn(batch, &key, record, Turn::Behind);
            None
        }
        IndexWrite::Read(tier, position) => {
            let position = position.0.to_be_bytes().to_vec();
            batch.writes.push((wire::index::read_key(Topic::Delay(tier)), Some(position)));
            None
        }
    }
}

fn file(batch: &mut Batch, entry: &Entry, waits: &Waits) {
    let key = &entry.key;
    batch.writes.push((wire::index::message_key(entry.place), Some(waiting_value(waits, key))));
    batch.writes.push((wire::index::entry_key(key), Some(wire::index::encode_entry(entry))));
    if waits.timer.0 == 0 {
        return put_turn(batch, key, entry.record, Turn::Behind);
    }
    put_turn(batch, key, entry.record, Turn::Timer(waits.timer));
    let record = entry.record.0.to_be_bytes().to_vec();
    batch.writes.push((wire::index::timer_key(waits.timer, key), Some(record)));
}

/// It is first of its record and waits for its connection's turn.
pub(super) fn queue(batch: &mut Batch, key: &EntryKey, record: RecordHash) {
    batch.writes.push((wire::index::queue_key(&key.connection, key.seq), Some(Vec::new())));
    put_turn(batch, key, record, Turn::Queued);
}

fn put_turn(batch: &mut Batch, key: &EntryKey, record: RecordHash, turn: Turn) {
    let value = turn.number().to_be_bytes().into_iter().chain(wire::index::entry_key(key)).collect();
    batch.writes.push((wire::index::record_key(record, key.seq), Some(value)));
}

/// Every key of an entry goes.
pub(super) fn remove(batch: &mut Batch, key: &EntryKey, removed: &Removed) {
    let Waits { place, because: _, timer, size: _ } = removed.waits;
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

/// What lies under a `record` key: how the delivery stands, and which it is.
pub(super) fn turn(value: &[u8]) -> Result<(Turn, EntryKey), StoreFault> {
    let (turn, key) = value.split_at_checked(8).ok_or_else(|| damaged("a record's delivery says nothing"))?;
    let turn = match number(turn)? {
        0 => Turn::Queued,
        u64::MAX => Turn::Behind,
        end => Turn::Timer(Millis(end)),
    };
    Ok((turn, wire::index::decode_entry_key(key).map_err(damaged)?))
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

/// What lies under a message's key: why it waits, one byte; its size, four; then the key of its entry.
fn waiting_value(waits: &Waits, key: &EntryKey) -> Vec<u8> {
    let byte = Because::ALL.iter().position(|it| *it == waits.because).and_then(|it| u8::try_from(it).ok());
    let start = std::iter::once(byte.unwrap_or_default()).chain(waits.size.to_be_bytes());
    start.chain(wire::index::entry_key(key)).collect()
}

/// The other way round: why, how large, which.
pub(super) fn waiting(value: &[u8]) -> Result<(Because, u32, EntryKey), StoreFault> {
    let nothing = || damaged("a waiting message says nothing");
    let (byte, rest) = value.split_first().ok_or_else(nothing)?;
    let (size, key) = rest.split_first_chunk::<4>().ok_or_else(nothing)?;
    let because = Because::ALL.get(usize::from(*byte)).ok_or_else(|| damaged("an unknown cause to wait"))?;
    Ok((*because, u32::from_be_bytes(*size), wire::index::decode_entry_key(key).map_err(damaged)?))
}

pub(super) fn damaged(what: impl Display) -> StoreFault {
    StoreFault {
        what: format!("the local copy is damaged: {what}; stop, delete the state folder, start: it is rebuilt"),
    }
}

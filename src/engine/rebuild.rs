//! What a restored store says: positions and settled set, what waits, and what must leave the index.
//! Not here: reading the changelog itself (`restore`).

use crate::engine::index::Turn;
use crate::engine::{Engine, index};
use crate::machine::{Removed, Restored};
use crate::model::{EntryKey, Offset, Place, SEGMENT_BITS, Shard, StateKey, StateValue, Tier, Topic};
use crate::ports::{Batch, Crms, Log, Store, StoreFault};
use crate::wire;

/// Pairs read from the store at a time while restoring.
const SCAN_MAX: usize = 4096;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Positions, settled set, limit windows, holds and pauses, small enough for memory.
    pub(super) fn read_state(&self, shard: Shard) -> Result<Restored, StoreFault> {
        let mut restored = Restored::default();
        let spaces = [
            wire::index::position_space(),
            wire::index::settled_space(),
            wire::index::connection_space(),
            wire::index::hold_space(),
            wire::index::pause_space(),
        ];
        for space in spaces {
            self.each(shard, &space, |key, value| {
                let key = wire::index::decode_state_key(key).map_err(index::damaged)?;
                match (wire::state::decode_value(&key, value).map_err(index::damaged)?, key) {
                    (StateValue::Position(position), StateKey::Position(topic)) => {
                        restored.positions.insert(topic, position);
                    }
                    (StateValue::Settled(bits), StateKey::Settled(topic, segment)) => {
                        restored.segments.insert((topic, segment), bits);
                    }
                    (StateValue::Connection(mark), StateKey::Connection(id)) => {
                        restored.accounts.insert(id, mark);
                    }
                    (StateValue::Hold(hold), StateKey::Hold(connection)) => {
                        restored.holds.insert(connection, hold);
                    }
                    (StateValue::Pause(pause), StateKey::Pause(scope)) => {
                        restored.pauses.insert(scope, pause);
                    }
                    _not_of_these_spaces => {}
                }
                Ok(())
            })?;
        }
        if let Some(slot) = self.shards.get(&shard) {
            restored.group_offset = slot.assignment.group_offset;
            restored.starts.clone_from(&slot.assignment.starts);
        }
        Ok(restored)
    }

    /// Everything under `prefix`, piece by piece.
    pub(super) fn each(
        &self,
        shard: Shard,
        prefix: &[u8],
        mut with: impl FnMut(&[u8], &[u8]) -> Result<(), StoreFault>,
    ) -> Result<(), StoreFault> {
        let mut from = prefix.to_vec();
        loop {
            let pairs = self.store.scan(shard, prefix, &from, SCAN_MAX)?;
            for (key, value) in &pairs {
                with(key, value)?;
            }
            let Some((last, _)) = pairs.last().filter(|_| pairs.len() == SCAN_MAX) else { return Ok(()) };
            from.clone_from(last);
            from.push(0);
        }
    }

    /// Entries whose message the changelog says is settled leave the index.
    pub(super) fn drop_settled(&mut self, shard: Shard, restored: &Restored) -> Result<(), StoreFault> {
        let mut gone: Vec<(Place, EntryKey)> = Vec::new();
        for tier in Tier::ALL {
            let topic = Topic::Delay(tier);
            let low = restored.positions.get(&topic).map_or(Offset(0), |it| it.low);
            gone.extend(self.places(shard, tier, (Offset(0), low), |_| true)?);
            for ((_, segment), bits) in restored.segments.iter().filter(|((it, _), _)| *it == topic) {
                let start = segment.0.saturating_mul(SEGMENT_BITS);
                let range = (Offset(start), Offset(start.saturating_add(SEGMENT_BITS)));
                gone.extend(self.places(shard, tier, range, |offset| bits.has(offset))?);
            }
        }
        let mut batch = Batch::default();
        for (place, key) in gone {
            let Some((record, waits)) = self.waits_of(shard, &key)? else { continue };
            if waits.place == place {
                index::remove(&mut batch, &key, &Removed { record, waits });
            }
        }
        self.store.write(shard, batch)
    }

    /// The first of each record must be found in its queue: what stood before it may have ended at another owner.
    pub(super) fn queue_heads(&mut self, shard: Shard) -> Result<(), StoreFault> {
        let mut batch = Batch::default();
        let mut last = None;
        self.each(shard, &wire::index::record_space(), |key, value| {
            let (record, _) = wire::index::decode_record_key(key).map_err(index::damaged)?;
            let (turn, key) = index::turn(value)?;
            if last != Some(record) && turn == Turn::Behind {
                index::queue(&mut batch, &key, record);
            }
            last = Some(record);
            Ok(())
        })?;
        self.store.write(shard, batch)
    }

    /// The messages of a delay topic in a range of offsets that `is_gone`.
    fn places(
        &self,
        shard: Shard,
        tier: Tier,
        (from, to): (Offset, Offset),
        is_gone: impl Fn(Offset) -> bool,
    ) -> Result<Vec<(Place, EntryKey)>, StoreFault> {
        let mut gone = Vec::new();
        let prefix = wire::index::message_prefix(tier);
        let mut from = wire::index::message_key(Place { tier, offset: from });
        loop {
            let pairs = self.store.scan(shard, &prefix, &from, SCAN_MAX)?;
            for (key, value) in &pairs {
                let place = wire::index::decode_message_key(key).map_err(index::damaged)?;
                if to <= place.offset {
                    return Ok(gone);
                }
                if is_gone(place.offset) {
                    gone.push((place, index::waiting(value)?.2));
                }
            }
            let Some((last, _)) = pairs.last().filter(|_| pairs.len() == SCAN_MAX) else { return Ok(gone) };
            from.clone_from(last);
            from.push(0);
        }
    }

    /// What waits per connection, where each queue starts, and how far each delay topic has been filed.
    pub(super) fn read_index(&self, shard: Shard, restored: &mut Restored) -> Result<(), StoreFault> {
        for tier in Tier::ALL {
            self.each(shard, &wire::index::message_prefix(tier), |_, value| {
                let (because, size, key) = index::waiting(value)?;
                let waiting = restored.waiting.entry(key.connection).or_default().entry(because).or_default();
                waiting.0 += 1;
                waiting.1 += u64::from(size);
                Ok(())
            })?;
            let topic = Topic::Delay(tier);
            if let Some(filed) = self.stored_offset(shard, &wire::index::read_key(topic))? {
                restored.filed.insert(topic, filed);
            }
        }
        let space = wire::index::queue_space();
        let mut from = space.clone();
        while let Some((key, _)) = self.store.scan(shard, &space, &from, 1)?.into_iter().next() {
            let (connection, seq) = wire::index::decode_queue_key(&key).map_err(index::damaged)?;
            from = wire::index::queue_key(&connection, Offset(u64::MAX));
            from.push(0);
            restored.queues.insert(connection, seq);
        }
        Ok(())
    }
}

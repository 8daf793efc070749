//! How many dead letters nobody has replayed or discarded: counted from the `dead` keys of the changelog, so that the
//! number survives restarts and hand-overs.
//! Not here: why each died; how many are too many (`alerts`).

use crate::engine::{Engine, index};
use crate::machine::{Bug, Part};
use crate::model::{ConnectionId, Offset, Shard, StateKey, StateValue};
use crate::ports::{Crms, Log, Store, StoreFault};
use crate::wire;
use std::collections::BTreeMap;

/// Dead letters per connection; no connection: they never were a delivery.
pub type DeadLetters = BTreeMap<Option<ConnectionId>, u64>;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Dead letters neither replayed nor discarded, of each shard that is restored.
    pub fn dead_letters(&self) -> BTreeMap<Shard, &DeadLetters> {
        let restored = self.shards.iter().filter(|(_, slot)| slot.machine().is_some());
        restored.map(|(shard, slot)| (*shard, &slot.dead)).collect()
    }

    /// Counts what a restored store holds.
    pub(super) fn count_dead(&mut self, shard: Shard) -> Result<(), StoreFault> {
        let mut dead = DeadLetters::new();
        self.each(shard, &wire::index::dead_space(), |key, _| {
            match wire::index::decode_state_key(key).map_err(index::damaged)? {
                StateKey::Dead(_, connection) => *dead.entry(connection).or_default() += 1,
                _no_dead_letter => {}
            }
            Ok(())
        })?;
        if let Some(slot) = self.shards.get_mut(&shard) {
            slot.dead = dead;
        }
        Ok(())
    }

    /// Follows what a committed part is about to write.
    pub(super) fn follow_dead(&mut self, shard: Shard, part: &Part) -> Result<(), StoreFault> {
        let first = StateKey::Dead(Offset(0), None);
        let dead = |key: &StateKey| matches!(key, StateKey::Dead(_, _));
        let puts: Vec<(&StateKey, &Option<StateValue>)> =
            part.puts.range(first..).take_while(|(key, _)| dead(key)).collect();
        if puts.is_empty() {
            return Ok(());
        }
        let keys: Vec<Vec<u8>> = puts.iter().map(|(key, _)| wire::index::state_key(key)).collect();
        let before = self.store.get(shard, &keys)?;
        let forgets = self.settings.bug == Some(Bug::CountsTheRevived);
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(()) };
        for ((key, value), before) in puts.into_iter().zip(before) {
            let StateKey::Dead(_, connection) = key else { continue };
            match (before, value) {
                (None, Some(_)) => *slot.dead.entry(connection.clone()).or_default() += 1,
                (Some(_), None) if !forgets => one_less(&mut slot.dead, connection),
                (None | Some(_), None) | (Some(_), Some(_)) => {}
            }
        }
        Ok(())
    }
}

fn one_less(dead: &mut DeadLetters, connection: &Option<ConnectionId>) {
    if let Some(count) = dead.get_mut(connection) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            dead.remove(connection);
        }
    }
}

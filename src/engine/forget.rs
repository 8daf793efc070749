//! What has served its time leaves the changelog: the marks of the dead, once their letters have gone (core rules §1).
//! Not here: idempotency keys; they leave `.applied` by its retention, and the local store as it is compacted.

use crate::engine::shard::ShardSlot;
use crate::engine::{Engine, index};
use crate::machine::Input;
use crate::model::{Millis, Shard, StateKey, StateValue};
use crate::ports::{Crms, Log, Store, StoreFault};
use crate::wire;
use std::time::Duration;

/// Marks looked at in one turn and shard.
const PIECE: usize = 256;
/// All are looked at so often while a dead letter lives: every ten minutes if that is 30 days.
const PASSES: u32 = 4_320;
/// Between two pieces of one pass.
const PAUSE: Duration = Duration::from_millis(200);

/// Where the look at the dead stands, of one shard.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    next: Millis,
    /// The key after the last one looked at; empty: at the beginning.
    from: Vec<u8>,
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn forget_the_dead(&mut self, now: Millis) {
        let due = |slot: &ShardSlot| slot.is_running() && slot.forgetting.next <= now;
        let shards: Vec<Shard> = self.shards.iter().filter(|(_, it)| due(it)).map(|(it, _)| *it).collect();
        for shard in shards {
            match self.look_at_the_dead(now, shard) {
                Ok(keys) if keys.is_empty() => {}
                Ok(keys) => self.step(now, shard, Input::Forget(keys)),
                Err(fault) => self.store_failed(shard, &fault),
            }
        }
    }

    /// Looks at the next piece; answers what is to be forgotten of it.
    fn look_at_the_dead(&mut self, now: Millis, shard: Shard) -> Result<Vec<StateKey>, StoreFault> {
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(Vec::new()) };
        let from = std::mem::take(&mut slot.forgetting.from);
        let pairs = self.store.scan(shard, &wire::index::dead_space(), &from, PIECE)?;
        let ttl = self.settings.dead_ttl;
        slot.forgetting.next = now.after(if pairs.len() == PIECE { PAUSE } else { ttl / PASSES });
        if let Some((last, _)) = pairs.last().filter(|_| pairs.len() == PIECE) {
            slot.forgetting.from = last.iter().copied().chain([0]).collect();
        }
        let mut old = Vec::new();
        for (key, value) in &pairs {
            let key = wire::index::decode_state_key(key).map_err(index::damaged)?;
            match wire::state::decode_value(&key, value).map_err(index::damaged)? {
                StateValue::Dead(mark) if ttl < now.since(mark.at) => old.push(key),
                StateValue::Dead(_)
                | StateValue::Applied(_)
                | StateValue::Commit(_)
                | StateValue::Position(_)
                | StateValue::Settled(_)
                | StateValue::Connection(_)
                | StateValue::Hold(_)
                | StateValue::Pause(_)
                | StateValue::Ref(_) => {}
            }
        }
        Ok(old)
    }
}

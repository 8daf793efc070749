//! I6 and I13 of a running engine: its local store is the fold of the changelog, and what it holds is bounded.
//! Not here: the fold itself (`ledger`).

use crate::brain::Brain;
use crate::world::{Life, World};
use sluicegate::model::{Shard, Topic};
use sluicegate::ports::{Event, LogEvent};
use sluicegate::wire;
use std::collections::BTreeMap;

/// Turns between two looks at a store to which nothing was committed.
const LOOK_EVERY: u64 = 16;

impl World {
    /// After a turn without a commit under way the changelog part of the store must be the fold, key for key.
    pub fn after_turn(&mut self, who: Life, brain: &Brain) {
        let process = &mut self.processes[who.slot];
        process.turns += 1;
        let looked = std::mem::take(&mut process.committed) || process.turns % LOOK_EVERY == 0;
        for shard in brain.gauges().into_keys().filter(|_| looked) {
            if self.is_settled(who, shard) {
                self.store_is_fold(who, shard);
            }
        }
    }

    /// Nothing is decided that the engine has not been told.
    fn is_settled(&self, who: Life, shard: Shard) -> bool {
        let client = &self.clients[who.slot];
        let undecided = client.pending.as_ref().is_none_or(|pending| {
            pending.txn.is_none_or(|it| self.broker.transaction(it).fate != crate::broker::TxnFate::Committed)
        });
        let unread = self.processes[who.slot].inbox.iter().any(|it| {
            matches!(&it.event, Event::Log(LogEvent::CommitEnded { .. } | LogEvent::Tail { .. }))
        });
        undecided && !unread && !client.unsettled && self.group.is_owner(who, shard) && client.owned.contains(&shard)
    }

    fn store_is_fold(&mut self, who: Life, shard: Shard) {
        let Some(copy) = self.disks[who.slot].copies.get(&shard) else { return };
        let fold = self.ledger.fold(shard);
        let mut expected = BTreeMap::new();
        for (topic, map) in [(Topic::State, &fold.state), (Topic::Applied, &fold.applied)] {
            for (key, value) in map {
                let (key, _) = wire::state::decode(topic, key, Some(value)).unwrap();
                expected.insert(wire::index::state_key(&key), value.clone());
            }
        }
        let wrong = expected.iter().find(|it| copy.live.get(it.0) != Some(it.1)).map(|it| it.0.clone());
        let known = |key: &[u8]| wire::index::decode_state_key(key).is_ok();
        let count = copy.live.keys().filter(|it| known(it)).count();
        if wrong.is_some() || count != expected.len() {
            let extra = copy.live.keys().find(|it| known(it) && !expected.contains_key(*it)).cloned();
            let what = format!("{who}: the store of shard {shard} is not the fold: wrong {wrong:?}, too much {extra:?}");
            self.broken("I6", what);
        }
    }
}

//! I6 and I13 of a running engine: its local store is the fold of the changelog, and what it holds is bounded.
//! Not here: the fold itself (`ledger`).

use crate::brain::Brain;
use crate::ledger::Del;
use crate::marks::Mark;
use crate::world::{Life, World};
use sluicegate::machine::Gauges;
use sluicegate::model::{EntryKey, Object, Shard, StateKey, Topic};
use sluicegate::ports::{Event, LogEvent};
use sluicegate::wire;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Turns between two looks at a store to which nothing was committed.
const LOOK_EVERY: u64 = 16;

impl World {
    /// After a turn without a commit under way the changelog part of the store must be the fold, key for key.
    pub fn after_turn(&mut self, who: Life, brain: &Brain) {
        let process = &mut self.processes[who.slot];
        process.turns += 1;
        let looked = std::mem::take(&mut process.committed) || process.turns.is_multiple_of(LOOK_EVERY);
        for (shard, gauges) in brain.gauges().into_iter().filter(|_| looked) {
            self.marks.hit_if(self.options.machine.waiting_bytes_max <= gauges.waiting_bytes, Mark::DiskFull);
            if self.is_settled(who, shard) {
                self.store_is_fold(who, shard);
                self.dead_are_counted(who, shard, brain);
                if gauges.building == 0 && self.clients[who.slot].pending.is_none() {
                    self.counts_what_waits(who, shard, &gauges);
                }
            }
        }
    }

    /// What is kept up with each change is what lies there.
    fn counts_what_waits(&mut self, who: Life, shard: Shard, gauges: &Gauges) {
        let Some(copy) = self.disks[who.slot].copies.get(&shard) else { return };
        let entries = copy.live.iter().filter_map(|(key, value)| {
            let key = wire::index::decode_entry_key(key).ok()?;
            Some(wire::index::decode_entry(&key, value).unwrap())
        });
        let sizes: Vec<u64> = entries.map(|it| it.message.size() as u64).collect();
        let (count, bytes) = (sizes.len() as u64, sizes.iter().sum::<u64>());
        let waiting = gauges.waiting.values().sum::<u64>() - gauges.on_way;
        if (waiting, gauges.waiting_bytes) != (count, bytes) {
            let what = format!(
                "{who}: {waiting} wait with {} bytes in shard {shard}, the index has {count} with {bytes}",
                gauges.waiting_bytes
            );
            self.broken("I13", what);
        }
    }

    /// Nothing is decided that the engine has not been told.
    fn is_settled(&self, who: Life, shard: Shard) -> bool {
        let client = &self.clients[who.slot];
        let undecided = client.pending.as_ref().is_none_or(|pending| {
            pending.txn.is_none_or(|it| self.broker.transaction(it).fate != crate::broker::TxnFate::Committed)
        });
        let unread = self.processes[who.slot]
            .inbox
            .iter()
            .any(|it| matches!(&it.event, Event::Log(LogEvent::CommitEnded { .. } | LogEvent::Tail { .. })));
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
            let what =
                format!("{who}: the store of shard {shard} is not the fold: wrong {wrong:?}, too much {extra:?}");
            self.broken("I6", what);
        }
    }

    /// What people are told of dead letters is what the changelog says, whoever owned the shard before.
    fn dead_are_counted(&mut self, who: Life, shard: Shard, brain: &Brain) {
        let dead = |key: &[u8]| matches!(wire::state::decode(Topic::State, key, None), Ok((StateKey::Dead(_, _), _)));
        let expected = self.ledger.fold(shard).state.keys().filter(|it| dead(it)).count() as u64;
        let counted = brain.dead_letters().get(&shard).map(|it| it.values().sum::<u64>());
        if counted != Some(expected) {
            self.broken("I6", format!("{who}: shard {shard} has {expected} dead letters, {counted:?} are counted"));
        }
    }

    /// Which keys of a waiting delivery lie in its owner's store: for whoever looks for why it waits.
    pub fn where_it_lies(&self, del: Del) -> String {
        let (Some(conn), Some(slot)) = (del.conn, self.group.owner.get(&del.shard)) else { return String::new() };
        let Some(copy) = self.disks[*slot].copies.get(&del.shard) else { return "no copy".to_owned() };
        let id = self.workload.connections[usize::from(conn)].id.clone();
        let key = EntryKey { seq: del.seq, connection: id.clone() };
        let timer = copy.live.keys().filter_map(|it| wire::index::decode_timer_key(it).ok()).find(|it| it.1 == key);
        let queues = copy.live.keys().filter_map(|it| wire::index::decode_queue_key(it).ok());
        let queue: Vec<u64> = queues.filter(|it| it.0 == id).map(|it| it.1.0).collect();
        let record = self.ledger.deliveries[&del].record.map(|it| it.record).unwrap_or_default();
        let object = Object(Arc::from(crate::workload::object(record)));
        let hash = wire::hash::record(&id, &object, &format!("r{record}"));
        let records = copy
            .live
            .range(wire::index::record_prefix(hash)..)
            .take_while(|it| it.0.starts_with(&wire::index::record_prefix(hash)));
        let records: Vec<u64> =
            records.filter_map(|it| wire::index::decode_record_key(it.0).ok()).map(|it| it.1.0).collect();
        let entry = copy.live.contains_key(&wire::index::entry_key(&key));
        format!("instance {slot}: entry {entry}, timer {timer:?}, queue {queue:?}, of its record wait {records:?}")
    }
}

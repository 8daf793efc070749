//! What a machine needs to know, read from the local store: committed keys, waiting deliveries, timers, heads.
//! Not here: what is uncommitted; the machine lays that over it.

use crate::engine::Engine;
use crate::engine::index;
use crate::engine::shard::ShardSlot;
use crate::machine::{Aged, EntryFacts, Input, Seen, Waits, Wants};
use crate::model::{
    Connection, ConnectionId, Entry, EntryKey, Millis, Offset, RecordHash, Seq, Shard, StateKey, StateValue, Tier,
};
use crate::ports::{Crms, Log, Store, StoreFault};
use crate::wire;
use std::collections::btree_map;
use std::sync::Arc;

/// Heads of a queue, and what of it could not be read.
type Heads = (Input, Vec<(Aged, String)>);

/// Timers taken in one turn and shard; more wait for the next turn.
const TIMERS_MAX: usize = 1024;
/// Connections whose queues are read in one turn and shard.
const LOADS_MAX: usize = 64;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// What the store says to `wants`.
    pub(super) fn seen(&self, shard: Shard, wants: &Wants) -> Result<Seen, StoreFault> {
        let mut seen = Seen::default();
        self.see_state(shard, wants, &mut seen)?;
        self.see_entries(shard, wants, &mut seen)?;
        for want in &wants.records {
            if let btree_map::Entry::Vacant(place) = seen.records.entry(want.record) {
                place.insert(self.waiting_of(shard, want.record, want.limit)?);
            }
        }
        Ok(seen)
    }

    fn see_state(&self, shard: Shard, wants: &Wants, seen: &mut Seen) -> Result<(), StoreFault> {
        let applied = wants.applied.iter().map(|(tenant, dedupe)| StateKey::Applied(*tenant, *dedupe));
        let dead = wants.dead.iter().map(|(seq, connection)| StateKey::Dead(*seq, connection.clone()));
        let keys: Vec<StateKey> = applied.chain(dead).chain(wants.refs.iter().cloned()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let stored = self.store.get(shard, &keys.iter().map(wire::index::state_key).collect::<Vec<_>>())?;
        for (key, value) in keys.into_iter().zip(stored) {
            let Some(value) = value else { continue };
            match (wire::state::decode_value(&key, &value).map_err(index::damaged)?, key) {
                (StateValue::Applied(mark), StateKey::Applied(_, dedupe)) => {
                    seen.applied.insert(dedupe, mark);
                }
                (StateValue::Dead(mark), key) => {
                    seen.dead.insert(key, mark);
                }
                (StateValue::Ref(mark), key) => {
                    seen.refs.insert(key, mark);
                }
                (
                    StateValue::Applied(_)
                    | StateValue::Commit(_)
                    | StateValue::Position(_)
                    | StateValue::Settled(_)
                    | StateValue::Connection(_)
                    | StateValue::Hold(_)
                    | StateValue::Pause(_),
                    _,
                ) => {}
            }
        }
        Ok(())
    }

    fn see_entries(&self, shard: Shard, wants: &Wants, seen: &mut Seen) -> Result<(), StoreFault> {
        if wants.entries.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = wants.entries.iter().map(wire::index::entry_key).collect();
        for (key, value) in wants.entries.iter().zip(self.store.get(shard, &keys)?) {
            let Some(value) = value else { continue };
            let entry = wire::index::decode_entry(key, &value).map_err(index::damaged)?;
            let waits = Waits::of(&entry, self.timer_of(shard, entry.record, key.seq)?);
            seen.entries.insert(key.clone(), EntryFacts { attempt: entry.attempt, waits });
        }
        Ok(())
    }

    /// The first `limit` waiting deliveries of a record, each with the end of its timer.
    pub(super) fn waiting_of(
        &self,
        shard: Shard,
        record: RecordHash,
        limit: usize,
    ) -> Result<Vec<(Seq, Millis)>, StoreFault> {
        let prefix = wire::index::record_prefix(record);
        let pairs = self.store.scan(shard, &prefix, &prefix, limit)?;
        pairs.iter().map(|(key, value)| Ok((index::seq_of_record(key)?, index::turn(value)?.0.timer()))).collect()
    }

    fn timer_of(&self, shard: Shard, record: RecordHash, seq: Seq) -> Result<Millis, StoreFault> {
        let value = self.store.get(shard, &[wire::index::record_key(record, seq)])?;
        value.into_iter().next().flatten().map_or(Ok(Millis(0)), |it| Ok(index::turn(&it)?.0.timer()))
    }

    /// Retries whose time has come.
    pub(super) fn run_timers(&mut self, now: Millis) {
        let due = |slot: &ShardSlot| slot.timer_next.is_some_and(|it| it <= now);
        let shards: Vec<Shard> = self.shards.iter().filter(|(_, it)| due(it)).map(|(shard, _)| *shard).collect();
        for shard in shards {
            match self.timers(shard, now) {
                Ok(timers) if timers.is_empty() => {}
                Ok(timers) => self.step(now, shard, Input::Due(timers)),
                Err(fault) => self.store_failed(shard, &fault),
            }
        }
    }

    fn timers(&mut self, shard: Shard, now: Millis) -> Result<Vec<(Millis, EntryKey, RecordHash)>, StoreFault> {
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(Vec::new()) };
        let prefix = wire::index::timer_prefix();
        let from = wire::index::timer_from(slot.timers_from);
        let pairs = self.store.scan(shard, &prefix, &from, TIMERS_MAX)?;
        let mut timers = Vec::new();
        slot.timer_next = None;
        for (key, value) in pairs {
            let (due, entry) = wire::index::decode_timer_key(&key).map_err(index::damaged)?;
            if now < due {
                slot.timer_next = Some(due);
                break;
            }
            timers.push((due, entry, index::record(&value)?));
        }
        if let Some((last, _, _)) = timers.last() {
            slot.timers_from = *last;
        }
        if timers.len() == TIMERS_MAX {
            slot.timer_next = Some(now);
        }
        Ok(timers)
    }

    /// Fills the windows of connections that may call, from their queues.
    pub(super) fn load_heads(&mut self, now: Millis) {
        for shard in self.running() {
            let tenants = Arc::clone(&self.tenants);
            let known = |id: &ConnectionId| tenants.get(&id.tenant)?.iter().find(|it| it.id == *id).cloned();
            let is_short = self.is_short();
            let Some(slot) = self.shards.get_mut(&shard) else { continue };
            let after = slot.loaded_last.take();
            let Some(machine) = slot.machine_mut() else { continue };
            machine.tend(now);
            let loads = machine.loads(now, (LOADS_MAX, is_short), after.as_ref(), known);
            slot.loaded_last = loads.last().map(|(last, _, _)| last.clone()).or(after);
            for (id, from, most) in loads {
                let Some(connection) = self.connection(&id) else { continue };
                match self.heads(shard, &connection, from, most) {
                    Ok((input, unreadable)) => {
                        self.step(now, shard, input);
                        self.bury(now, shard, unreadable);
                    }
                    Err(fault) => self.store_failed(shard, &fault),
                }
            }
        }
    }

    /// What cannot be read is no delivery: it would block its record and its topic for ever.
    pub(super) fn bury(&mut self, now: Millis, shard: Shard, unreadable: Vec<(Aged, String)>) {
        if !unreadable.is_empty() {
            self.step(now, shard, Input::Unreadable(unreadable));
        }
    }

    fn heads(&self, shard: Shard, connection: &Arc<Connection>, from: Seq, most: usize) -> Result<Heads, StoreFault> {
        let prefix = wire::index::queue_prefix(&connection.id);
        let pairs = self.store.scan(shard, &prefix, &wire::index::queue_key(&connection.id, from), most.max(1))?;
        let mut seqs = Vec::new();
        for (key, _) in &pairs {
            seqs.push(wire::index::decode_queue_key(key).map_err(index::damaged)?.1);
        }
        let full = pairs.len() == most.max(1);
        let next = seqs.last().filter(|_| full).map(|it| Offset(it.0.saturating_add(1)));
        let (mut heads, mut unreadable) = (Vec::new(), Vec::new());
        for seq in seqs {
            let key = EntryKey { seq, connection: connection.id.clone() };
            let Some(entry) = self.entry(shard, &key)? else { continue };
            match self.decode_head(&entry, connection) {
                Ok(head) => heads.push(head),
                Err(what) => unreadable.push((self.aged(shard, entry)?, what)),
            }
        }
        Ok((Input::Heads { connection: connection.id.clone(), heads, next }, unreadable))
    }

    pub(super) fn entry(&self, shard: Shard, key: &EntryKey) -> Result<Option<Entry>, StoreFault> {
        let value = self.store.get(shard, &[wire::index::entry_key(key)])?.into_iter().next().flatten();
        value.map(|it| wire::index::decode_entry(key, &it).map_err(index::damaged)).transpose()
    }

    /// The entry as it lies, its timer included.
    pub(super) fn aged(&self, shard: Shard, entry: Entry) -> Result<Aged, StoreFault> {
        let waits = Waits::of(&entry, self.timer_of(shard, entry.record, entry.key.seq)?);
        Ok(Aged { key: entry.key, record: entry.record, waits, message: entry.message, paused_at: None })
    }

    /// The connection as configured now.
    pub(super) fn connection(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.tenants.get(&id.tenant)?.iter().find(|it| it.id == *id).cloned()
    }

    /// The oldest waiting message of a delay topic, or what has been filed if none waits.
    pub(super) fn oldest(&self, shard: Shard, tier: Tier, from: Offset) -> Result<Option<Offset>, StoreFault> {
        let prefix = wire::index::message_prefix(tier);
        let from = wire::index::message_key(crate::model::Place { tier, offset: from });
        let pairs = self.store.scan(shard, &prefix, &from, 1)?;
        let first = pairs.first().map(|(key, _)| wire::index::decode_message_key(key)).transpose();
        Ok(first.map_err(index::damaged)?.map(|it| it.offset))
    }

    pub(super) fn running(&self) -> Vec<Shard> {
        self.shards.iter().filter(|(_, slot)| slot.is_running()).map(|(shard, _)| *shard).collect()
    }

    /// How an entry lies in the index.
    pub(super) fn waits_of(&self, shard: Shard, key: &EntryKey) -> Result<Option<(RecordHash, Waits)>, StoreFault> {
        let Some(entry) = self.entry(shard, key)? else { return Ok(None) };
        let timer = self.timer_of(shard, entry.record, key.seq)?;
        Ok(Some((entry.record, Waits::of(&entry, timer))))
    }
}

//! From assignment to running: the local copy is opened, brought up to the changelog, and the index to the topics.
//! Not here: whether a copy is usable (`store`); reading a topic (the log).
//!
//! Order matters: the changelog first, to the end seen at assignment; what it says is settled leaves the index;
//! then the delay topics are filed; only then are jobs read, and only after a first commit is anything called.

use crate::engine::shard::{Phase, ShardSlot};
use crate::engine::{Engine, index};
use crate::fail_points::{self, FailPoint};
use crate::machine::{Dice, Machine, Restored};
use crate::model::{Millis, Offset, Received, Shard, Tier, Topic};
use crate::ports::{Assignment, Batch, Crms, Log, Opened, Store, StoreFault};
use crate::wire;
use std::collections::BTreeMap;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn assigned(&mut self, now: Millis, assignment: Assignment) {
        let shard = assignment.shard;
        // The log takes it along when it is left.
        if self.draining {
            return;
        }
        self.let_go(now, shard, false);
        match self.open(now, &assignment) {
            Ok(from) => {
                let quiet_until = self.quiet.get(&shard).copied().unwrap_or(Millis(0));
                tracing::info!(%shard, ?from, "shard assigned: restoring its state");
                self.shards.insert(shard, ShardSlot::new(assignment, now, quiet_until));
                self.log.open(shard, from);
                self.restored_so_far(now, shard);
            }
            Err(fault) => self.store_failed(shard, &fault),
        }
    }

    /// Opens the local copy; answers from where each topic must be read to bring it up to date.
    fn open(&mut self, now: Millis, assignment: &Assignment) -> Result<BTreeMap<Topic, Offset>, StoreFault> {
        let shard = assignment.shard;
        let mut kept = self.store.open(shard, &assignment.identity, now)? == Opened::Kept;
        for topic in [Topic::State, Topic::Applied] {
            let start = assignment.starts.get(&topic).copied().unwrap_or_default();
            let behind = self.stored_offset(shard, &wire::index::changelog_key(topic))?.is_some_and(|it| it < start);
            if kept && behind && topic == Topic::State {
                self.store.set_aside(shard, "it lies behind the start of its changelog")?;
                kept = false;
            }
        }
        if kept && self.is_ahead(assignment)? {
            self.store.set_aside(shard, "it has seen more than the log holds: a topic was made anew")?;
            kept = false;
        }
        let mut from = BTreeMap::new();
        for topic in Topic::ALL {
            let key = match topic {
                Topic::State | Topic::Applied => wire::index::changelog_key(topic),
                Topic::Delay(_) => wire::index::read_key(topic),
                Topic::Jobs | Topic::Dlq | Topic::Outcomes => continue,
            };
            let start = assignment.starts.get(&topic).copied().unwrap_or_default();
            let stored = if kept { self.stored_offset(shard, &key)? } else { None };
            from.insert(topic, stored.unwrap_or(start).max(start));
        }
        Ok(from)
    }

    /// Whether the copy has read further than a topic reaches.
    fn is_ahead(&self, assignment: &Assignment) -> Result<bool, StoreFault> {
        let delays = Tier::ALL.map(Topic::Delay);
        for topic in delays.into_iter().chain([Topic::State, Topic::Applied]) {
            let key = match topic {
                Topic::Delay(_) => wire::index::read_key(topic),
                Topic::State | Topic::Applied | Topic::Jobs | Topic::Dlq | Topic::Outcomes => {
                    wire::index::changelog_key(topic)
                }
            };
            let end = assignment.ends.get(&topic).copied().unwrap_or_default();
            if self.stored_offset(assignment.shard, &key)?.is_some_and(|it| end < it) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn stored_offset(&self, shard: Shard, key: &[u8]) -> Result<Option<Offset>, StoreFault> {
        let value = self.store.get(shard, &[key.to_vec()])?.into_iter().next().flatten();
        value.map(|it| index::offset(&it)).transpose()
    }

    /// Changelog messages go into the store together with how far it has come.
    pub(super) fn restore(
        &mut self,
        now: Millis,
        shard: Shard,
        topic: Topic,
        (messages, position): (Vec<Received>, Offset),
    ) {
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        let Phase::Restoring { position: positions } = &mut slot.phase else { return };
        positions.insert(topic, position);
        let batch = match changelog_batch(topic, &messages, position) {
            Ok(batch) => batch,
            Err(fault) => return self.cannot_read(shard, topic, &fault),
        };
        if let Err(fault) = self.store.write(shard, batch) {
            return self.store_failed(shard, &fault);
        }
        fail_points::reach(FailPoint::DuringRestore);
        self.restored_so_far(now, shard);
    }

    /// A value of the changelog that this version cannot read stops the process: guessing would lose or repeat.
    fn cannot_read(&mut self, shard: Shard, topic: Topic, fault: &wire::state::StateFault) {
        let what = format!(
            "shard {shard}: {}.{} holds something this version cannot read: {fault}; run the version that wrote it",
            self.settings.prefix,
            topic.suffix()
        );
        self.stop(crate::ports::LogFault { what });
    }

    /// Goes on to the next phase if everything of this one is there.
    pub(super) fn restored_so_far(&mut self, now: Millis, shard: Shard) {
        let Some(slot) = self.shards.get(&shard) else { return };
        let end = |topic: Topic| slot.assignment.ends.get(&topic).copied().unwrap_or_default();
        match &slot.phase {
            Phase::Restoring { position } => {
                let reached = |topic| position.get(&topic).copied().unwrap_or_default() >= end(topic);
                let restored = reached(Topic::State) && reached(Topic::Applied);
                if let Some(Err(fault)) = restored.then(|| self.start_filing(now, shard)) {
                    self.store_failed(shard, &fault);
                }
            }
            Phase::Filing(machine) => {
                let filed = |tier| machine.filed(Topic::Delay(tier)) >= end(Topic::Delay(tier));
                if Tier::ALL.into_iter().all(filed) && slot.unfiled.is_empty() {
                    self.start_running(now, shard);
                }
            }
            Phase::Running(_) | Phase::Closing { .. } => {}
        }
    }

    fn start_filing(&mut self, now: Millis, shard: Shard) -> Result<(), StoreFault> {
        let Some(slot) = self.shards.get(&shard) else { return Ok(()) };
        if slot.machine().is_some() {
            return Ok(());
        }
        let mut restored = self.read_state(shard)?;
        self.count_dead(shard)?;
        restored.at = now;
        self.drop_settled(shard, &restored)?;
        self.queue_heads(shard)?;
        self.read_index(shard, &mut restored)?;
        let machine = self.machine(shard, &restored);
        if let Some(fault) = self.contradiction(shard, &restored, &machine) {
            self.stop(fault);
            return Ok(());
        }
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(()) };
        slot.timer_next = Some(Millis(0));
        slot.phase = Phase::Filing(Box::new(machine));
        self.file_shard(now, shard);
        self.restored_so_far(now, shard);
        Ok(())
    }

    fn machine(&mut self, shard: Shard, restored: &Restored) -> Machine {
        let settings = crate::machine::Settings {
            shard,
            incarnation: self.incarnation,
            idempotency_ttl: self.settings.idempotency_ttl,
            retry: self.settings.retry,
            hold_after: self.settings.hold_after,
            connection_calls_max: self.settings.connection_calls_max,
            call_deadline: self.settings.call_deadline,
            window_max: self.settings.window_max,
            line_bytes_max: self.settings.memory_bytes / LINES_PER_BUDGET,
            bug: self.settings.bug,
        };
        self.dice.roll();
        let dice = Dice(self.dice.0 ^ u64::from(shard.0));
        Machine::new(settings, restored, dice, &mut self.notes)
    }

    fn start_running(&mut self, now: Millis, shard: Shard) {
        let Some(slot) = self.shards.get_mut(&shard) else { return };
        let phase = std::mem::replace(&mut slot.phase, Phase::restoring());
        let Phase::Filing(machine) = phase else {
            slot.phase = phase;
            return;
        };
        let from = machine.jobs_position();
        tracing::info!(%shard, %from, "shard restored: reading jobs");
        slot.phase = Phase::Running(machine);
        self.log.read_jobs(shard, from);
        self.configure(now, shard);
    }
}

/// Connections that may fill the memory budget before one alone is stopped.
const LINES_PER_BUDGET: usize = 16;

/// What a piece of a changelog writes into the store.
fn changelog_batch(topic: Topic, messages: &[Received], position: Offset) -> Result<Batch, wire::state::StateFault> {
    let mut batch = Batch::default();
    for received in messages {
        let key = received.message.key.as_deref().unwrap_or_default();
        let (key, value) = wire::state::decode(topic, key, received.message.value.as_deref())?;
        let value = value.as_ref().map(wire::state::encode_value);
        batch.writes.push((wire::index::state_key(&key), value));
    }
    batch.writes.push((wire::index::changelog_key(topic), Some(position.0.to_be_bytes().to_vec())));
    Ok(batch)
}

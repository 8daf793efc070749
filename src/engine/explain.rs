//! Why the deliveries of a tenant wait: what the machine knows, and a bounded look into the index.
//! Not here: the words for it (`ops`).

use crate::engine::shard::ShardSlot;
use crate::engine::{Engine, index};
use crate::machine::Machine;
use crate::model::{Because, ConnectionId, Entry, EntryKey, Millis, Shard, TenantId};
use crate::ports::{Crms, Explained, Log, Question, StandingLine, Store, StoreFault, Waiters};
use crate::wire;
use std::collections::{BTreeMap, BTreeSet};

/// Entries of a connection's queue that are looked at for each question.
const QUEUE_MAX: usize = 256;
/// Timers that are looked at for each question; those of others are among them.
const TIMERS_MAX: usize = 4_096;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Answers at once. Reads at most a few thousand keys of the local store.
    pub(super) fn explain(&mut self, now: Millis, question: Question) {
        let Question { tenant, connection, answer } = question;
        let shards = self.shards.values().next().map(|it| it.assignment.shards);
        let home = shards.map(|it| wire::partitioner::home(&tenant, it));
        let slot = home.and_then(|it| self.shards.get(&it));
        let mut explained = Explained {
            now,
            home,
            phase: slot.map(|it| it.phase.name()),
            connections: Vec::new(),
            latecomers: slot.map_or(0, |it| latecomers(it, &tenant)),
            attempts_max: self.settings.retry.retries.saturating_add(1),
        };
        if let Some((shard, machine)) = home.zip(slot.and_then(ShardSlot::machine)) {
            let meant = |id: &ConnectionId| connection.as_ref().is_none_or(|name| *name == id.name);
            let ids = self.connections_of(&tenant, machine).into_iter().filter(meant);
            let lines: Result<Vec<_>, _> = ids.map(|id| self.standing_line(now, (shard, machine), id)).collect();
            match lines {
                Ok(lines) => explained.connections = lines,
                Err(fault) => self.store_failed(shard, &fault),
            }
        }
        answer(explained);
    }

    /// Those configured, and those that something is known of.
    fn connections_of(&self, tenant: &TenantId, machine: &Machine) -> BTreeSet<ConnectionId> {
        let configured = self.tenants.get(tenant).into_iter().flatten().map(|it| it.id.clone());
        let waiting = machine.waiting().filter(|(_, count)| 0 < *count).map(|(id, _)| id.clone());
        let known = waiting.chain(machine.holds().keys().cloned()).filter(|it| it.tenant == *tenant);
        configured.chain(known).collect()
    }

    fn standing_line(
        &self,
        now: Millis,
        (shard, machine): (Shard, &Machine),
        id: ConnectionId,
    ) -> Result<StandingLine, StoreFault> {
        let connection = self.connection(&id);
        let pauses = machine.pauses().iter().filter(|(scope, pause)| {
            let covers = connection.as_ref().is_some_and(|it| scope.covers(&id, Some(it.crm)));
            covers && pause.until.is_none_or(|it| now < it)
        });
        let (ready, calls) = machine.in_memory(&id);
        let mut line = StandingLine {
            hold: machine.holds().get(&id).cloned(),
            pauses: pauses.map(|(scope, pause)| (scope.clone(), pause.clone())).collect(),
            waiting: BTreeMap::new(),
            ready,
            calls,
            connection,
            id,
        };
        for (because, count) in machine.waiting_of_connection(&line.id) {
            line.waiting.insert(because, Waiters { count, ..Waiters::default() });
        }
        if !line.waiting.is_empty() {
            self.look_into_queue(shard, &mut line)?;
            self.look_at_timers(shard, &mut line)?;
        }
        Ok(line)
    }

    /// The first of its heads, lowest `seq` first.
    fn look_into_queue(&self, shard: Shard, line: &mut StandingLine) -> Result<(), StoreFault> {
        let prefix = wire::index::queue_prefix(&line.id);
        for (key, _) in self.store.scan(shard, &prefix, &prefix, QUEUE_MAX)? {
            let (connection, seq) = wire::index::decode_queue_key(&key).map_err(index::damaged)?;
            if let Some(entry) = self.entry(shard, &EntryKey { seq, connection })? {
                see(line, &entry);
            }
        }
        Ok(())
    }

    /// The first retries that are not yet due.
    fn look_at_timers(&self, shard: Shard, line: &mut StandingLine) -> Result<(), StoreFault> {
        let prefix = wire::index::timer_prefix();
        for (key, _) in self.store.scan(shard, &prefix, &prefix, TIMERS_MAX)? {
            let (_, key) = wire::index::decode_timer_key(&key).map_err(index::damaged)?;
            if key.connection == line.id
                && let Some(entry) = self.entry(shard, &key)?
            {
                see(line, &entry);
            }
        }
        Ok(())
    }
}

fn see(line: &mut StandingLine, entry: &Entry) {
    let waiters = line.waiting.entry(entry.because).or_default();
    if waiters.oldest.is_none_or(|it| entry.since < it) {
        waiters.oldest = Some(entry.since);
        waiters.first = Some(entry.key.seq);
    }
    if entry.because == Because::Retry && waiters.next.is_none_or(|it| entry.due < it) {
        waiters.next = Some(entry.due);
        waiters.attempt = entry.attempt;
    }
}

fn latecomers(slot: &ShardSlot, tenant: &TenantId) -> u64 {
    let of_tenant = |message| match wire::job::decode(message) {
        Ok(wire::job::Decoded::Job(job)) => job.tenant == *tenant,
        Ok(wire::job::Decoded::Tombstone) | Err(_) => false,
    };
    let count = slot.latecomers.values().filter(|(_, received)| of_tenant(&received.message)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

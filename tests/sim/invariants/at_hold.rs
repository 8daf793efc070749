//! What must hold when a call starts at a connection that is paused or held: H1 nothing is called that a person paused,
//! H2 what is held is probed with one delivery, when it is due, the least tried first.
//! Not here: when a hold begins; its tables are tested beside it.

use crate::ledger::Del;
use crate::marks::Mark;
use crate::workload::{ConnIx, JobIx, RecordIx};
use crate::world::{Life, World};
use sluicegate::model::{Because, Call, HoldCause, Key, Millis, Scope, Shard, Topic};

/// Where the log is calm, what was released so long ago is in the index of whoever has had the shard for as long.
const SURELY_FILED_MS: u64 = 6_000;

impl World {
    pub fn holds_allow(&mut self, who: Life, call: &Call, (conn, inputs): (ConnIx, &[(JobIx, RecordIx)])) {
        if self.absent.contains(&conn) {
            self.broken("H3", format!("{who} calls {}, which is not configured", call.connection.id));
        }
        self.is_not_paused(who, call.shard, conn);
        self.is_a_probe(who, call, (conn, inputs));
    }

    /// H1, from the moment in which its process is told: by a command that it was shown, or by the changelog.
    fn is_not_paused(&mut self, who: Life, shard: Shard, conn: ConnIx) {
        let connection = self.workload.connections[usize::from(conn)].clone();
        let id = connection.id.clone();
        let scopes =
            [Scope::All, Scope::Crm(connection.crm), Scope::Tenant(id.tenant.clone()), Scope::Connection(id.clone())];
        let view = self.processes[who.slot].view.shards.get(&shard);
        let end = |scope: &Scope| match view.and_then(|it| it.commands.get(scope)) {
            Some(heard) => *heard,
            None => self.ledger.fold(shard).pauses.get(scope).map(|it| it.until.unwrap_or(Millis(u64::MAX))),
        };
        let paused = scopes.iter().find(|it| end(it).is_some_and(|until| self.now < until));
        if let Some(scope) = paused {
            self.broken("H1", format!("{who} calls {id}, although {scope} is paused until {:?}", end(scope)));
        }
    }

    /// H4: whether its owner has known since `from` that a person pauses the connection, and still does.
    pub fn is_paused_since(&self, del: Del, from: Millis) -> bool {
        let Some(conn) = del.conn else { return false };
        let connection = &self.workload.connections[usize::from(conn)];
        let scopes = [
            Scope::All,
            Scope::Crm(connection.crm),
            Scope::Tenant(connection.id.tenant.clone()),
            Scope::Connection(connection.id.clone()),
        ];
        let owners = self.processes.iter().filter_map(|it| it.view.shards.get(&del.shard));
        let Some(view) = owners.max_by_key(|it| it.begun) else { return false };
        scopes.iter().any(|scope| {
            let heard = view.commands.get(scope).map(|until| (*until, view.commanded.get(scope).copied()));
            let kept = || {
                let pause = self.ledger.fold(del.shard).pauses.get(scope)?;
                Some((Some(pause.until.unwrap_or(Millis(u64::MAX))), Some(view.begun)))
            };
            let (until, since) = heard.or_else(kept).unwrap_or_default();
            until.is_some_and(|it| self.now < it) && since.is_some_and(|it| it <= from)
        })
    }

    /// H2, as far as the changelog tells; what the process has learnt since is in its view.
    fn is_a_probe(&mut self, who: Life, call: &Call, (conn, inputs): (ConnIx, &[(JobIx, RecordIx)])) {
        let id = self.workload.connections[usize::from(conn)].id.clone();
        let Some((hold, committed)) = self.ledger.fold(call.shard).holds.get(&id).cloned() else { return };
        let view = self.processes[who.slot].view.shards.get(&call.shard);
        let freed = view.and_then(|it| it.freed.get(&conn)).is_some_and(|it| hold.since <= *it);
        // to resume is to try at once
        let resumed = self.ledger.commands.values().any(|it| it.pause.is_none());
        let over = hold.cause == HoldCause::Quota && (hold.next <= self.now || resumed);
        if freed || over || hold.cause == HoldCause::Unconfigured {
            return;
        }
        let since = view.map_or(Millis(0), |it| it.begun);
        self.marks.hit(Mark::Probed);
        self.marks.hit_if(committed < since, Mark::ProbedAfterRestart);
        let epoch = view.map_or(0, |it| it.epoch);
        let others =
            self.crm.flights.iter().filter(|it| {
                it.who == who && it.conn == conn && it.shard == call.shard && it.epoch == epoch && !it.ended
            });
        if inputs.len() != 1 || 0 < others.count() || hold.cause == HoldCause::Quota {
            let what = format!("{who} calls {id} with {} inputs while it is held: {hold:?}", inputs.len());
            return self.broken("H2", what);
        }
        // other credentials are tried at once
        let told = view.and_then(|it| it.told.get(&conn)).is_some_and(|it| hold.since <= *it);
        self.marks.hit_if(told && hold.cause == HoldCause::Outage && self.now < hold.next, Mark::TriedOtherAccess);
        if hold.cause == HoldCause::Outage && self.now < hold.next && !resumed && !told {
            let what = format!("{who} probes {id} {} ms early: {hold:?}", hold.next.0 - self.now.0);
            return self.broken("H2", what);
        }
        if let Some(probe) = self.called_delivery(who, call.shard, (inputs[0].0, conn)) {
            self.is_the_least_tried(who, probe, since);
        }
    }

    /// Of those that surely are in the window none has fewer attempts.
    fn is_the_least_tried(&mut self, who: Life, probe: Del, since: Millis) {
        let waiting: Vec<Del> = self
            .ledger
            .deliveries
            .iter()
            .filter(|it| it.0.conn == probe.conn && it.1.release.is_some())
            .map(|it| *it.0)
            .collect();
        let attempts = |del: Del| self.ledger.deliveries[&del].release.as_ref().map_or(0, |it| it.attempt);
        let own = attempts(probe);
        self.marks.hit_if(waiting.iter().any(|it| own < attempts(*it)), Mark::ProbeHadAChoice);
        let (log, process) = (&self.options.log, &self.options.process);
        let steady = process.freezes == 0 && 10 <= process.events_max;
        let calm = log.unknown == 0 && log.abort == 0 && log.marker_ms <= 800 && steady;
        let machine = &self.options.machine;
        // memory that is short holds one call's worth of each
        let at_ease = 64 << 20 <= machine.memory_bytes;
        let window = machine.window_max.min(2 * machine.batch_max * machine.connection_calls_max);
        let all_loaded = at_ease && 2 * waiting.len() <= window;
        if !calm || !all_loaded || self.now.0 < since.0 + SURELY_FILED_MS {
            return;
        }
        let missed = waiting.into_iter().find(|it| attempts(*it) < own && self.is_surely_a_head(who, *it));
        if let Some(missed) = missed {
            let what = format!(
                "{who} probes with {} after {own} attempts and not with {}, after {}",
                self.name(probe),
                self.name(missed),
                attempts(missed)
            );
            self.broken("H2", what);
        }
    }

    fn is_surely_a_head(&self, who: Life, del: Del) -> bool {
        let entry = &self.ledger.deliveries[&del];
        let (Some(release), Some(record)) = (&entry.release, entry.record) else { return false };
        let due = if release.because == Because::Retry { release.due } else { release.at };
        let long_ago = due.max(release.at).0 + SURELY_FILED_MS < self.now.0;
        let Some(view) = self.processes[who.slot].view.shards.get(&del.shard) else { return false };
        // one without a unique key may have to wait for a search to be up to date
        if self.key(record.conn) != Key::Unique {
            return false;
        }
        let first = self.ledger.dels_of(record).take_while(|it| *it < del).all(|it| {
            let earlier = &self.ledger.deliveries[&it];
            !earlier.outcomes.is_empty() && earlier.outcomes.len() > earlier.rewinds as usize
        });
        let read = view.shown.get(&Topic::Jobs).is_some_and(|it| del.seq < *it);
        long_ago && first && read && !view.ended.contains(&del) && entry.outcomes.is_empty()
    }
}

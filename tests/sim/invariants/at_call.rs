//! What must hold when a call starts: I2 never again what succeeded, I4 only with a lease, I5 in order and one at a time,
//! I10 no retry early, I13 no call too large.
//! Not here: what must hold of a commit (`at_commit`) and at the end (`at_end`).

use crate::crm::DEADLINE_MS;
use crate::ledger::{Del, Entry};
use crate::workload::{ConnIx, JobIx, Kind, RecordIx};
use crate::world::{Life, World};
use sluicegate::model::{Because, Call, Commit, Key, Millis, Shard, Topic};

/// A third of the session: how long a commit lets calls start.
const LEASE_MS: u64 = crate::group::SESSION_MS / 3;

impl World {
    pub fn at_call_start(&mut self, who: Life, call: &Call, (conn, inputs): (ConnIx, &[(JobIx, RecordIx)])) {
        self.has_lease(who, call.shard);
        self.is_within_bounds(who, call, conn);
        let taken = call.cost().calls;
        self.the_crm_is_believed(who, call.shard, (conn, taken));
        for (job, record) in inputs {
            match self.called_delivery(who, call.shard, (*job, conn)) {
                Some(del) => {
                    self.may_be_called(who, del, *record);
                    self.are_not_out_twice(who, del, *record);
                }
                None => {
                    let what = format!("{who} calls for job {job} at shard {}, which is no delivery there", call.shard);
                    self.broken("I7", what);
                }
            }
        }
    }

    fn is_within_bounds(&mut self, who: Life, call: &Call, conn: ConnIx) {
        let batch_max = self.workload.connections[usize::from(conn)].batch_max;
        let out = self.crm.flights.iter().rev().take_while(|it| self.now.0 < it.started.0 + DEADLINE_MS);
        let current = |shard| self.processes[who.slot].view.shards.get(&shard).map(|it| it.epoch);
        let out: Vec<_> = out.filter(|it| it.who == who && !it.ended && current(it.shard) == Some(it.epoch)).collect();
        let of_conn = out.iter().filter(|it| it.conn == conn).count();
        let machine = &self.options.machine;
        let fits = !call.inputs.is_empty() && call.inputs.len() <= batch_max;
        if !fits || machine.calls_max <= out.len() || machine.connection_calls_max <= of_conn {
            let what = format!(
                "{who} starts a call with {} inputs, with {} calls out, {of_conn} of them of {}",
                call.inputs.len(),
                out.len(),
                call.connection.id
            );
            self.broken("I13", what);
        }
    }

    /// Neither a record nor a key is in two calls at once, nor twice in one.
    fn are_not_out_twice(&mut self, who: Life, del: Del, record: RecordIx) {
        let key = self.key_of(del);
        let view = &mut self.processes[who.slot].view;
        let records = view.records_out.entry(record).or_default();
        *records += 1;
        let mut twice = 1 < *records;
        if let Some(key) = key {
            let keys = view.keys_out.entry(key).or_default();
            *keys += 1;
            twice |= 1 < *keys;
        }
        if twice {
            self.broken("I5", format!("{who} calls for {} while its record or its key is in a call", self.name(del)));
        }
    }

    fn has_lease(&mut self, who: Life, shard: Shard) {
        let lease = self.processes[who.slot].view.shards.get(&shard).and_then(|it| it.lease_until);
        if lease.is_none_or(|until| until < self.now) {
            let now = self.now;
            self.broken("I4", format!("{who} calls for shard {shard} at {now} with lease {lease:?}"));
        }
    }

    /// Which delivery a call means, if a job lies at more than one offset: the first that is not over.
    pub fn called_delivery(&self, who: Life, shard: Shard, job: (JobIx, ConnIx)) -> Option<Del> {
        let dels: Vec<Del> = self.ledger.by_job.get(&job)?.iter().filter(|it| it.shard == shard).copied().collect();
        let view = self.processes[who.slot].view.shards.get(&shard);
        let open = |it: &&Del| {
            let entry = &self.ledger.deliveries[*it];
            entry.outcomes.len() <= entry.rewinds as usize && view.is_none_or(|view| !view.ended.contains(*it))
        };
        // One that was rewound while it waited has no life to spare, although it may look so; nor has one skipped for good.
        let lives = |it: &&Del| {
            let entry = &self.ledger.deliveries[*it];
            let unread = entry.skipped && entry.rewinds == 0;
            open(it) && !unread && (entry.outcomes.is_empty() || entry.release.is_some() || entry.revive)
        };
        let meant = dels.iter().find(lives).or_else(|| dels.iter().find(open));
        meant.or_else(|| dels.first()).copied()
    }

    fn may_be_called(&mut self, who: Life, del: Del, record: RecordIx) {
        let entry = &self.ledger.deliveries[&del];
        if entry.record != Some(record) {
            let what = format!("{who} sends job {} to {record:?}, meant for {:?}", entry.job, entry.record);
            return self.broken("I2", what);
        }
        if entry.rewinds as usize + self.unremembered(entry) < entry.outcomes.len() {
            let what = format!("{who} calls for {} although it ended as {:?}", self.name(del), entry.outcomes);
            return self.broken("I2", what);
        }
        self.is_not_on_its_way(who, del);
        self.is_not_applied(who, del);
        self.is_not_early(who, del);
        self.is_not_overtaking(who, del, record);
    }

    /// Released by a commit, and its message not yet read back: nobody knows what came before it in the topic.
    fn is_not_on_its_way(&mut self, who: Life, del: Del) {
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        let Some((tier, offset)) = view.and_then(|it| it.on_way.get(&del)).copied() else { return };
        let shown = view.and_then(|it| it.shown.get(&Topic::Delay(tier))).copied().unwrap_or_default();
        if shown <= offset {
            let what = format!("{who} calls for {} while it is on its way at {tier:?}/{offset}", self.name(del));
            self.broken("I5", what);
        }
    }

    fn is_not_applied(&mut self, who: Life, del: Del) {
        let Some(key) = self.key_of(del) else { return };
        let ttl = self.options.machine.ttl_ms;
        let committed = self.ledger.applied.get(&key).copied();
        if committed.is_some_and(|at| self.now.0 + 1_000 < at.0 + ttl) {
            let what = format!("{who} calls for {} although its key succeeded at {committed:?}", self.name(del));
            return self.broken("I2", what);
        }
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        if view.is_some_and(|it| it.applied.contains(&key)) && committed.is_none() {
            let what = format!("{who} calls for {} although it was told that its key succeeded", self.name(del));
            self.broken("I2", what);
        }
    }

    fn is_not_early(&mut self, who: Life, del: Del) {
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        let answered = view.and_then(|it| it.not_before.get(&del)).copied().unwrap_or_default();
        let released = self.ledger.deliveries[&del].release.as_ref();
        let promised = released.filter(|it| it.because == Because::Retry).map_or(Millis(0), |it| it.due);
        let due = answered.max(promised);
        // It may have expired, and another copy of its job be meant.
        if self.has_waited_out(&self.ledger.deliveries[&del]) {
            return;
        }
        // Each process goes by its own clock.
        if self.now.0 + 2 * self.options.limits.clock_ms < due.0 {
            let what = format!("{who} retries {} {} ms early", self.name(del), due.0 - self.now.0);
            self.broken("I10", what);
        }
    }

    fn is_not_overtaking(&mut self, who: Life, del: Del, record: RecordIx) {
        let earlier = self.ledger.dels_of(record).take_while(|it| *it < del);
        let overtaken = earlier.into_iter().find(|it| !self.is_over(who, *it));
        if let Some(overtaken) = overtaken {
            let what = format!("{who} calls for {} before {}, which is not over", self.name(del), self.name(overtaken));
            self.broken("I5", what);
        }
    }

    /// Whether a delivery has ended, as far as this process may know.
    fn is_over(&self, who: Life, del: Del) -> bool {
        let entry = &self.ledger.deliveries[&del];
        let missed = self.may_miss(del) && entry.release.is_none();
        if !entry.outcomes.is_empty() || entry.skipped || missed {
            return true;
        }
        let view = self.processes[who.slot].view.shards.get(&del.shard);
        let key = self.key_of(del);
        let known = key.is_some_and(|it| {
            self.ledger.applied.contains_key(&it) || view.is_some_and(|view| view.applied.contains(&it))
        });
        self.has_waited_out(entry)
            || self.may_have_died_unknown(del, entry)
            || known
            || view.is_some_and(|it| it.ended.contains(&del))
            || self.is_expired(del, entry)
    }

    /// It was announced by a former life, nobody can look whether it was done, and perhaps no commit has said so yet.
    fn may_have_died_unknown(&self, del: Del, entry: &Entry) -> bool {
        let (Some(conn), Some(record)) = (del.conn, entry.record) else { return false };
        let id = self.workload.connections[usize::from(conn)].id.clone();
        let announced = self.ledger.fold(del.shard).announced.get(&(id, format!("r{}", record.record).into()));
        self.key(conn) == Key::None && announced == Some(&del.seq)
    }

    /// Its time is over, and perhaps no commit has said so yet.
    fn has_waited_out(&self, entry: &Entry) -> bool {
        let max_wait = self.options.machine.max_wait_ms;
        entry.release.as_ref().is_some_and(|it| it.ages_from.0 + max_wait < self.now.0)
    }

    /// Read again after so long that nobody remembers whether it succeeded.
    pub fn is_expired(&self, del: Del, entry: &Entry) -> bool {
        let age = self.now.0.saturating_sub(self.workload.spec(entry.job).at.0);
        0 < entry.rewinds && self.options.machine.ttl_ms <= age && del.conn.is_some()
    }

    pub fn key_of(&self, del: Del) -> Option<(ConnIx, u32)> {
        match &self.workload.spec(self.ledger.deliveries[&del].job).kind {
            Kind::Valid { key, .. } => Some((del.conn?, *key)),
            Kind::Malformed | Kind::UnknownTenant { .. } | Kind::NoRoute { .. } | Kind::Tombstone => None,
        }
    }

    /// A commit that holds a shard lets its owner call for a while after its start.
    pub fn extend_lease(&mut self, slot: usize, commit: &Commit, started: Millis) {
        for shard in commit.shards.keys() {
            let view = self.processes[slot].view.shards.entry(*shard).or_default();
            let until = Millis(started.0 + LEASE_MS);
            view.lease_until = Some(view.lease_until.map_or(until, |it| it.max(until)));
        }
    }

    /// A delivery in words.
    pub fn name(&self, del: Del) -> String {
        let entry = self.ledger.deliveries.get(&del);
        let job = entry.map_or_else(|| "?".to_owned(), |it| it.job.to_string());
        let key = entry.and_then(|_| self.key_of(del)).map(|it| format!(" k{}", it.1)).unwrap_or_default();
        let conn = del
            .conn
            .map_or_else(|| "nobody".to_owned(), |it| self.workload.connections[usize::from(it)].id.to_string());
        let record = entry.and_then(|it| it.record).map(|it| format!(" r{}", it.record)).unwrap_or_default();
        format!("job {job} ({}/{} for {conn}{record}{key})", del.shard, del.seq)
    }
}

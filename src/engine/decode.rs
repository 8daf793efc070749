//! Messages become words: what the machine is told of a job, a waiting delivery, a loaded head.
//! Not here: the bytes (`wire`); what follows (`machine`).

use crate::engine::Engine;
use crate::machine::{Bug, Head, JobRead, Target, Verdict, WaitingContent, WaitingRead, Waits};
use crate::model::{Because, Connection, Entry, Job, Millis, Place, Reason, Received, Shard, Tier};
use crate::ports::{Crms, Log, Store};
use crate::wire;
use std::sync::Arc;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn decode_job(&self, received: Received, (shard, shards): (Shard, u32)) -> JobRead {
        let verdict = match wire::job::decode(&received.message) {
            Ok(wire::job::Decoded::Tombstone) => Verdict::Ignored,
            Ok(wire::job::Decoded::Job(job)) => self.verdict(job, (shard, shards)),
            Err(malformed) => Verdict::Malformed { reason: malformed.reason, what: malformed.what },
        };
        JobRead { offset: received.offset, message: Arc::new(received.message), verdict }
    }

    fn verdict(&self, mut job: Job, (shard, shards): (Shard, u32)) -> Verdict {
        let home = wire::partitioner::home(&job.tenant, shards);
        if home != shard && self.settings.bug != Some(Bug::KeepsStrangers) {
            return Verdict::Forward(home);
        }
        let Some((tenant, connections)) = self.tenants.get_key_value(&job.tenant) else {
            let what = format!("tenant `{}` is not in the configuration", job.tenant);
            return Verdict::Malformed { reason: Reason::UnknownTenant, what };
        };
        // One text for all of its jobs.
        job.tenant = tenant.clone();
        let meant = |it: &&Arc<Connection>| job.connection.as_ref().is_none_or(|name| *name == it.id.name);
        let targets: Vec<Target> = connections.iter().filter(meant).map(|it| target(it, &job)).collect();
        if targets.is_empty() {
            let what = match &job.connection {
                Some(name) => format!("tenant `{}` has no connection `{name}`", job.tenant),
                None => format!("tenant `{}` has no connection", job.tenant),
            };
            return Verdict::Malformed { reason: Reason::NoRoute, what };
        }
        Verdict::Deliver { job: Arc::new(job), targets }
    }

    /// A waiting delivery as the machine takes it.
    ///
    /// # Errors
    /// In words, when its message is no job: somebody else wrote it.
    pub(super) fn decode_head(&self, entry: &Entry, connection: &Arc<Connection>) -> Result<Head, String> {
        let facts = wire::headers::waiting_facts(&entry.message).map_err(|it| it.what)?;
        let original = wire::headers::original(&entry.message, &facts);
        let job = match wire::job::decode(&original).map_err(|it| it.what)? {
            wire::job::Decoded::Job(job) => job,
            wire::job::Decoded::Tombstone => return Err("it waits and has no value".to_owned()),
        };
        let mut target = target(connection, &job);
        target.record = entry.record;
        let timer = match entry.because {
            Because::Retry => entry.due,
            Because::RateLimit | Because::Held | Because::Order => Millis(0),
        };
        Ok(Head {
            seq: entry.key.seq,
            waits: Waits::of(entry, timer),
            target,
            job: Arc::new(job),
            original: Arc::new(original),
            attempt: entry.attempt,
            history: facts.history,
            since: entry.since,
            paused_at: facts.paused_at,
        })
    }
}

fn target(connection: &Arc<Connection>, job: &Job) -> Target {
    Target {
        connection: Arc::clone(connection),
        tenant: wire::hash::tenant(&job.tenant),
        dedupe: wire::hash::dedupe(&connection.id, &job.idempotency_key),
        record: wire::hash::record(&connection.id, &job.change.object, &job.change.external_id),
    }
}

/// A message of a delay topic of `shard`.
pub(super) fn decode_waiting(received: Received, tier: Tier, shard: Shard) -> WaitingRead {
    let offset = received.offset;
    if wire::command::is_command(&received.message) {
        let content = match wire::command::decode(&received.message) {
            Ok(command) => WaitingContent::Command(Box::new(command)),
            Err(what) => WaitingContent::Strange { message: Arc::new(received.message), what },
        };
        return WaitingRead { offset, content };
    }
    let content = match wire::headers::waiting_facts(&received.message) {
        Ok(facts) if facts.origin.shard == shard => WaitingContent::Entry(Box::new(Entry {
            key: crate::model::EntryKey { seq: facts.origin.seq, connection: facts.connection },
            place: Place { tier, offset },
            record: facts.record,
            attempt: facts.attempt,
            because: facts.because,
            due: facts.due,
            since: facts.since,
            message: received.message,
        })),
        Ok(facts) => WaitingContent::Strange {
            message: Arc::new(received.message),
            what: format!("it names shard {} as its origin and lies in shard {shard}", facts.origin.shard),
        },
        Err(malformed) => WaitingContent::Strange { message: Arc::new(received.message), what: malformed.what },
    };
    WaitingRead { offset, content }
}

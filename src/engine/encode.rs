//! A part of a commit becomes messages: changelog, delay topics, dead letters, outcomes, forwarded jobs.
//! Not here: the bytes (`wire`); what is in a part (`machine`).

use crate::engine::Engine;
use crate::machine::{DeadLetter, Ended, Forwarded, Part, Released, Renewed, Suspect};
use crate::model::{Attempt, History, Message, Origin, Outgoing, Seq, Shard, Topic};
use crate::ports::{Crms, Log, Store};
use crate::wire;
use crate::wire::headers::{DeadFacts, WaitingFacts};
use std::sync::Arc;

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Every message of a part, changelog last.
    pub(super) fn encode(&self, shard: Shard, part: &Part) -> Vec<Outgoing> {
        let count = part.released.len()
            + part.renewed.len()
            + part.dead.len()
            + part.forwarded.len()
            + part.ended.len()
            + part.puts.len();
        let mut messages = Vec::with_capacity(count);
        let jobs = &self.full_name(Topic::Jobs);
        messages.extend(part.released.iter().map(|it| released(origin(jobs, shard, it.delivery.seq), it)));
        messages.extend(part.dead.iter().map(|it| self.dead(shard, it)));
        messages.extend(part.forwarded.iter().map(forwarded));
        messages.extend(part.renewed.iter().map(|it| renewed(shard, it)));
        if self.settings.outcomes {
            messages.extend(part.ended.iter().map(|it| outcome(&origin(jobs, shard, it.delivery.seq), it)));
        }
        messages.extend(part.puts.iter().map(|(key, value)| Outgoing {
            topic: key.topic(),
            shard,
            key: Some(wire::state::encode_key(key)),
            value: value.as_ref().map(|it| wire::state::encode_value(it).into()),
            headers: Vec::new(),
            timestamp: None,
        }));
        messages
    }

    /// Which message of the part is the `index`th that `encode` made.
    pub(super) fn suspect(part: &Part, index: usize) -> Suspect {
        let dead = index.checked_sub(part.released.len());
        let forwarded = dead.and_then(|it| it.checked_sub(part.dead.len()));
        let renewed = forwarded.and_then(|it| it.checked_sub(part.forwarded.len()));
        match (dead, forwarded, renewed) {
            (None, _, _) => Suspect::Released(index),
            (Some(index), None, _) => Suspect::Dead(index),
            (Some(_), Some(index), None) => Suspect::Forwarded(index),
            (Some(_), Some(_), Some(index)) if index < part.renewed.len() => Suspect::Renewed(index),
            (Some(_), Some(_), Some(_)) => Suspect::Other,
        }
    }

    fn dead(&self, shard: Shard, letter: &DeadLetter) -> Outgoing {
        let delivery = letter.delivery.as_deref();
        let facts = DeadFacts {
            connection: delivery.map(|it| it.target.connection.id.clone()),
            record: delivery.map(|it| it.target.record),
            attempt: delivery.map_or(Attempt(0), |it| it.attempt),
            since: delivery.and_then(|it| it.since),
            origin: origin(&self.full_name(letter.topic), shard, letter.offset),
            origin_timestamp: letter.original.timestamp,
            history: delivery.map_or_else(History::default, |it| cut(&it.history, letter.refusals)),
            reason: letter.reason,
            exhausted: letter.exhausted,
            what: letter.what.clone(),
        };
        Outgoing {
            topic: Topic::Dlq,
            shard,
            key: letter.original.key.clone(),
            value: letter.original.value.clone(),
            headers: wire::headers::dead_headers(&letter.original, &facts),
            timestamp: None,
        }
    }

    fn full_name(&self, topic: Topic) -> Arc<str> {
        format!("{}.{}", self.settings.prefix, topic.suffix()).into()
    }
}

fn origin(topic: &Arc<str>, shard: Shard, seq: Seq) -> Origin {
    Origin { topic: Arc::clone(topic), shard, seq }
}

fn released(origin: Origin, released: &Released) -> Outgoing {
    let (delivery, shard) = (&released.delivery, origin.shard);
    let facts = WaitingFacts {
        connection: delivery.target.connection.id.clone(),
        record: delivery.target.record,
        attempt: delivery.attempt,
        because: released.because,
        due: released.due,
        since: released.since,
        paused_at: released.delivery.paused_at.filter(|_| released.refusals == 0),
        origin,
        origin_timestamp: delivery.original.timestamp,
        history: cut(&delivery.history, released.refusals),
    };
    Outgoing {
        topic: Topic::Delay(released.tier),
        shard,
        key: delivery.original.key.clone(),
        value: delivery.original.value.clone(),
        headers: wire::headers::waiting_headers(&delivery.original, &facts),
        timestamp: None,
    }
}

fn outcome(origin: &Origin, ended: &Ended) -> Outgoing {
    let delivery = &ended.delivery;
    let job = &delivery.job;
    let connection = &delivery.target.connection;
    let (key, value) = wire::outcome::encode(&wire::outcome::Ended {
        tenant: Some(&job.tenant),
        connection: Some(&connection.id.name),
        crm: Some(connection.crm),
        event_type: Some(&job.event_type),
        idempotency_key: Some(&job.idempotency_key),
        object: Some(&job.change.object),
        external_id: Some(&job.change.external_id),
        record_id: ended.record_id.as_deref(),
        outcome: ended.outcome,
        reason: ended.reason,
        code: ended.code.as_deref(),
        attempts: delivery.attempt,
        occurred_at: Some(job.occurred_at),
        at: ended.at,
        origin,
    });
    Outgoing {
        topic: Topic::Outcomes,
        shard: origin.shard,
        key,
        value: Some(value),
        headers: Vec::new(),
        timestamp: None,
    }
}

/// The same message with the same headers, at the end of the same topic; only under a pause it is marked.
fn renewed(shard: Shard, it: &Renewed) -> Outgoing {
    let message = it.message.clone();
    let marked = it.paused_at.map(|at| wire::headers::with_pause(message.clone(), at));
    let Message { key, value, headers, timestamp: _ } = marked.unwrap_or(message);
    Outgoing { topic: Topic::Delay(it.tier), shard, key, value, headers, timestamp: None }
}

/// What is left of the history of a message that the log has refused so often; never less of the message itself.
fn cut(history: &History, refusals: u32) -> History {
    match refusals {
        0 => history.clone(),
        1 => wire::history::ends(history),
        _ => wire::history::count(history),
    }
}

/// The same message, at the same time, to its tenant's home.
fn forwarded(forwarded: &Forwarded) -> Outgoing {
    let original = &forwarded.original;
    Outgoing {
        topic: Topic::Jobs,
        shard: forwarded.home,
        key: original.key.clone(),
        value: original.value.clone(),
        headers: original.headers.clone(),
        timestamp: Some(original.timestamp),
    }
}

//! The rebalance callback: what arrives is noted, what goes waits for the loop's last commit.
//! Not here: looking up where a shard stands (`ends`); the member's thread (`member`).

use crate::kafka::context::{note, pass_on};
use crate::kafka::emitter::Emitter;
use crate::kafka::ownership::Ownership;
use crate::kafka::reader::{ReaderCommand, ReaderHandle};
use crate::kafka::settings::shard;
use crate::model::Shard;
use crate::ports::LogEvent;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a revoked shard is kept for the loop's last commit (core rules §9).
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct MemberContext {
    pub(super) ownership: Arc<Ownership>,
    pub(super) emitter: Arc<Emitter>,
    pub(super) reader: ReaderHandle,
    /// Assigned by Kafka, not yet handed to the loop.
    arrived: Mutex<Vec<Shard>>,
}

impl MemberContext {
    pub(super) fn new(ownership: Arc<Ownership>, emitter: Arc<Emitter>, reader: ReaderHandle) -> Self {
        Self { ownership, emitter, reader, arrived: Mutex::new(Vec::new()) }
    }

    pub(super) fn arrivals(&self) -> Vec<Shard> {
        self.arrived().clone()
    }

    pub(super) fn forget_arrivals(&self, shards: &[Shard]) {
        self.arrived().retain(|shard| !shards.contains(shard));
    }

    /// Somebody else has these already: nothing is waited for.
    pub(super) fn give_up(&self, shards: &[Shard]) {
        self.ownership.lose(shards);
        self.reader.send(ReaderCommand::Close(shards.to_vec()));
        if !shards.is_empty() {
            tracing::warn!(shards = ?shards.iter().map(|it| it.0).collect::<Vec<_>>(), "shards lost");
            self.reader.send(ReaderCommand::Tell(LogEvent::Lost(shards.to_vec())));
        }
    }

    /// Gives these up as soon as the loop has closed them, or when patience is over. Blocks the member's thread.
    fn part_with(&self, shards: &[Shard]) {
        self.ownership.ask(shards);
        tracing::info!(shards = ?shards.iter().map(|it| it.0).collect::<Vec<_>>(), "shards revoked");
        self.reader.send(ReaderCommand::Tell(LogEvent::Revoking(shards.to_vec())));
        if !self.ownership.await_closed(shards, PATIENCE) {
            tracing::warn!("shards were given up although their last commit had not ended");
        }
        self.ownership.lose(shards);
        self.reader.send(ReaderCommand::Close(shards.to_vec()));
    }

    fn revoked(&self, shards: &[Shard], lost: bool) {
        let owned = self.ownership.owned();
        let told: Vec<Shard> = shards.iter().copied().filter(|shard| owned.contains(shard)).collect();
        self.forget_arrivals(shards);
        if told.is_empty() || self.ownership.leaving() {
            self.ownership.lose(shards);
        } else if lost {
            self.give_up(&told);
        } else {
            self.part_with(&told);
        }
    }

    fn arrived(&self) -> MutexGuard<'_, Vec<Shard>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        pass_on(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        note(&error, reason);
    }
}

impl ConsumerContext for MemberContext {
    /// Runs on the member's thread, inside `poll`.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let shards: Vec<Shard> = list.elements().iter().filter_map(|it| shard(it.partition())).collect();
        let cooperative = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => true,
            RebalanceProtocol::Eager | RebalanceProtocol::None => false,
        };
        let confirmed = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.arrived().extend(shards);
            confirm(consumer, cooperative)
        } else {
            self.revoked(&shards, consumer.assignment_lost());
            release(consumer, cooperative)
        };
        if let Err(error) = confirmed {
            tracing::warn!(%error, "the answer to a rebalance was refused");
        }
    }
}

/// Confirms an assignment with nothing to fetch: the reader fetches.
fn confirm(consumer: &BaseConsumer<MemberContext>, cooperative: bool) -> KafkaResult<()> {
    let nothing = TopicPartitionList::new();
    if cooperative { consumer.incremental_assign(&nothing) } else { consumer.assign(&nothing) }
}

fn release(consumer: &BaseConsumer<MemberContext>, cooperative: bool) -> KafkaResult<()> {
    if cooperative { consumer.incremental_unassign(&TopicPartitionList::new()) } else { consumer.unassign() }
}

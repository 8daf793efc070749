//! Writes single messages from outside the loop: jobs, dead letters to be replayed, an operator's commands.
//! Not here: what they say; transactions.

use crate::kafka::context::Quiet;
use crate::kafka::errors::KafkaFault;
use crate::kafka::message::{headers, offset};
use crate::kafka::settings::{KafkaSettings, QUESTION, Role, partition, shard};
use crate::model::{Header, Offset, Shard, Topic};
use bytes::Bytes;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::sync::Arc;

/// Shared by `enqueue`, `POST /v1/jobs` and the replay of dead letters. Cloning shares the connection.
/// Dropping the last clone may block for half a second.
#[derive(Clone)]
pub struct JobProducer {
    settings: Arc<KafkaSettings>,
    producer: FutureProducer<Quiet>,
}

/// One message from outside.
#[derive(Clone, Debug)]
pub struct Letter {
    pub topic: Topic,
    /// None: Kafka's default partitioner (murmur2) decides by the key, which is what makes a tenant's home.
    pub shard: Option<Shard>,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
}

impl JobProducer {
    /// Connects when the first message is sent.
    ///
    /// # Errors
    /// `KafkaFault::Settings` when librdkafka refuses a property.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaFault> {
        settings.check()?;
        let producer = FutureProducer::from_config_and_context(&settings.client(Role::Produce), Quiet)
            .map_err(|error| KafkaFault::of(&error))?;
        Ok(Self { settings: Arc::new(settings), producer })
    }

    /// Returns once all in-sync replicas hold the message. Needs a tokio runtime.
    ///
    /// # Errors
    /// `Saturated` when more is under way than memory holds for 5 s, `Refused` and `Unauthorized` when the same
    /// would happen again, `Unreachable` when Kafka did not take it within 10 s: it may or may not be there.
    pub async fn send(&self, letter: &Letter) -> Result<(Shard, Offset), KafkaFault> {
        let topic = self.settings.topic(letter.topic);
        let mut record = FutureRecord::<[u8], [u8]>::to(&topic);
        record.partition = letter.shard.map(partition);
        record.key = letter.key.as_deref();
        record.payload = letter.value.as_deref();
        record.headers = headers(&letter.headers);
        let sent = self.producer.send(record, QUESTION).await.map_err(|(error, _)| KafkaFault::of(&error))?;
        Ok((shard(sent.partition).unwrap_or_default(), offset(sent.offset)))
    }
}

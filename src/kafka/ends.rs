//! Where the topics of newly assigned shards stand, asked in the order that loses nothing (facts/kafka.md R2):
//! first the group's stable offsets, then the ends by a client that sees uncommitted messages.
//! Not here: who asks (`member`).

use crate::kafka::admin::Admin;
use crate::kafka::context::Quiet;
use crate::kafka::errors::{KafkaFault, forbids};
use crate::kafka::member::{LEASE, MemberConsumer};
use crate::kafka::message::offset;
use crate::kafka::settings::{KafkaSettings, QUESTION, Role, partition, shard};
use crate::kafka::topics;
use crate::model::{Offset, Shard, Topic};
use crate::ports::{Assignment, LogIdentity};
use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a question has no answer.
pub(super) enum Miss {
    /// Ask again: Kafka is away, or a transaction of a dead owner is still open.
    NotYet(String),
    /// A person must act.
    Wrong(KafkaFault),
}

type Places = BTreeMap<(Topic, Shard), Offset>;

/// Sees the ends of topics, open transactions included.
pub(super) struct Ends {
    settings: Arc<KafkaSettings>,
    client: BaseConsumer<Quiet>,
    admin: Arc<Admin>,
}

impl Ends {
    pub(super) fn new(settings: &Arc<KafkaSettings>, admin: &Arc<Admin>) -> Result<Self, KafkaFault> {
        Ok(Self { settings: Arc::clone(settings), client: client(settings)?, admin: Arc::clone(admin) })
    }

    /// Whether the topics are as they must be. Blocks for a few answers of the cluster.
    pub(super) fn check_topics(&self) -> Result<(), KafkaFault> {
        topics::check(&self.client, &self.admin, &self.settings)
    }

    pub(super) fn client(&self) -> &BaseConsumer<Quiet> {
        &self.client
    }

    /// One assignment per shard. Blocks for a few answers of the cluster.
    pub(super) fn of(&self, member: &MemberConsumer, shards: &[Shard]) -> Result<Vec<Assignment>, Miss> {
        self.check_topics().map_err(|fault| match fault {
            KafkaFault::Unreachable(what) => Miss::NotYet(what),
            other => Miss::Wrong(other),
        })?;
        let identity = self.identity()?;
        let group_offsets = self.group_offsets(member, shards)?;
        let starts = self.places(shards, KafkaOffset::Beginning)?;
        let ends = self.places(shards, KafkaOffset::End)?;
        let of_shard = |places: &Places, shard: Shard| -> BTreeMap<Topic, Offset> {
            places.iter().filter(|((_, at), _)| *at == shard).map(|((topic, _), offset)| (*topic, *offset)).collect()
        };
        Ok(shards
            .iter()
            .map(|&shard| Assignment {
                shard,
                identity: identity.clone(),
                group_offset: group_offsets.get(&shard).copied(),
                starts: of_shard(&starts, shard),
                ends: of_shard(&ends, shard),
                shards: self.settings.partitions,
                lease: LEASE,
            })
            .collect())
    }

    /// librdkafka's Rust face shows no topic ids, so a topic that was deleted and made anew in the same cluster
    /// is told by its offsets only: they end before our position.
    fn identity(&self) -> Result<LogIdentity, Miss> {
        let cluster = self
            .client
            .client()
            .fetch_cluster_id(QUESTION)
            .ok_or_else(|| Miss::NotYet("the cluster id is not known yet".to_owned()))?;
        Ok(LogIdentity(format!("{cluster}/{}/{}", self.settings.topic_prefix, self.settings.partitions)))
    }

    /// The member reads committed only, so librdkafka asks for stable offsets: while a transaction that carries one
    /// is open, there is no answer.
    fn group_offsets(&self, member: &MemberConsumer, shards: &[Shard]) -> Result<BTreeMap<Shard, Offset>, Miss> {
        let jobs = self.settings.topic(Topic::Jobs);
        let mut list = TopicPartitionList::with_capacity(shards.len());
        for shard in shards {
            list.add_partition(&jobs, partition(*shard));
        }
        let list = member.committed_offsets(list, QUESTION).map_err(|error| missed(&error))?;
        let mut offsets = BTreeMap::new();
        for element in list.elements() {
            element.error().map_err(|error| missed(&error))?;
            if let (Some(at), KafkaOffset::Offset(raw)) = (shard(element.partition()), element.offset()) {
                offsets.insert(at, offset(raw));
            }
        }
        Ok(offsets)
    }

    /// Starts or ends of all topics of `shards`: one request per broker.
    fn places(&self, shards: &[Shard], which: KafkaOffset) -> Result<Places, Miss> {
        let topics = self.settings.topics();
        let mut list = TopicPartitionList::with_capacity(shards.len() * topics.len());
        for topic in topics {
            let name = self.settings.topic(topic);
            for shard in shards {
                ask_for(&mut list, &name, *shard, which).map_err(|error| missed(&error))?;
            }
        }
        let list = self.client.offsets_for_times(list, QUESTION).map_err(|error| missed(&error))?;
        let mut places = Places::new();
        for element in list.elements() {
            element.error().map_err(|error| missed(&error))?;
            let place = (self.settings.topic_named(element.topic()), shard(element.partition()), element.offset());
            if let (Some(topic), Some(at), KafkaOffset::Offset(raw)) = place {
                places.insert((topic, at), offset(raw));
            }
        }
        if places.len() < list.count() {
            return Err(Miss::NotYet("the cluster did not say where all topics begin and end".to_owned()));
        }
        Ok(places)
    }
}

/// A client that sees what is not committed yet, and joins nothing.
pub(super) fn client(settings: &KafkaSettings) -> Result<BaseConsumer<Quiet>, KafkaFault> {
    BaseConsumer::from_config_and_context(&settings.client(Role::Ends), Quiet).map_err(|error| KafkaFault::of(&error))
}

/// Kafka's ListOffsets takes "first" and "last" where a time is expected, and librdkafka passes them through.
fn ask_for(list: &mut TopicPartitionList, name: &str, at: Shard, which: KafkaOffset) -> KafkaResult<()> {
    list.add_partition(name, partition(at)).set_offset(which)
}

fn missed(error: &KafkaError) -> Miss {
    match error.rdkafka_error_code() {
        Some(code) if forbids(code) => Miss::Wrong(KafkaFault::of(error)),
        Some(_) | None => Miss::NotYet(error.to_string()),
    }
}

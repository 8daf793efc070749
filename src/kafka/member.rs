//! The group's member: takes shards over and gives them up; reads nothing itself.
//! Not here: reading (`reader`), the order of questions about a new shard (`ends`).
//!
//! Kafka assigns `jobs[p]` to this member; it confirms each assignment with an empty list, so that the broker
//! knows the owner while messages are fetched by the reader alone, from our own positions.

use crate::kafka::admin::Admin;
use crate::kafka::assignment::MemberContext;
use crate::kafka::ends::{Ends, Miss};
use crate::kafka::errors::{KafkaFault, fault, forbids};
use crate::kafka::reader::ReaderCommand;
use crate::kafka::settings::{KafkaSettings, Role, SESSION};
use crate::model::{Shard, Topic};
use crate::ports::Assignment;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the member waits for something to happen before it looks around.
const LOOK: Duration = Duration::from_millis(100);
/// How soon a question that failed is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// A Kafka that has not answered once within this is more likely a wrong address than a broker that restarts: whoever
/// started us is told. One that has answered is waited for as long as it takes.
const START: Duration = Duration::from_secs(30);

pub(super) type MemberConsumer = BaseConsumer<MemberContext>;

/// The member's thread.
pub(super) struct Member {
    pub(super) settings: Arc<KafkaSettings>,
    pub(super) consumer: Arc<MemberConsumer>,
    ends: Ends,
    subscribed: bool,
    /// When the cluster may be asked again.
    next_question: Instant,
    last_trouble: Option<RDKafkaErrorCode>,
    fatal: bool,
    /// Kafka must have answered once by then.
    patient_until: Instant,
}

impl Member {
    pub(super) fn new(
        settings: &Arc<KafkaSettings>,
        context: MemberContext,
        admin: &Arc<Admin>,
    ) -> Result<Self, KafkaFault> {
        let consumer = MemberConsumer::from_config_and_context(&settings.client(Role::Member), context)
            .map_err(|error| KafkaFault::of(&error))?;
        Ok(Self {
            settings: Arc::clone(settings),
            consumer: Arc::new(consumer),
            ends: Ends::new(settings, admin)?,
            subscribed: false,
            next_question: Instant::now(),
            last_trouble: None,
            fatal: false,
            patient_until: Instant::now() + START,
        })
    }

    /// Runs until the log is left. Polls all the time, as `max.poll.interval.ms` demands.
    pub(super) fn run(mut self) {
        while !self.context().ownership.leaving() {
            if !self.subscribed && Instant::now() >= self.next_question && !self.fatal {
                self.join();
            }
            if let Some(Err(error)) = self.consumer.poll(LOOK) {
                self.on_error(&error);
            }
            // Serves the news of a client that is asked only now and then.
            self.ends.client().poll(Duration::ZERO);
            if Instant::now() >= self.next_question {
                self.look_up();
            }
        }
    }

    fn context(&self) -> &Arc<MemberContext> {
        self.consumer.context()
    }

    /// Joins the group once the topics are as they must be.
    fn join(&mut self) {
        match self.ends.check_topics() {
            Ok(()) => {
                let jobs = self.settings.topic(Topic::Jobs);
                match self.consumer.subscribe(&[jobs.as_str()]) {
                    Ok(()) => self.subscribed = true,
                    Err(error) => self.stop(KafkaFault::of(&error)),
                }
            }
            Err(KafkaFault::Unreachable(what)) if Instant::now() < self.patient_until => {
                tracing::warn!(what, "kafka does not answer yet");
                self.next_question = Instant::now() + AGAIN;
            }
            Err(fault) => self.stop(fault),
        }
    }

    fn stop(&mut self, fault: KafkaFault) {
        self.fatal = true;
        self.context().emitter.stopped_for(fault.cause(), None, fault.into());
    }

    /// Learns where the topics of newly assigned shards stand, and hands the shards over.
    fn look_up(&mut self) {
        let shards = self.context().arrivals();
        if shards.is_empty() || self.fatal {
            return;
        }
        match self.ends.of(&self.consumer, &shards) {
            Ok(assignments) => self.hand_over(&shards, assignments),
            Err(Miss::NotYet(what)) => {
                tracing::info!(what, "the state of the topics is not known yet");
                self.next_question = Instant::now() + AGAIN;
            }
            Err(Miss::Wrong(fault)) => {
                self.context().forget_arrivals(&shards);
                self.stop(fault);
            }
        }
    }

    fn hand_over(&self, shards: &[Shard], assignments: Vec<Assignment>) {
        let context = self.context();
        context.forget_arrivals(shards);
        context.ownership.take(shards);
        tracing::info!(shards = ?shards.iter().map(|it| it.0).collect::<Vec<_>>(), "shards assigned");
        context.reader.send(ReaderCommand::Assigned(assignments));
    }

    fn on_error(&mut self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) || code == Some(RDKafkaErrorCode::Fatal) {
            self.expelled(error);
            return;
        }
        let Some(code) = code else { return };
        let repeated = self.last_trouble.replace(code) == Some(code);
        if repeated {
            return;
        }
        if forbids(code) || code == RDKafkaErrorCode::UnknownTopicOrPartition {
            let fault = KafkaFault::of(error);
            self.context().emitter.stopped_for(fault.cause(), None, fault.into());
        } else {
            tracing::debug!(%error, "group member trouble");
        }
    }

    /// Another process uses our name, or the group cannot be a member's home any more.
    fn expelled(&mut self, error: &KafkaError) {
        if self.fatal {
            return;
        }
        self.fatal = true;
        let context = self.context();
        context.give_up(&context.ownership.owned());
        let what = format!(
            "kafka expelled this process from its group: {error}; another process probably runs with \
             group_instance_id {:?}: give each its own",
            self.settings.group_instance_id
        );
        context.emitter.stopped(None, fault(what));
    }
}

/// What proves to the broker that we own what we commit; asks librdkafka's own thread, which a waiting rebalance
/// callback does not hold up.
pub(super) fn membership(consumer: &MemberConsumer) -> Option<ConsumerGroupMetadata> {
    consumer.group_metadata()
}

/// Calls start only this long after the last committed transaction began.
pub(super) const LEASE: Duration = Duration::from_secs(SESSION.as_secs() / 3);

//! The reader's thread: fetches `jobs`, the delay topics and the changelogs of open shards, from our own positions.
//! Not here: who owns what (`member`); it reads what it is told to.

use crate::kafka::context::Quiet;
use crate::kafka::emitter::Emitter;
use crate::kafka::errors::{KafkaFault, fault, forbids};
use crate::kafka::message::{offset, raw, received};
use crate::kafka::settings::{KafkaSettings, QUESTION, Role, partition, shard};
use crate::kafka::source::{ReaderConsumer, Source};
use crate::model::{Offset, Received, Shard, Tier, Topic};
use crate::ports::{Assignment, LogEvent, StopCause};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use rdkafka::{Message as _, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How often positions are compared, so that control records and aborted messages are passed.
const POSITIONS: Duration = Duration::from_millis(25);
/// How often every queue is looked into, bell or not.
const SWEEP: Duration = Duration::from_millis(100);
/// How long the reader sleeps when no bell rings.
const NAP: Duration = Duration::from_millis(20);

pub(super) enum ReaderCommand {
    /// Shards that are ours from now on. The reader says so itself: all messages of an earlier life of a shard
    /// were told before, none is told after.
    Assigned(Vec<Assignment>),
    Open {
        shard: Shard,
        from: BTreeMap<Topic, Offset>,
    },
    ReadJobs {
        shard: Shard,
        from: Offset,
    },
    Want {
        shard: Shard,
        topic: Topic,
        wanted: bool,
    },
    Close(Vec<Shard>),
    /// News of ownership go the way of the messages, so that they never overtake the assignment they speak of.
    Tell(LogEvent),
    Leave,
}

/// Where commands go; wakes the reader.
#[derive(Clone)]
pub(super) struct ReaderHandle {
    pub(super) commands: Sender<ReaderCommand>,
    pub(super) thread: Thread,
}

impl ReaderHandle {
    /// A reader that is gone needs no commands: the log is closing.
    pub(super) fn send(&self, command: ReaderCommand) {
        if self.commands.send(command).is_ok() {
            self.thread.unpark();
        }
    }
}

/// Where the topics of a shard stood when it was assigned.
struct Known {
    starts: BTreeMap<Topic, Offset>,
    ends: BTreeMap<Topic, Offset>,
}

pub(super) struct Reader {
    settings: Arc<KafkaSettings>,
    emitter: Arc<Emitter>,
    /// Before the consumer: queues hold on to it.
    sources: BTreeMap<(Shard, Topic), Source>,
    known: BTreeMap<Shard, Known>,
    consumer: Arc<ReaderConsumer>,
    last_trouble: Option<RDKafkaErrorCode>,
}

/// The topics that `open` reads.
const OPENED: [Topic; 7] = [
    Topic::State,
    Topic::Applied,
    Topic::Delay(Tier::S5),
    Topic::Delay(Tier::S10),
    Topic::Delay(Tier::S20),
    Topic::Delay(Tier::S40),
    Topic::Delay(Tier::S80),
];

impl Reader {
    pub(super) fn new(settings: &Arc<KafkaSettings>, emitter: &Arc<Emitter>) -> Result<Self, KafkaFault> {
        let consumer = ReaderConsumer::from_config_and_context(&settings.client(Role::Reader), Quiet)
            .map_err(|error| KafkaFault::of(&error))?;
        Ok(Self {
            settings: Arc::clone(settings),
            emitter: Arc::clone(emitter),
            sources: BTreeMap::new(),
            known: BTreeMap::new(),
            consumer: Arc::new(consumer),
            last_trouble: None,
        })
    }

    /// Runs until told to leave, or until nobody can tell it anything any more.
    pub(super) fn run(mut self, commands: &Receiver<ReaderCommand>) {
        let mut next_positions = Instant::now();
        let mut next_sweep = Instant::now();
        loop {
            match commands.try_recv() {
                Ok(ReaderCommand::Leave) | Err(TryRecvError::Disconnected) => return,
                Ok(command) => {
                    self.obey(command);
                    continue;
                }
                Err(TryRecvError::Empty) => {}
            }
            self.listen();
            let now = Instant::now();
            let sweep = now >= next_sweep;
            if sweep {
                next_sweep = now + SWEEP;
            }
            let more = self.fetch(sweep);
            if now >= next_positions {
                self.pass_gaps();
                next_positions = now + POSITIONS;
            }
            if !more {
                std::thread::park_timeout(NAP);
            }
        }
    }

    fn obey(&mut self, command: ReaderCommand) {
        match command {
            ReaderCommand::Assigned(assignments) => {
                for it in &assignments {
                    self.known.insert(it.shard, Known { starts: it.starts.clone(), ends: it.ends.clone() });
                }
                self.emitter.emit(LogEvent::Assigned(assignments));
            }
            ReaderCommand::Open { shard, from } => {
                for topic in OPENED {
                    self.start(shard, topic, from.get(&topic).copied());
                }
            }
            ReaderCommand::ReadJobs { shard, from } => self.start(shard, Topic::Jobs, Some(from)),
            ReaderCommand::Want { shard, topic: topic @ (Topic::State | Topic::Applied), wanted: false } => {
                self.let_go(|it| *it == (shard, topic));
            }
            ReaderCommand::Want { shard, topic, wanted } => {
                if let Some(source) = self.sources.get_mut(&(shard, topic)) {
                    source.wanted = wanted;
                }
            }
            ReaderCommand::Close(shards) => {
                self.let_go(|(shard, _)| shards.contains(shard));
                self.known.retain(|shard, _| !shards.contains(shard));
            }
            ReaderCommand::Tell(event) => self.emitter.emit(event),
            ReaderCommand::Leave => {}
        }
    }

    /// Starts, or starts again, at `from`; the loop is told where reading really begins.
    fn start(&mut self, shard: Shard, topic: Topic, from: Option<Offset>) {
        let Some(at) = self.beginning(shard, topic, from) else { return };
        let started = if self.sources.contains_key(&(shard, topic)) {
            self.restart(shard, topic, at)
        } else {
            self.begin(shard, topic, at)
        };
        match started {
            Ok(()) => self.tell(shard, topic, Vec::new(), at),
            Err(error) => {
                let what = format!("{} cannot be read: {error}", self.settings.topic(topic));
                self.emitter.stopped(Some(shard), fault(what));
            }
        }
    }

    /// `jobs` begins exactly where the loop says; the rest at the log's start if the place is unknown or gone.
    fn beginning(&self, shard: Shard, topic: Topic, from: Option<Offset>) -> Option<Offset> {
        let known = self.known.get(&shard)?;
        let start = known.starts.get(&topic).copied().unwrap_or_default();
        let end = known.ends.get(&topic).copied().unwrap_or(start);
        match from {
            Some(from) if topic == Topic::Jobs || (start..=end).contains(&from) => Some(from),
            // Ahead of the end seen at assignment: a copy that was kept up to date since.
            Some(from) if from > end && self.sources.contains_key(&(shard, topic)) => Some(from),
            Some(_) | None => Some(start),
        }
    }

    fn begin(&mut self, shard: Shard, topic: Topic, at: Offset) -> KafkaResult<()> {
        let name = self.settings.topic(topic);
        let source = Source::split(&self.consumer, &name, partition(shard), at)
            .ok_or_else(|| KafkaError::Subscription(format!("no queue for {name}/{shard}")))?;
        self.consumer.incremental_assign(&one(&name, shard, KafkaOffset::Offset(raw(at)))?)?;
        self.sources.insert((shard, topic), source);
        Ok(())
    }

    /// Seeking outdates, at once and before it returns, whatever was fetched before; so even a seek that comes too
    /// early (nothing was fetched yet) leaves nothing old behind and the partition can be assigned anew.
    fn restart(&mut self, shard: Shard, topic: Topic, at: Offset) -> KafkaResult<()> {
        let name = self.settings.topic(topic);
        let place = KafkaOffset::Offset(raw(at));
        if self.consumer.seek(&name, partition(shard), place, QUESTION).is_err() {
            self.consumer.incremental_unassign(&one(&name, shard, place)?)?;
            self.consumer.incremental_assign(&one(&name, shard, place)?)?;
        }
        if let Some(source) = self.sources.get_mut(&(shard, topic)) {
            source.position = at;
        }
        Ok(())
    }

    /// Reads nothing more of these partitions.
    fn let_go(&mut self, which: impl Fn(&(Shard, Topic)) -> bool) {
        let mut list = TopicPartitionList::new();
        for (shard, topic) in self.sources.keys().filter(|it| which(it)) {
            list.add_partition(&self.settings.topic(*topic), partition(*shard));
        }
        if list.count() > 0
            && let Err(error) = self.consumer.incremental_unassign(&list)
        {
            tracing::warn!(%error, "partitions that are not read any more could not be let go of");
        }
        self.sources.retain(|it, _| !which(it));
    }

    /// The main queue carries news of the client. Should it ever carry a message, that one is passed on too.
    fn listen(&mut self) {
        let polled = self.consumer.poll(Duration::ZERO).map(|polled| {
            polled.map(|message| {
                let place = (shard(message.partition()), self.settings.topic_named(message.topic()));
                (place, received(&message))
            })
        });
        match polled {
            Some(Ok(((Some(shard), Some(topic)), message))) => self.tell_messages(shard, topic, vec![message]),
            Some(Ok(_)) | None => {}
            Some(Err(error)) => self.on_trouble(None, &error),
        }
    }

    /// Says whether something may be left to fetch.
    fn fetch(&mut self, sweep: bool) -> bool {
        let mut more = false;
        let places: Vec<(Shard, Topic)> = self.sources.keys().copied().collect();
        for (shard, topic) in places {
            let Some(batch) = self.sources.get(&(shard, topic)).map(|source| source.take(sweep)) else { continue };
            more |= batch.more;
            if !batch.messages.is_empty() {
                self.tell_messages(shard, topic, batch.messages);
            }
            if let Some(error) = batch.trouble {
                self.on_trouble(Some((shard, topic)), &error);
            }
        }
        more
    }

    fn tell_messages(&mut self, shard: Shard, topic: Topic, messages: Vec<Received>) {
        let Some(last) = messages.last().map(|it| it.offset) else { return };
        let position = Offset(last.0.saturating_add(1));
        self.tell(shard, topic, messages, position);
    }

    fn tell(&mut self, shard: Shard, topic: Topic, messages: Vec<Received>, position: Offset) {
        let Some(source) = self.sources.get_mut(&(shard, topic)) else { return };
        source.position = position;
        self.emitter.emit(LogEvent::Messages { shard, topic, messages, position });
    }

    /// Tells of positions that moved without a message: control records, aborted messages.
    /// librdkafka's own position moves only when this thread takes something, so it is never ahead of the loop.
    fn pass_gaps(&mut self) {
        if self.sources.is_empty() {
            return;
        }
        let Ok(positions) = self.consumer.position() else { return };
        for element in positions.elements() {
            let place = (shard(element.partition()), self.settings.topic_named(element.topic()), element.offset());
            let (Some(shard), Some(topic), KafkaOffset::Offset(position)) = place else { continue };
            let position = offset(position);
            if self.sources.get(&(shard, topic)).is_some_and(|source| position > source.position) {
                self.tell(shard, topic, Vec::new(), position);
            }
        }
    }

    fn on_trouble(&mut self, place: Option<(Shard, Topic)>, error: &KafkaError) {
        let Some(code) = error.rdkafka_error_code() else { return };
        match place {
            Some((shard, topic)) if code == RDKafkaErrorCode::AutoOffsetReset => self.out_of_range(shard, topic),
            Some((shard, topic)) if forbids(code) || code == RDKafkaErrorCode::UnknownTopicOrPartition => {
                let what = format!("{} cannot be read: {error}", self.settings.topic(topic));
                let cause = if forbids(code) { StopCause::Barred } else { StopCause::Failed };
                self.emitter.stopped_for(cause, Some(shard), fault(what));
            }
            Some(_) | None => {
                if self.last_trouble.replace(code) != Some(code) {
                    tracing::debug!(%error, "reader trouble");
                }
            }
        }
    }

    /// The place we read at is gone. In `applied` that is age at work; anywhere else messages vanished unread.
    fn out_of_range(&mut self, shard: Shard, topic: Topic) {
        let name = self.settings.topic(topic);
        let start = self.consumer.fetch_watermarks(&name, partition(shard), QUESTION).map(|(low, _)| offset(low));
        let position = self.sources.get(&(shard, topic)).map(|source| source.position).unwrap_or_default();
        match start {
            Ok(start) if topic == Topic::Applied && start >= position => match self.restart(shard, topic, start) {
                Ok(()) => self.tell(shard, topic, Vec::new(), start),
                Err(error) => tracing::warn!(%error, topic = name, "reading could not start again"),
            },
            Ok(start) => {
                let what = format!(
                    "{name}/{shard} has no offset {position} any more, it begins at {start}: messages vanished \
                     unread. Look for who changed its retention or deleted records before starting again"
                );
                self.emitter.stopped(Some(shard), fault(what));
            }
            Err(error) => {
                let what =
                    format!("{name}/{shard} has no offset {position} any more, and kafka does not say why: {error}");
                self.emitter.stopped(Some(shard), fault(what));
            }
        }
    }
}

fn one(name: &str, shard: Shard, place: KafkaOffset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(name, partition(shard), place)?;
    Ok(list)
}

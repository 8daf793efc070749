//! One producer's life: makes commits into transactions, one after the other. Every call here may block.
//! Not here: the watchdog over it (`transactions`), whether a commit is tried again.

use crate::fail_points::{self, FailPoint};
use crate::kafka::deliveries::{Deliveries, Tag, Undelivered};
use crate::kafka::errors::{KafkaFault, Verdict, fault, is_of_message};
use crate::kafka::member::{MemberConsumer, membership};
use crate::kafka::message::{headers, raw, timestamp};
use crate::kafka::ownership::{Losses, Ownership};
use crate::kafka::settings::{DELIVERY, KafkaSettings, QUESTION, Role, TRANSACTION, partition};
use crate::model::{Commit, Outgoing, Topic};
use crate::ports::{Culprit, Fate, LogFault};
use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::Offset as KafkaOffset;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long EndTxn is asked for before its outcome counts as unknown.
const END: Duration = Duration::from_secs(10);
/// How finely the end of deliveries is noticed. Waiting for it in `commit_transaction` would cost 100 ms (R1).
const TICK: Duration = Duration::from_millis(1);
/// How long one try to undo a transaction takes: between tries librdkafka's news must be taken, or none succeeds.
const UNDO: Duration = Duration::from_millis(50);

pub(super) struct Transactor {
    settings: Arc<KafkaSettings>,
    ownership: Arc<Ownership>,
    /// The member's thread alone keeps it alive, so that it is closed there.
    member: Weak<MemberConsumer>,
    producer: BaseProducer<Deliveries>,
}

/// A commit that has ended, and whether this producer can make another.
pub(super) struct Ended {
    pub(super) fate: Fate,
    pub(super) usable: bool,
}

/// Why a transaction under way does not reach its end.
struct Halt {
    verdict: Verdict,
    fault: LogFault,
    /// The message of the transaction that it is for, where it is for one.
    index: Option<usize>,
}

/// Why not all messages were delivered.
enum Missed {
    Late,
    Undelivered(Undelivered),
}

impl Transactor {
    pub(super) fn new(
        settings: &Arc<KafkaSettings>,
        ownership: &Arc<Ownership>,
        member: &Weak<MemberConsumer>,
    ) -> Result<Self, KafkaFault> {
        let producer = BaseProducer::from_config_and_context(&settings.client(Role::Commit), Deliveries::new(settings))
            .map_err(|error| KafkaFault::of(&error))?;
        Ok(Self {
            settings: Arc::clone(settings),
            ownership: Arc::clone(ownership),
            member: Weak::clone(member),
            producer,
        })
    }

    /// One try to take over the transactional id; settles whatever its earlier owner left behind.
    pub(super) fn init(&self) -> Result<(), (Verdict, LogFault)> {
        self.producer.init_transactions(END).map_err(|error| {
            let what = format!("transactions as {:?} are refused: {error}", self.settings.transactional_id());
            (Verdict::of(&error), fault(what))
        })
    }

    /// Serves librdkafka's news while nothing is to do.
    pub(super) fn idle(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Blocks until the commit has ended one way or another, in most cases well below 25 s.
    pub(super) fn commit(&self, commit: &Commit, since: Losses) -> Ended {
        let shards = commit.shards.keys().copied();
        let member = || membership(self.member.upgrade()?.as_ref());
        let Some(member) = self.ownership.while_owned(shards, since, member) else {
            let fate = Fate::Aborted(fault("a shard of this commit is not ours any more; it was not begun"));
            return Ended { fate, usable: true };
        };
        let began = Instant::now();
        let filled = match member {
            None => Err(broken("kafka did not say which group member we are")),
            Some(member) => self.fill(commit, &member),
        };
        match filled {
            Ok(()) => {
                fail_points::reach(FailPoint::AfterProduce);
                self.end(began, commit)
            }
            Err(halt) => self.undo(halt, began, commit),
        }
    }

    /// Everything but the end of the transaction: until here it can be undone for certain.
    fn fill(&self, commit: &Commit, member: &ConsumerGroupMetadata) -> Result<(), Halt> {
        self.producer.begin_transaction().map_err(|error| halted("a transaction could not begin", &error))?;
        let transaction = self.producer.context().begin();
        for (index, outgoing) in commit.shards.values().flat_map(|it| &it.messages).enumerate() {
            self.send(outgoing, transaction, index)?;
        }
        self.await_deliveries().map_err(|it| self.cause_of(it, commit, member))?;
        self.send_offsets(commit, member)
    }

    fn send(&self, outgoing: &Outgoing, transaction: usize, index: usize) -> Result<(), Halt> {
        let topic = self.settings.topic(outgoing.topic);
        let until = Instant::now() + DELIVERY;
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&topic, Tag::new(transaction, index).0)
            .partition(partition(outgoing.shard));
        record.key = outgoing.key.as_deref();
        record.payload = outgoing.value.as_deref();
        record.headers = headers(&outgoing.headers);
        record.timestamp = timestamp(outgoing);
        loop {
            match self.producer.send(record) {
                Ok(()) => {
                    self.producer.context().sent();
                    return Ok(());
                }
                Err((error, back)) if is_full(&error) && Instant::now() < until => {
                    self.serve_deliveries();
                    record = back;
                }
                Err((error, _)) => {
                    let halt = halted(&format!("a message for {topic}/{} is refused", outgoing.shard), &error);
                    let blamed = error.rdkafka_error_code().is_some_and(is_of_message);
                    return Err(Halt { index: blamed.then_some(index), ..halt });
                }
            }
        }
    }

    /// librdkafka gives each message up after its own time limit, so this ends.
    fn await_deliveries(&self) -> Result<(), Missed> {
        let until = Instant::now() + DELIVERY + QUESTION;
        loop {
            match self.producer.context().all_delivered() {
                Ok(true) => return Ok(()),
                Err(undelivered) => return Err(Missed::Undelivered(undelivered)),
                Ok(false) if Instant::now() >= until => return Err(Missed::Late),
                Ok(false) => self.serve_deliveries(),
            }
        }
    }

    /// Hears of what was delivered, or waits a moment. Not by `poll` with a time limit: rdkafka spins through the last
    /// millisecond of it, which for a limit of one is all (0.39; a third of the program's CPU time, measured).
    fn serve_deliveries(&self) {
        let before = self.producer.context().outstanding();
        self.producer.poll(Duration::ZERO);
        if self.producer.context().outstanding() == before {
            std::thread::sleep(TICK);
        }
    }

    /// Messages that librdkafka threw away say nothing of why; the next call of the transaction does, and cannot
    /// bring it any nearer to its end.
    fn cause_of(&self, first: Missed, commit: &Commit, member: &ConsumerGroupMetadata) -> Halt {
        match first {
            Missed::Late => broken("kafka did not take the messages of a transaction in time"),
            Missed::Undelivered(it) if it.was_purged() => {
                self.send_offsets(commit, member).err().unwrap_or_else(|| not_delivered(&it))
            }
            Missed::Undelivered(it) => not_delivered(&it),
        }
    }

    fn send_offsets(&self, commit: &Commit, member: &ConsumerGroupMetadata) -> Result<(), Halt> {
        let what = "the group's offsets are refused";
        let jobs = self.settings.topic(Topic::Jobs);
        let mut list = TopicPartitionList::with_capacity(commit.shards.len());
        for (shard, part) in &commit.shards {
            list.add_partition_offset(&jobs, partition(*shard), KafkaOffset::Offset(raw(part.group_offset)))
                .map_err(|error| halted(what, &error))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        let sent = persist(QUESTION, || self.producer.send_offsets_to_transaction(&list, member, QUESTION));
        sent.map_err(|error| halted(what, &error))
    }

    /// The call whose outcome may stay unknown.
    fn end(&self, began: Instant, commit: &Commit) -> Ended {
        let ended = persist(END, || self.producer.commit_transaction(END));
        let Err(error) = ended else {
            return Ended { fate: Fate::Committed { ends: self.producer.context().ends() }, usable: true };
        };
        let halt = halted("a transaction could not end", &error);
        match halt.verdict {
            Verdict::Abort | Verdict::Refuse => self.undo(halt, began, commit),
            Verdict::Fence if began.elapsed() < TRANSACTION => Ended { fate: Fate::Fenced(halt.fault), usable: false },
            Verdict::Fence | Verdict::Retry | Verdict::Broken => {
                Ended { fate: Fate::Unknown(halt.fault), usable: false }
            }
        }
    }

    /// The end was never asked for, or refused: nothing of the transaction can ever be seen, even if Kafka does not
    /// hear of it any more.
    fn undo(&self, halt: Halt, began: Instant, commit: &Commit) -> Ended {
        let fault = halt.fault;
        match halt.verdict {
            Verdict::Fence if began.elapsed() < TRANSACTION => Ended { fate: Fate::Fenced(fault), usable: false },
            Verdict::Fence | Verdict::Broken => Ended { fate: Fate::Aborted(fault), usable: false },
            Verdict::Refuse => {
                self.abort();
                // The refused message leaves a hole in librdkafka's sequence numbers (2.12.1, measured): the next
                // transaction of this producer would be aborted for it.
                let culprit = halt.index.and_then(|it| culprit(commit, it));
                Ended { fate: Fate::Refused { fault, culprit }, usable: false }
            }
            Verdict::Abort | Verdict::Retry => Ended { fate: Fate::Aborted(fault), usable: self.abort() },
        }
    }

    /// Whether the producer is ready for another transaction.
    fn abort(&self) -> bool {
        let undone = persist(END, || {
            self.producer.poll(Duration::ZERO);
            self.producer.abort_transaction(UNDO)
        });
        match undone {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a transaction was not undone; a new producer will");
                false
            }
        }
    }
}

/// Calls again while that is what librdkafka asks for, as every other call would be refused.
fn persist(patience: Duration, mut call: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    let until = Instant::now() + patience;
    loop {
        match call() {
            Err(error) if Verdict::of(&error) == Verdict::Retry && Instant::now() < until => {}
            result => return result,
        }
    }
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

fn halted(what: &str, error: &KafkaError) -> Halt {
    Halt { verdict: Verdict::of(error), fault: fault(format!("{what}: {error}")), index: None }
}

fn not_delivered(it: &Undelivered) -> Halt {
    let what = format!("a message for {} could not be delivered: {}", it.place, it.code);
    let index = is_of_message(it.code).then_some(it.index);
    Halt { verdict: Verdict::of_delivery(it.code), fault: fault(what), index }
}

fn broken(what: &str) -> Halt {
    Halt { verdict: Verdict::Broken, fault: fault(what), index: None }
}

/// Where in the commit the `index`th of all its messages is.
fn culprit(commit: &Commit, index: usize) -> Option<Culprit> {
    let mut index = index;
    for (shard, part) in &commit.shards {
        if index < part.messages.len() {
            return Some(Culprit { shard: *shard, index });
        }
        index -= part.messages.len();
    }
    None
}

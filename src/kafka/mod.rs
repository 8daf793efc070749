//! The log on Apache Kafka, through librdkafka.
//! Not here: what the messages mean, when to commit.
//!
//! Threads: `member` holds our place in the consumer group · `reader` fetches from our own positions ·
//! `transactions` watches over the producer's thread, where commits block · `purge` deletes what is settled.

mod admin;
mod assignment;
mod context;
mod deliveries;
mod emitter;
mod ends;
mod errors;
mod member;
mod message;
mod ownership;
mod plan;
mod produce;
mod purge;
mod reader;
mod settings;
mod shape;
mod source;
mod tail;
mod topics;
mod transactions;
mod transactor;

pub use emitter::Listener;
pub use errors::KafkaFault;
pub use plan::{Acl, Bill, Change, Plan, Wrong, apply, plan};
pub use produce::{JobProducer, Letter};
pub use settings::{KafkaSettings, SESSION};

use crate::kafka::assignment::MemberContext;
use crate::kafka::emitter::Emitter;
use crate::kafka::member::Member;
use crate::kafka::ownership::Ownership;
use crate::kafka::purge::Purge;
use crate::kafka::reader::{Reader, ReaderCommand, ReaderHandle};
use crate::kafka::transactions::{Parts, Task, Transactions, Wake};
use crate::model::{Commit, Offset, Shard, Topic};
use crate::ports::Log;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Leaving takes at most this long, whatever Kafka does.
const FAREWELL: Duration = Duration::from_secs(5);

/// The product's log. Its methods never block; see `ports::Log` for what they mean.
pub struct KafkaLog {
    emitter: Arc<Emitter>,
    ownership: Arc<Ownership>,
    reader: ReaderHandle,
    transactions: Sender<Wake>,
    /// Gone once the log is left.
    purges: Option<Sender<Purge>>,
    threads: Vec<JoinHandle<()>>,
}

impl KafkaLog {
    /// Starts the threads; Kafka need not answer yet. Everything else is said to `listener`.
    ///
    /// # Errors
    /// `KafkaFault::Settings` when librdkafka refuses a property.
    pub fn start(settings: KafkaSettings, listener: Listener) -> Result<Self, KafkaFault> {
        settings.check()?;
        let settings = Arc::new(settings);
        let emitter = Arc::new(Emitter::new(listener));
        let ownership = Arc::new(Ownership::default());
        let (reader, reader_thread) = start_reader(&settings, &emitter)?;
        let context = MemberContext::new(Arc::clone(&ownership), Arc::clone(&emitter), reader.clone());
        let admin = Arc::new(admin::admin(&settings)?);
        let member = Member::new(&settings, context, &admin)?;
        let (transactions, wakes) = channel();
        let parts = Parts {
            settings: Arc::clone(&settings),
            ownership: Arc::clone(&ownership),
            member: Arc::downgrade(&member.consumer),
            wakes: transactions.clone(),
        };
        let committing = Transactions::new(parts, &emitter);
        let (purges, wishes) = channel();
        let threads = vec![
            reader_thread,
            spawn("kafka-member", move || member.run())?,
            spawn("kafka-transactions", move || committing.run(&wakes))?,
            spawn("kafka-purge", move || purge::run(&settings, &admin, &wishes))?,
        ];
        Ok(Self { emitter, ownership, reader, transactions, purges: Some(purges), threads })
    }

    /// Tells all threads to end; returns them the first time.
    fn dismiss(&mut self) -> Vec<JoinHandle<()>> {
        self.ownership.leave();
        self.reader.send(ReaderCommand::Leave);
        self.transactions.send(Wake::Leave).unwrap_or_default();
        self.purges = None;
        std::mem::take(&mut self.threads)
    }

    fn depart(&mut self) {
        let threads = self.dismiss();
        let emitter = Arc::clone(&self.emitter);
        let farewell = spawn("kafka-close", move || {
            await_end(&threads);
            emitter.close();
        });
        if farewell.is_err() {
            self.emitter.close();
        }
    }
}

impl Log for KafkaLog {
    fn open(&mut self, shard: Shard, from: BTreeMap<Topic, Offset>) {
        self.reader.send(ReaderCommand::Open { shard, from });
    }

    fn read_jobs(&mut self, shard: Shard, from: Offset) {
        self.reader.send(ReaderCommand::ReadJobs { shard, from });
    }

    fn want(&mut self, shard: Shard, topic: Topic, wanted: bool) {
        self.reader.send(ReaderCommand::Want { shard, topic, wanted });
    }

    fn commit(&mut self, commit: Arc<Commit>) {
        self.transactions.send(Wake::Task(Task::Commit(commit, self.ownership.losses()))).unwrap_or_default();
    }

    fn settle(&mut self, shard: Shard, from: Offset) {
        self.transactions.send(Wake::Task(Task::Settle { shard, from })).unwrap_or_default();
    }

    fn purge(&mut self, shard: Shard, topic: Topic, below: Offset) {
        if let Some(purges) = &self.purges {
            purges.send(Purge { shard, topic, below }).unwrap_or_default();
        }
    }

    fn close(&mut self, shards: &[Shard]) {
        self.ownership.close(shards);
        self.reader.send(ReaderCommand::Close(shards.to_vec()));
    }

    fn leave(&mut self) {
        self.depart();
    }
}

impl Drop for KafkaLog {
    /// Says nothing any more and does not wait: what still ends, ends on its own threads.
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.emitter.silence();
            drop(self.dismiss());
        }
    }
}

fn start_reader(
    settings: &Arc<KafkaSettings>,
    emitter: &Arc<Emitter>,
) -> Result<(ReaderHandle, JoinHandle<()>), KafkaFault> {
    let reader = Reader::new(settings, emitter)?;
    let (commands, inbox): (Sender<ReaderCommand>, Receiver<ReaderCommand>) = channel();
    let thread = spawn("kafka-reader", move || reader.run(&inbox))?;
    Ok((ReaderHandle { commands, thread: thread.thread().clone() }, thread))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, KafkaFault> {
    let spawned: io::Result<JoinHandle<()>> = Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|error| KafkaFault::Settings(format!("thread {name} cannot be started: {error}")))
}

/// Waits for the threads, but not for ever: one may be stuck in a call that Kafka does not answer.
fn await_end(threads: &[JoinHandle<()>]) {
    let until = Instant::now() + FAREWELL;
    while threads.iter().any(|it| !it.is_finished()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}

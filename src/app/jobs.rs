//! How jobs and commands get into the log from outside: over Kafka's producer or the embedded one.
//! Not here: whether a job is sound (`ops`).

use crate::embedded::{self, EmbeddedFault};
use crate::kafka::{JobProducer, KafkaFault, KafkaSettings, Letter};
use crate::model::{Outgoing, Topic};
use crate::ops::{AppendFault, Appended, Appending, COMMAND_TOPIC, JobLog, NewCommand, NewJob};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Jobs go to Kafka. Its producer starts with the first one: even an idle one costs a thread that is never quite still.
pub(super) struct KafkaJobs {
    settings: KafkaSettings,
    producer: Mutex<Option<JobProducer>>,
}

impl KafkaJobs {
    pub(super) fn new(settings: KafkaSettings) -> Self {
        Self { settings, producer: Mutex::new(None) }
    }

    /// For a command line that sends at once: what the client refuses is said before anything is read.
    pub(super) fn started(settings: KafkaSettings) -> Result<Self, KafkaFault> {
        let jobs = Self::new(settings);
        drop(jobs.producer()?);
        Ok(jobs)
    }

    fn producer(&self) -> Result<JobProducer, KafkaFault> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = &*producer {
            return Ok(started.clone());
        }
        let started = JobProducer::new(self.settings.clone())?;
        Ok(producer.insert(started).clone())
    }
}

impl JobLog for KafkaJobs {
    fn append(&self, jobs: Vec<NewJob>) -> Appending<'_> {
        Box::pin(async move { self.send_all(jobs.iter().map(letter).collect()).await })
    }

    fn command(&self, commands: Vec<NewCommand>) -> Appending<'_> {
        Box::pin(async move { self.send_all(commands.into_iter().map(letter_of_command).collect()).await })
    }
}

impl KafkaJobs {
    async fn send_all(&self, letters: Vec<Letter>) -> Result<Vec<Appended>, AppendFault> {
        let producer = self.producer().map_err(of_kafka)?;
        let mut sending = JoinSet::new();
        for (place, letter) in letters.into_iter().enumerate() {
            let producer = producer.clone();
            sending.spawn(async move { (place, producer.send(&letter).await) });
        }
        let mut appended = Vec::new();
        while let Some(sent) = sending.join_next().await {
            let (place, sent) = sent.map_err(|error| AppendFault::Unavailable { what: error.to_string() })?;
            let (shard, offset) = sent.map_err(of_kafka)?;
            appended.push((place, Appended { shard, offset }));
        }
        appended.sort_by_key(|(place, _)| *place);
        Ok(appended.into_iter().map(|(_, it)| it).collect())
    }
}

fn letter_of_command(command: NewCommand) -> Letter {
    Letter {
        topic: COMMAND_TOPIC,
        shard: Some(command.shard),
        key: None,
        value: Some(command.value),
        headers: command.headers,
    }
}

fn letter(job: &NewJob) -> Letter {
    Letter {
        topic: Topic::Jobs,
        shard: None,
        key: Some(job.key()),
        value: Some(job.value.clone()),
        headers: Vec::new(),
    }
}

fn of_kafka(fault: KafkaFault) -> AppendFault {
    match fault {
        KafkaFault::Saturated => AppendFault::Saturated,
        KafkaFault::Unreachable(_) => AppendFault::Unavailable { what: fault.to_string() },
        KafkaFault::Settings(_) | KafkaFault::Unauthorized(_) | KafkaFault::Topics(_) | KafkaFault::Refused(_) => {
            AppendFault::Refused { what: fault.to_string() }
        }
    }
}

/// Jobs go to the embedded log; its producer comes and goes with the engine's life.
#[derive(Clone, Default)]
pub(super) struct EmbeddedJobs(Arc<Mutex<Option<embedded::Producer>>>);

impl EmbeddedJobs {
    pub(super) fn set(&self, producer: embedded::Producer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(producer);
    }
}

impl JobLog for EmbeddedJobs {
    fn append(&self, jobs: Vec<NewJob>) -> Appending<'_> {
        let producer = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let unavailable = |what: String| AppendFault::Unavailable { what };
            let producer = producer.ok_or_else(|| unavailable("the log is not open yet".to_owned()))?;
            let jobs = jobs.iter().map(|it| embedded::NewJob {
                key: Some(it.key()),
                value: it.value.clone(),
                headers: Vec::new(),
            });
            let jobs: Vec<embedded::NewJob> = jobs.collect();
            let places = tokio::task::spawn_blocking(move || producer.append(jobs)).await;
            let places = places.map_err(|error| unavailable(error.to_string()))?.map_err(of_embedded)?;
            Ok(places.into_iter().map(|(shard, offset)| Appended { shard, offset }).collect())
        })
    }

    fn command(&self, commands: Vec<NewCommand>) -> Appending<'_> {
        let producer = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let unavailable = |what: String| AppendFault::Unavailable { what };
            let producer = producer.ok_or_else(|| unavailable("the log is not open yet".to_owned()))?;
            let messages = commands.into_iter().map(outgoing).collect();
            let places = tokio::task::spawn_blocking(move || producer.send(messages)).await;
            let places = places.map_err(|error| unavailable(error.to_string()))?.map_err(of_embedded)?;
            Ok(places.into_iter().map(|(shard, offset)| Appended { shard, offset }).collect())
        })
    }
}

/// A command as a message of the embedded log.
pub(super) fn outgoing(command: NewCommand) -> Outgoing {
    Outgoing {
        topic: COMMAND_TOPIC,
        shard: command.shard,
        key: None,
        value: Some(command.value),
        headers: command.headers,
        timestamp: None,
    }
}

fn of_embedded(fault: EmbeddedFault) -> AppendFault {
    match fault {
        EmbeddedFault::Saturated => AppendFault::Saturated,
        EmbeddedFault::TooLarge { .. } => AppendFault::Refused { what: fault.to_string() },
        EmbeddedFault::InUse { .. }
        | EmbeddedFault::OtherShards { .. }
        | EmbeddedFault::ShardCount(_)
        | EmbeddedFault::Format { .. }
        | EmbeddedFault::Damaged { .. }
        | EmbeddedFault::Disk { .. }
        | EmbeddedFault::NoSuchShard(_)
        | EmbeddedFault::NotInLog { .. }
        | EmbeddedFault::Closed => AppendFault::Unavailable { what: fault.to_string() },
    }
}

//! A log of jobs in memory and jobs to put into it, for the tests of `ops` and `web`.
//! Not here: any test.
#![allow(clippy::unwrap_used, reason = "a test panics on purpose")]

use crate::model::{Offset, Shard};
use crate::ops::{AppendFault, Appended, Appending, JobLog, NewCommand, NewJob};
use crate::wire::partitioner;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;

pub(crate) const SHARDS: u32 = 4;

/// How the log behaves on the next append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// Answers when `release` is called.
    Held,
    Fails(AppendFault),
}

/// Keeps what it is given, shard by shard.
pub(crate) struct PaperLog {
    mood: Mutex<Mood>,
    shards: Mutex<Vec<Vec<NewJob>>>,
    batches: Mutex<Vec<usize>>,
    commands: Mutex<Vec<NewCommand>>,
    arrived: Semaphore,
    released: Semaphore,
}

impl PaperLog {
    pub(crate) fn new(mood: Mood) -> Self {
        Self {
            mood: Mutex::new(mood),
            shards: Mutex::new(vec![Vec::new(); SHARDS as usize]),
            batches: Mutex::default(),
            commands: Mutex::default(),
            arrived: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Waits until so many more appends have come.
    pub(crate) async fn arrivals(&self, count: u32) {
        self.arrived.acquire_many(count).await.unwrap().forget();
    }

    /// Lets so many held appends go on.
    pub(crate) fn release(&self, count: usize) {
        self.released.add_permits(count);
    }

    pub(crate) fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }

    pub(crate) fn commands(&self) -> Vec<NewCommand> {
        self.commands.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.shards.lock().unwrap().iter().map(Vec::len).sum()
    }

    pub(crate) fn at(&self, place: (u64, u64)) -> NewJob {
        let (shard, offset) = place;
        self.shards.lock().unwrap()[usize::try_from(shard).unwrap()][usize::try_from(offset).unwrap()].clone()
    }

    fn put(&self, jobs: Vec<NewJob>) -> Vec<Appended> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        self.batches.lock().unwrap().push(jobs.len());
        let mut places = Vec::new();
        for job in jobs {
            let shard = partitioner::home(&job.tenant, SHARDS);
            let kept = &mut shards[shard.0 as usize];
            places.push(Appended { shard: Shard(shard.0), offset: Offset(kept.len() as u64) });
            kept.push(job);
        }
        places
    }
}

impl JobLog for PaperLog {
    fn append(&self, jobs: Vec<NewJob>) -> Appending<'_> {
        Box::pin(async move {
            self.arrived.add_permits(1);
            let mood = self.mood.lock().unwrap().clone();
            match mood {
                Mood::Good => Ok(self.put(jobs)),
                Mood::Held => {
                    self.released.acquire().await.unwrap().forget();
                    Ok(self.put(jobs))
                }
                Mood::Fails(fault) => Err(fault),
            }
        })
    }

    fn command(&self, commands: Vec<NewCommand>) -> Appending<'_> {
        Box::pin(async move {
            let mood = self.mood.lock().unwrap().clone();
            if let Mood::Fails(fault) = mood {
                return Err(fault);
            }
            let places = commands.iter().map(|it| Appended { shard: it.shard, offset: Offset(0) }).collect();
            self.commands.lock().unwrap().extend(commands);
            Ok(places)
        })
    }
}

/// A sound job on one line.
pub(crate) fn job(tenant: &str, key: &str) -> String {
    format!(
        r#"{{"tenant_id":"{tenant}","event_type":"deal.stage_changed","idempotency_key":"{key}","payload":{{"object":"deal","external_id":"d_{key}","properties":{{"stage":"won"}}}}}}"#
    )
}

pub(crate) fn jobs(count: usize) -> String {
    (0..count).map(|it| job(&format!("tenant{}", it % 7), &it.to_string()) + "\n").collect()
}

//! Jobs on their way into the log, and the log as they see it.
//! Not here: which log it is; whether a job is sound (`job`).

use crate::model::{Offset, Shard, TenantId};
use crate::ops::NewCommand;
use bytes::Bytes;
use std::pin::Pin;
use thiserror::Error;

/// A job that was found sound, as it will lie in `.jobs`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewJob {
    pub tenant: TenantId,
    /// The JSON as it was sent, without space around it.
    pub value: Bytes,
}

/// Without the payload.
impl std::fmt::Debug for NewJob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NewJob({}, {} bytes)", self.tenant, self.value.len())
    }
}

impl NewJob {
    /// The message's key: the tenant id, from which its home shard follows.
    pub fn key(&self) -> Bytes {
        Bytes::copy_from_slice(self.tenant.0.as_bytes())
    }
}

/// Where a job lies now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub shard: Shard,
    pub offset: Offset,
}

/// Why jobs are not known to be in the log. Unless `Saturated`, some of them may be there nevertheless: sending all
/// of them again is harmless, because their idempotency keys are known by then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AppendFault {
    /// Nothing was appended.
    #[error("too much is on its way into the log; send again in a moment")]
    Saturated,
    #[error("{what}")]
    Unavailable { what: String },
    /// It would be refused again: too large, not allowed.
    #[error("{what}")]
    Refused { what: String },
}

/// The answer of a log that is being waited for.
pub type Appending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Appended>, AppendFault>> + Send + 'a>>;

/// The log for those who hand in jobs or commands: `POST /v1/jobs`, `enqueue`, `pause`. `app` implements it over the producer of Kafka or
/// of the embedded log.
pub trait JobLog: Send + Sync {
    /// Answers once all jobs are durably in the log, with one place per job, in their order. Callers bound how long they
    /// wait; a future that is dropped leaves it open whether the jobs get there. Must not block the thread.
    ///
    /// # Errors
    /// When one or more of the jobs are not known to be there.
    fn append(&self, jobs: Vec<NewJob>) -> Appending<'_>;

    /// Hands an operator's command to the shards it names, as `append` does with jobs.
    ///
    /// # Errors
    /// As `append`.
    fn command(&self, commands: Vec<NewCommand>) -> Appending<'_>;
}

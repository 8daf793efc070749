//! What goes wrong with Kafka, and what that means for a transaction.
//! Not here: what is done about it.

use crate::ports::{LogFault, StopCause};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

/// Why the log, a plan or a producer cannot be had.
#[derive(Debug, Error)]
pub enum KafkaFault {
    /// The configuration is wrong (exit code 3).
    #[error("{0}")]
    Settings(String),
    /// Nobody answers (exit code 4).
    #[error("kafka does not answer: {0}; check bootstrap_servers, the network and TLS settings")]
    Unreachable(String),
    /// Somebody answers, and refuses (exit code 4).
    #[error("kafka refuses: {0}; `sluicegate topics plan` lists the ACLs that are needed")]
    Unauthorized(String),
    /// Topics are missing or have the wrong shape.
    #[error("{0}")]
    Topics(String),
    /// More is under way than can be held; try again in a moment.
    #[error("too many messages are waiting to be written; try again in a moment")]
    Saturated,
    /// This message is refused and would be again.
    #[error("{0}")]
    Refused(String),
}

impl KafkaFault {
    pub(super) fn of(error: &KafkaError) -> Self {
        if let KafkaError::ClientConfig(_, what, name, _) = error {
            return Self::Settings(format!("[kafka.properties] {name}: {what}"));
        }
        if let KafkaError::ClientCreation(what) = error {
            return Self::Settings(format!("the Kafka client cannot be set up: {what}; check [kafka.properties]"));
        }
        match error.rdkafka_error_code() {
            Some(code) if forbids(code) => Self::Unauthorized(error.to_string()),
            Some(code) if refuses(code) => Self::Refused(error.to_string()),
            Some(RDKafkaErrorCode::QueueFull) => Self::Saturated,
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

impl KafkaFault {
    /// Which kind of end it is, where it ends the process.
    pub(super) fn cause(&self) -> StopCause {
        match self {
            Self::Unreachable(_) | Self::Unauthorized(_) => StopCause::Barred,
            Self::Topics(_) => StopCause::Unfit,
            Self::Settings(_) | Self::Saturated | Self::Refused(_) => StopCause::Failed,
        }
    }
}

impl From<KafkaFault> for LogFault {
    fn from(fault: KafkaFault) -> Self {
        Self { what: fault.to_string() }
    }
}

/// What an error of a transactional call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Call the same function again; anything else would be refused.
    Retry,
    /// Undo the transaction; another may begin.
    Abort,
    /// Refused for good.
    Refuse,
    /// Another producer has our transactional id, or the coordinator gave our transaction up.
    Fence,
    /// The producer is of no more use.
    Broken,
}

impl Verdict {
    pub(super) fn of(error: &KafkaError) -> Self {
        match error {
            KafkaError::Transaction(inner) if forbids(inner.code()) || refuses(inner.code()) => Self::Refuse,
            KafkaError::Transaction(inner) if fences(inner.code()) => Self::Fence,
            KafkaError::Transaction(inner) if inner.is_fatal() => Self::Broken,
            KafkaError::Transaction(inner) if inner.txn_requires_abort() => Self::Abort,
            KafkaError::Transaction(inner) if inner.is_retriable() => Self::Retry,
            KafkaError::Transaction(_) => Self::Broken,
            // rdkafka's own flush before the commit; nothing was asked of the broker yet.
            KafkaError::Flush(_) => Self::Retry,
            other => other.rdkafka_error_code().map_or(Self::Broken, Self::of_delivery),
        }
    }

    /// What a message that could not be delivered means for its transaction.
    pub(super) fn of_delivery(code: RDKafkaErrorCode) -> Self {
        if forbids(code) || refuses(code) {
            Self::Refuse
        } else if fences(code) {
            Self::Fence
        } else {
            Self::Abort
        }
    }
}

/// Whether an ACL is missing or credentials are wrong: a person must act.
pub(super) fn forbids(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication
    )
}

/// Whether the same message would be refused again.
fn refuses(code: RDKafkaErrorCode) -> bool {
    is_of_message(code)
        || matches!(
            code,
            RDKafkaErrorCode::PolicyViolation
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::InvalidTransactionTimeout
        )
}

/// Whether it is the message that is refused, and others for its topic would not be.
pub(super) fn is_of_message(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::MessageBatchTooLarge
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::InvalidTimestamp
            | RDKafkaErrorCode::InvalidRecord
    )
}

fn fences(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::TransactionCoordinatorFenced
    )
}

pub(super) fn fault(what: impl Into<String>) -> LogFault {
    LogFault { what: what.into() }
}

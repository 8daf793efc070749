//! What became of each message of one transaction.
//! Not here: what follows from it (`transactor`).

use crate::kafka::context::{note, pass_on};
use crate::kafka::message::offset;
use crate::kafka::settings::{KafkaSettings, shard};
use crate::model::{Offset, Shard, Topic};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::{ClientContext, Message as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Offsets after the last message of each changelog partition written.
pub(super) type Ends = BTreeMap<(Shard, Topic), Offset>;

/// Counts the deliveries of the transaction under way; late ones of an earlier one are ignored.
pub(super) struct Deliveries {
    settings: Arc<KafkaSettings>,
    flight: Mutex<Flight>,
}

#[derive(Default)]
struct Flight {
    transaction: usize,
    outstanding: usize,
    ends: Ends,
    undelivered: Option<Undelivered>,
}

/// The first message that could not be delivered; one that failed itself rather than one that another took along.
#[derive(Clone)]
pub(super) struct Undelivered {
    pub(super) code: RDKafkaErrorCode,
    pub(super) place: String,
    /// Which of the transaction's messages it was, from 0.
    pub(super) index: usize,
}

/// Travels with each message and comes back with what became of it: the transaction in the upper half, the number of
/// the message in the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(pub(super) usize);

impl Tag {
    const HALF: u32 = usize::BITS / 2;
    const LOW: usize = (1 << Self::HALF) - 1;

    pub(super) fn new(transaction: usize, index: usize) -> Self {
        Self(transaction << Self::HALF | index & Self::LOW)
    }

    fn index(self) -> usize {
        self.0 & Self::LOW
    }

    fn is_of(self, transaction: usize) -> bool {
        self.0 >> Self::HALF == transaction & Self::LOW
    }
}

impl Undelivered {
    /// Whether it fell victim to the failure of another message or of the producer.
    pub(super) fn was_purged(&self) -> bool {
        matches!(self.code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
    }
}

impl Deliveries {
    pub(super) fn new(settings: &Arc<KafkaSettings>) -> Self {
        Self { settings: Arc::clone(settings), flight: Mutex::new(Flight::default()) }
    }

    /// Forgets the transaction before; returns the new one's name, which travels with its messages.
    pub(super) fn begin(&self) -> usize {
        let mut flight = self.flight();
        let transaction = flight.transaction.wrapping_add(1);
        *flight = Flight { transaction, ..Flight::default() };
        transaction
    }

    pub(super) fn sent(&self) {
        self.flight().outstanding += 1;
    }

    pub(super) fn outstanding(&self) -> usize {
        self.flight().outstanding
    }

    /// Whether nothing is under way any more, or the first failure.
    pub(super) fn all_delivered(&self) -> Result<bool, Undelivered> {
        let flight = self.flight();
        match &flight.undelivered {
            Some(undelivered) => Err(undelivered.clone()),
            None => Ok(flight.outstanding == 0),
        }
    }

    pub(super) fn ends(&self) -> Ends {
        std::mem::take(&mut self.flight().ends)
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        pass_on(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        note(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: usize) {
        let tag = Tag(tag);
        let mut flight = self.flight();
        if !tag.is_of(flight.transaction) {
            return;
        }
        flight.outstanding = flight.outstanding.saturating_sub(1);
        match result {
            Ok(message) => {
                let place = (shard(message.partition()), self.settings.topic_named(message.topic()));
                if let (Some(shard), Some(topic @ (Topic::State | Topic::Applied))) = place {
                    let after = Offset(offset(message.offset()).0.saturating_add(1));
                    let end = flight.ends.entry((shard, topic)).or_default();
                    *end = after.max(*end);
                }
            }
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                let place = format!("{}/{}", message.topic(), message.partition());
                if flight.undelivered.as_ref().is_none_or(Undelivered::was_purged) {
                    flight.undelivered = Some(Undelivered { code, place, index: tag.index() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn a_tag_names_its_transaction_and_its_message() {
        let tag = Tag::new(7, 4_999);
        assert!(tag.is_of(7) && !tag.is_of(8));
        assert_eq!(tag.index(), 4_999);
        assert!(Tag::new(usize::MAX, 0).is_of(usize::MAX), "the count of transactions may wrap");
    }
}

//! What librdkafka says on its own, passed on to the log of the process.
//! Not here: errors that calls return.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// A client that has nothing to hear but its own voice.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        pass_on(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        note(&error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// librdkafka retries by itself; what needs a person comes back from a call and becomes `Stopped`.
pub(super) fn pass_on(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(target: "sluicegate::kafka", facility, text, "librdkafka reports an error");
        }
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(target: "sluicegate::kafka", facility, text, "librdkafka reports");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "sluicegate::kafka", facility, text, "librdkafka reports");
        }
    }
}

pub(super) fn note(error: &KafkaError, reason: &str) {
    tracing::warn!(target: "sluicegate::kafka", %error, reason, "kafka connection trouble");
}

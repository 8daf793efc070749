//! The log on Apache Kafka, through librdkafka.
//! Not here: what the messages mean, when to commit.

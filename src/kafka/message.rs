//! Messages between librdkafka's form and ours, byte for byte.
//! Not here: what the bytes mean.

use crate::model::{Header, Message, Millis, Offset, Outgoing, Received};
use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header as KafkaHeader, Headers, OwnedHeaders};

/// Copies a message out of the fetch buffer, which it would otherwise pin whole.
pub(super) fn received(message: &BorrowedMessage<'_>) -> Received {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| Header { name: header.key.to_owned(), value: header.value.map(Bytes::copy_from_slice) })
            .collect()
    });
    Received {
        offset: offset(message.offset()),
        message: Message {
            key: message.key().map(Bytes::copy_from_slice),
            value: message.payload().map(Bytes::copy_from_slice),
            headers,
            timestamp: Millis(message.timestamp().to_millis().and_then(|it| u64::try_from(it).ok()).unwrap_or(0)),
        },
    }
}

/// Headers as librdkafka owns them; none if there are none, as an empty list is not the same on the wire.
pub(super) fn headers(of: &[Header]) -> Option<OwnedHeaders> {
    if of.is_empty() {
        return None;
    }
    let headers = of.iter().fold(OwnedHeaders::new_with_capacity(of.len()), |headers, header| {
        headers.insert(KafkaHeader { key: &header.name, value: header.value.as_deref() })
    });
    Some(headers)
}

/// The timestamp to produce with; none lets librdkafka take the moment of producing.
pub(super) fn timestamp(of: &Outgoing) -> Option<i64> {
    of.timestamp.map(|it| i64::try_from(it.0).unwrap_or(i64::MAX))
}

/// Kafka counts offsets in `i64`; a message that exists has none below zero.
pub(super) fn offset(raw: i64) -> Offset {
    Offset(u64::try_from(raw).unwrap_or(0))
}

pub(super) fn raw(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}

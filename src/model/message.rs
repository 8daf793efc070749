//! What a log carries: a key, a value, headers, a timestamp.
//! Not here: what the bytes mean.

use crate::model::{Millis, Offset};
use bytes::Bytes;
use std::fmt;

/// One header; names may repeat and keep their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Option<Bytes>,
}

/// One message as the log holds it. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    pub timestamp: Millis,
}

impl Message {
    /// Bytes held by key, value and headers: what memory budgets count.
    pub fn size(&self) -> usize {
        let of = |it: &Option<Bytes>| it.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|it| it.name.len() + of(&it.value)).sum();
        of(&self.key) + of(&self.value) + headers
    }

    /// The last header of this name, as the Kafka clients define it.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|it| it.name == name)?.value.as_deref()
    }
}

/// A message and where it lay.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    pub offset: Offset,
    pub message: Message,
}

impl fmt::Debug for Header {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({} bytes)", self.name, self.value.as_ref().map_or(0, Bytes::len))
    }
}

/// Sizes only: payloads never reach a log line.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Message({} bytes, {} headers)", self.size(), self.headers.len())
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{:?}", self.offset, self.message)
    }
}

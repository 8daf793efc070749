//! The bytes of one message on disk, and back.
//! Not here: where it lies (`key`).
//!
//! Format (1 byte), moment of appending (8), timestamp (8), key, value, number of headers (4), headers. Numbers are
//! big-endian; a text or bytes = length (4) and bytes, the length `u32::MAX` for none.

use crate::model::{Header, Message, Millis, Outgoing};
use bytes::{Buf, BufMut, Bytes};

const FORMAT: u8 = 1;
const NONE: u32 = u32::MAX;

/// A message and when the log took it: retention counts from there, as a timestamp may be the producer's fancy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Framed {
    pub(super) appended: Millis,
    pub(super) message: Message,
}

/// Writes `message` over what is in `buffer`. Sizes are bounded far below 4 GiB before.
pub(super) fn encode(message: &Outgoing, appended: Millis, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.put_u8(FORMAT);
    buffer.put_u64(appended.0);
    buffer.put_u64(message.timestamp.unwrap_or(appended).0);
    put_bytes(buffer, message.key.as_deref());
    put_bytes(buffer, message.value.as_deref());
    buffer.put_u32(u32::try_from(message.headers.len()).unwrap_or(NONE));
    for header in &message.headers {
        put_bytes(buffer, Some(header.name.as_bytes()));
        put_bytes(buffer, header.value.as_deref());
    }
}

fn put_bytes(buffer: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let length = bytes.map_or(NONE, |it| u32::try_from(it.len()).unwrap_or(NONE));
    buffer.put_u32(length);
    buffer.put_slice(bytes.unwrap_or_default());
}

/// The message in `bytes`, sharing them; none if they are not one.
pub(super) fn decode(mut bytes: Bytes) -> Option<Framed> {
    if bytes.try_get_u8().ok()? != FORMAT {
        return None;
    }
    let appended = Millis(bytes.try_get_u64().ok()?);
    let timestamp = Millis(bytes.try_get_u64().ok()?);
    let key = take_bytes(&mut bytes)?;
    let value = take_bytes(&mut bytes)?;
    let count = bytes.try_get_u32().ok()?;
    let mut headers = Vec::new();
    for _ in 0..count {
        let name = String::from_utf8(take_bytes(&mut bytes)??.to_vec()).ok()?;
        headers.push(Header { name, value: take_bytes(&mut bytes)? });
    }
    bytes.is_empty().then_some(Framed { appended, message: Message { key, value, headers, timestamp } })
}

/// None if the bytes end too early; else the bytes, or none where none were written.
fn take_bytes(bytes: &mut Bytes) -> Option<Option<Bytes>> {
    let length = bytes.try_get_u32().ok()?;
    if length == NONE {
        return Some(None);
    }
    let length = usize::try_from(length).ok()?;
    (length <= bytes.len()).then(|| Some(bytes.split_to(length)))
}

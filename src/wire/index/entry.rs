//! A waiting delivery as the local store keeps it, its message whole.
//! Not here: its key (`index`).

use super::{entry_key, hex, tier_byte, tier_of};
use crate::model::{Attempt, Because, Entry, EntryKey, Header, Message, Millis, Offset, Place, RecordHash};
use crate::wire::binary::{Cut, Pen};
use crate::wire::state::StateFault;
use bytes::Bytes;

/// The first byte of every entry.
pub const ENTRY_FORMAT: u8 = 1;

/// The entry without its key.
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    let mut pen = Pen::starting_with(ENTRY_FORMAT);
    pen.byte(tier_byte(entry.place.tier));
    pen.number(entry.place.offset.0);
    pen.hash(entry.record.0);
    pen.number(u64::from(entry.attempt.0));
    pen.byte(because_byte(entry.because));
    pen.number(entry.due.0);
    pen.number(entry.since.0);
    write_message(&mut pen, &entry.message);
    pen.done()
}

/// Reads an entry back. Its message shares one copy of the bytes.
///
/// # Errors
/// When it is damaged, or of a newer version.
pub fn decode_entry(key: &EntryKey, value: &[u8]) -> Result<Entry, StateFault> {
    let shown = || hex(&entry_key(key));
    let bytes = Bytes::copy_from_slice(value);
    match bytes.split_first() {
        Some((&ENTRY_FORMAT, rest)) => {
            read(key, Cut::of(rest), &bytes).ok_or_else(|| StateFault::Damaged { key: shown() })
        }
        Some((&format, _)) => Err(StateFault::UnknownFormat { key: shown(), format }),
        None => Err(StateFault::Damaged { key: shown() }),
    }
}

fn read(key: &EntryKey, mut cut: Cut<'_>, bytes: &Bytes) -> Option<Entry> {
    let tier = tier_of(cut.byte()?)?;
    let entry = Entry {
        key: key.clone(),
        place: Place { tier, offset: Offset(cut.number()?) },
        record: RecordHash(cut.hash()?),
        attempt: Attempt(cut.small()?),
        because: because_of(cut.byte()?)?,
        due: Millis(cut.number()?),
        since: Millis(cut.number()?),
        message: read_message(&mut cut, bytes)?,
    };
    cut.end()?;
    Some(entry)
}

fn write_message(pen: &mut Pen, message: &Message) {
    pen.number(message.timestamp.0);
    pen.perhaps(message.key.as_deref());
    pen.perhaps(message.value.as_deref());
    pen.number(u64::try_from(message.headers.len()).unwrap_or(u64::MAX));
    for header in &message.headers {
        pen.counted(header.name.as_bytes());
        pen.perhaps(header.value.as_deref());
    }
}

fn read_message(cut: &mut Cut<'_>, bytes: &Bytes) -> Option<Message> {
    let timestamp = Millis(cut.number()?);
    let key = shared(cut, bytes)?;
    let value = shared(cut, bytes)?;
    let count = usize::try_from(cut.number()?).ok()?;
    // Each header has two bytes at least: no room is made for more than can follow.
    let mut headers = Vec::with_capacity(count.min(cut.left() / 2));
    for _ in 0..count {
        headers.push(Header { name: cut.text()?.to_owned(), value: shared(cut, bytes)? });
    }
    Some(Message { key, value, headers, timestamp })
}

/// Bytes that are a part of `bytes`, without a copy. The outer `None`: damaged; the inner one: there are none.
fn shared(cut: &mut Cut<'_>, bytes: &Bytes) -> Option<Option<Bytes>> {
    Some(cut.perhaps()?.map(|it| bytes.slice_ref(it)))
}

fn because_byte(because: Because) -> u8 {
    match because {
        Because::Retry => 0,
        Because::RateLimit => 1,
        Because::Held => 2,
        Because::Order => 3,
    }
}

fn because_of(byte: u8) -> Option<Because> {
    Because::ALL.into_iter().find(|it| because_byte(*it) == byte)
}

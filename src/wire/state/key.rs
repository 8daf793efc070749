//! The keys of the changelog: text that people read with any Kafka tool, hashes where there are millions.
//! Not here: values.

use crate::model::{DedupeHash, Object, Offset, Segment, StateKey, TenantHash, Topic};
use crate::wire::binary::{Cut, Pen};
use crate::wire::{escape, scope};
use bytes::Bytes;

const SHOWN_BYTES_MAX: usize = 200;

pub(super) fn encode(key: &StateKey) -> Bytes {
    let text = match key {
        StateKey::Commit => return Bytes::from_static(b"commit"),
        StateKey::Applied(tenant, dedupe) => {
            let mut pen = Pen::default();
            pen.hash(tenant.0);
            pen.hash(dedupe.0);
            return pen.done().into();
        }
        StateKey::Position(topic) => format!("position/{}", topic.suffix()),
        StateKey::Settled(topic, segment) => format!("settled/{}/{}", topic.suffix(), segment.0),
        StateKey::Connection(id) => format!("connection/{}", escape::connection(id)),
        StateKey::Dead(seq, None) => format!("dead/{seq}/"),
        StateKey::Dead(seq, Some(connection)) => format!("dead/{seq}/{}", escape::connection(connection)),
        StateKey::Hold(connection) => format!("hold/{}", escape::connection(connection)),
        StateKey::Pause(about) => format!("pause/{}", scope::write(about)),
        StateKey::Ref(id, object, external_id) => {
            let connection = escape::connection(id);
            format!("ref/{connection}/{}/{}", escape::part(&object.0), escape::part(external_id))
        }
    };
    text.into()
}

pub(super) fn decode(topic: Topic, key: &[u8]) -> Option<StateKey> {
    match topic {
        Topic::State => text(std::str::from_utf8(key).ok()?),
        Topic::Applied => {
            let mut cut = Cut::of(key);
            let key = StateKey::Applied(TenantHash(cut.hash()?), DedupeHash(cut.hash()?));
            cut.end().map(|()| key)
        }
        Topic::Jobs | Topic::Delay(_) | Topic::Dlq | Topic::Outcomes => None,
    }
}

/// A key for people, whatever is in it.
pub(super) fn shown(topic: Topic, key: &[u8]) -> String {
    let key = key.get(..key.len().min(SHOWN_BYTES_MAX)).unwrap_or_default();
    if topic == Topic::Applied {
        return key.iter().map(|it| format!("{it:02x}")).collect();
    }
    let text = String::from_utf8_lossy(key);
    text.chars().map(|it| if it.is_control() { '?' } else { it }).collect()
}

fn text(key: &str) -> Option<StateKey> {
    let Some((kind, rest)) = key.split_once('/') else { return (key == "commit").then_some(StateKey::Commit) };
    match kind {
        "position" => Topic::from_suffix(rest).map(StateKey::Position),
        "settled" => {
            let (topic, segment) = rest.split_once('/')?;
            Some(StateKey::Settled(Topic::from_suffix(topic)?, Segment(decimal(segment)?)))
        }
        "connection" => escape::read_connection(rest).map(StateKey::Connection),
        "dead" => {
            let (seq, connection) = rest.split_once('/')?;
            let seq = Offset(decimal(seq)?);
            match connection {
                "" => Some(StateKey::Dead(seq, None)),
                text => escape::read_connection(text).map(|it| StateKey::Dead(seq, Some(it))),
            }
        }
        "hold" => escape::read_connection(rest).map(StateKey::Hold),
        "pause" => scope::read(rest).map(StateKey::Pause),
        "ref" => {
            let (rest, external_id) = rest.rsplit_once('/')?;
            let (connection, object) = rest.rsplit_once('/')?;
            let object = Object(escape::read_part(object)?.into());
            Some(StateKey::Ref(escape::read_connection(connection)?, object, escape::read_part(external_id)?.into()))
        }
        _ => None,
    }
}

/// As it was written: no sign, no zeros before it.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|it: &u64| it.to_string() == text)
}

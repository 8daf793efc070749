//! Arbitrary words for the property tests of the codecs.
//! Not here: the properties.

use crate::model::{
    AppliedMark, Attempt, Because, Command, CommitMark, CommitNumber, ConnectionId, ConnectionMark, Crm, DeadMark,
    DedupeHash, Entry, EntryKey, Header, Hold, HoldCause, Incarnation, Intent, Message, Millis, Object, Offset,
    Operations, Pause, Place, Position, Reason, RecordHash, RefMark, Rewinds, Scope, Segment, SegmentBits, Spent,
    StateKey, StateValue, TenantHash, TenantId, Tier, Topic, Tried, Unit, WindowMark, WindowName,
};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::Duration;

/// Texts that meet often, so that orders and prefixes are put to the test, and with zero bytes in them.
fn short_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(select(vec!['a', 'b', '\0', '\u{1}', '/', '%', 'é', '\u{10ffff}']), 0..4)
            .prop_map(|it| it.into_iter().collect()),
        any::<String>()
    ]
}

pub(super) fn connection() -> impl Strategy<Value = ConnectionId> {
    (short_text(), short_text())
        .prop_map(|(tenant, name)| ConnectionId { tenant: TenantId(tenant.into()), name: name.into() })
}

/// Numbers of all sizes, small ones more often.
pub(super) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..300, any::<u64>()]
}

/// Up to the year 9999, where a moment has a text.
fn moment() -> impl Strategy<Value = Millis> {
    (0_u64..253_402_200_000_000).prop_map(Millis)
}

pub(super) fn tried() -> impl Strategy<Value = Tried> {
    let text = || "[a-z0-9 \"\\\\\n\u{1}é\u{1f600}]{0,30}";
    let said = (text(), prop::option::of(any::<u16>()), prop::option::of(text()), text());
    let told = (0_u64..1 << 40, prop::option::of(0_u64..1 << 40), any::<bool>(), 0_u32..3);
    (any::<u32>(), moment(), said, told).prop_map(|(attempt, at, (result, status, code, message), told)| Tried {
        attempt: Attempt(attempt),
        at,
        result,
        status,
        code,
        message,
        took: Duration::from_millis(told.0),
        delay: told.1.map(Duration::from_millis),
        counted: told.2,
        dropped_before: told.3,
    })
}

pub(super) fn tier() -> impl Strategy<Value = Tier> {
    select(Tier::ALL.to_vec())
}

pub(super) fn place() -> impl Strategy<Value = Place> {
    (tier(), number()).prop_map(|(tier, offset)| Place { tier, offset: Offset(offset) })
}

pub(super) fn entry_key() -> impl Strategy<Value = EntryKey> {
    (number(), connection()).prop_map(|(seq, connection)| EntryKey { seq: Offset(seq), connection })
}

fn bytes() -> impl Strategy<Value = Option<Bytes>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from))
}

/// Headers of others, our own names among them: a job may carry anything.
pub(super) fn header() -> impl Strategy<Value = Header> {
    let names = ["trace", "sluicegate-history", "sluicegate-replay-id", "sluicegate-other", "kafka_dlt-original-topic"];
    let name = prop_oneof![any::<String>(), select(names.map(str::to_owned).to_vec())];
    (name, bytes()).prop_map(|(name, value)| Header { name, value })
}

pub(super) fn message() -> impl Strategy<Value = Message> {
    (bytes(), bytes(), prop::collection::vec(header(), 0..5), number()).prop_map(|(key, value, headers, at)| Message {
        key,
        value,
        headers,
        timestamp: Millis(at),
    })
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let times = (number(), number());
    (entry_key(), place(), any::<u128>(), any::<u32>(), select(Because::ALL.to_vec()), times, message()).prop_map(
        |(key, place, record, attempt, because, (due, since), message)| Entry {
            key,
            place,
            record: RecordHash(record),
            attempt: Attempt(attempt),
            because,
            due: Millis(due),
            since: Millis(since),
            message,
        },
    )
}

pub(super) fn topic() -> impl Strategy<Value = Topic> {
    select(Topic::ALL.to_vec())
}

/// Bits in runs, and bits like noise.
fn bits() -> impl Strategy<Value = SegmentBits> {
    let run = (0_u64..4096, 0_u64..4096).prop_map(|(from, to)| {
        let mut bits = SegmentBits::default();
        (from..to).for_each(|it| bits.set(Offset(it)));
        bits
    });
    let noise = prop::collection::vec(any::<u64>(), 64)
        .prop_map(|it| SegmentBits(<[u64; 64]>::try_from(it).unwrap_or([0; 64])));
    prop_oneof![run, noise]
}

/// A key with a value of its own kind.
pub(super) fn state() -> impl Strategy<Value = (StateKey, StateValue)> {
    let commit = (any::<u64>(), any::<u64>()).prop_map(|(number, incarnation)| {
        let mark = CommitMark { number: CommitNumber(number), incarnation: Incarnation(incarnation) };
        (StateKey::Commit, StateValue::Commit(mark))
    });
    let position =
        (topic(), number(), number(), number(), any::<u32>()).prop_map(|(topic, low, max, read, rewinds)| {
            let position =
                Position { low: Offset(low), low_max: Offset(max), read: Offset(read), rewinds: Rewinds(rewinds) };
            (StateKey::Position(topic), StateValue::Position(position))
        });
    let settled = (topic(), number(), bits()).prop_map(|(topic, segment, bits)| {
        (StateKey::Settled(topic, Segment(segment)), StateValue::Settled(Box::new(bits)))
    });
    prop_oneof![commit, position, settled, dead(), held(), paused(), applied(), account(), reference()]
}

fn reference() -> impl Strategy<Value = (StateKey, StateValue)> {
    let known = short_text().prop_map(|it| RefMark::Known(it.into()));
    let intended = (prop::option::of((number(), any::<u32>())), number()).prop_map(|(of, landed_by)| {
        let of = of.map(|(seq, attempt)| (Offset(seq), Attempt(attempt)));
        RefMark::Intended(Intent { of, landed_by: Millis(landed_by) })
    });
    (connection(), short_text(), short_text(), prop_oneof![known, intended]).prop_map(|(id, object, external, mark)| {
        (StateKey::Ref(id, Object(object.into()), external.into()), StateValue::Ref(mark))
    })
}

fn account() -> impl Strategy<Value = (StateKey, StateValue)> {
    let operations = select(vec![Operations::All, Operations::Searches, Operations::AllButSearches]);
    let name = (number(), select(vec![Unit::Calls, Unit::Credits]), operations)
        .prop_map(|(per, unit, operations)| WindowName { per: Duration::from_millis(per), unit, operations });
    let spent = (number(), any::<u32>()).prop_map(|(at, units)| Spent { at: Millis(at), units });
    let spent = prop::collection::vec(spent, 0..20);
    let window = (name, any::<u32>(), spent, number(), prop::option::of(any::<u32>())).prop_map(
        |(name, out, spent, blocked_until, told)| WindowMark {
            name,
            out,
            spent,
            blocked_until: Millis(blocked_until),
            told,
        },
    );
    (connection(), number(), any::<u32>(), prop::collection::vec(window, 0..4)).prop_map(
        |(id, written, unshown_max, windows)| {
            let mark = ConnectionMark { written: Millis(written), unshown_max, windows };
            (StateKey::Connection(id), StateValue::Connection(mark))
        },
    )
}

fn dead() -> impl Strategy<Value = (StateKey, StateValue)> {
    let mark = (select(Reason::ALL.to_vec()), prop::option::of(any::<String>()), number(), any::<u32>());
    (number(), prop::option::of(connection()), mark).prop_map(|(seq, connection, (reason, code, at, rewinds))| {
        let mark = DeadMark { reason, code, at: Millis(at), rewinds: Rewinds(rewinds) };
        (StateKey::Dead(Offset(seq), connection), StateValue::Dead(mark))
    })
}

pub(super) fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::All),
        select(Crm::ALL.to_vec()).prop_map(Scope::Crm),
        short_text().prop_map(|it| Scope::Tenant(TenantId(it.into()))),
        connection().prop_map(Scope::Connection),
    ]
}

fn held() -> impl Strategy<Value = (StateKey, StateValue)> {
    let times = (number(), number());
    let said = (prop::option::of(select(Reason::ALL.to_vec())), prop::option::of(any::<u16>()));
    (connection(), select(HoldCause::ALL.to_vec()), times, any::<u32>(), said).prop_map(
        |(id, cause, (since, next), failures, (reason, status))| {
            let hold = Hold { cause, since: Millis(since), next: Millis(next), failures, reason, status };
            (StateKey::Hold(id), StateValue::Hold(hold))
        },
    )
}

fn paused() -> impl Strategy<Value = (StateKey, StateValue)> {
    (scope(), number(), prop::option::of(number()), any::<String>(), any::<String>()).prop_map(
        |(scope, since, until, reason, actor)| {
            let pause = Pause { since: Millis(since), until: until.map(Millis), reason, actor };
            (StateKey::Pause(scope), StateValue::Pause(pause))
        },
    )
}

/// With words as a command carries them: one line.
pub(super) fn command() -> impl Strategy<Value = Command> {
    let words = || "[a-z0-9 \"\\\\é\u{1f600}]{0,30}";
    (scope(), any::<bool>(), moment(), prop::option::of(moment()), (words(), words())).prop_map(
        |(scope, pauses, at, until, (reason, actor))| {
            if pauses {
                Command::Pause(scope, Pause { since: at, until, reason, actor })
            } else {
                Command::Resume { scope, reason, actor, at }
            }
        },
    )
}

fn applied() -> impl Strategy<Value = (StateKey, StateValue)> {
    (any::<u128>(), any::<u128>(), number(), number()).prop_map(|(tenant, dedupe, at, seq)| {
        let key = StateKey::Applied(TenantHash(tenant), DedupeHash(dedupe));
        (key, StateValue::Applied(AppliedMark { at: Millis(at), seq: Offset(seq) }))
    })
}

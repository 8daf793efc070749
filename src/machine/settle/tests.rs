//! Table and property tests of the settled set.
//! Not here: the machine around it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics on purpose")]

use super::{Restored, Settled};
use crate::machine::Note;
use crate::model::{Offset, Position, Rewinds, Segment, StateKey, StateValue, Tier, Topic};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};
use std::collections::{BTreeMap, BTreeSet};

fn fresh() -> Settled {
    Settled::new(&Restored::default(), None, &mut Vec::new())
}

/// What a new owner finds after the puts of `settled` were committed.
fn restored(puts: &BTreeMap<StateKey, Option<StateValue>>, group_offset: Option<u64>) -> Restored {
    let mut restored = Restored { group_offset: group_offset.map(Offset), ..Restored::default() };
    for (key, value) in puts {
        match (key, value) {
            (StateKey::Position(topic), Some(StateValue::Position(position))) => {
                restored.positions.insert(*topic, *position);
            }
            (StateKey::Settled(topic, segment), Some(StateValue::Settled(bits))) => {
                restored.segments.insert((*topic, *segment), bits.clone());
            }
            (StateKey::Settled(topic, segment), None) => {
                restored.segments.remove(&(*topic, *segment));
            }
            _other => {}
        }
    }
    restored
}

fn read(settled: &mut Settled, offsets: &[u64], position: u64) {
    for offset in offsets {
        settled.open(Offset(*offset));
    }
    settled.reach(Topic::Jobs, Offset(position));
}

#[test]
fn the_low_watermark_is_the_lowest_open_message_or_the_position() {
    let mut settled = fresh();
    read(&mut settled, &[0, 1, 5], 9);
    settled.settle(Topic::Jobs, Offset(0));
    settled.settle(Topic::Jobs, Offset(5));
    assert_eq!(settled.low(Topic::Jobs), Offset(1), "5 is settled out of order and does not move it");
    settled.settle(Topic::Jobs, Offset(1));
    assert_eq!(settled.low(Topic::Jobs), Offset(9), "holes up to the position are passed");
}

#[test]
fn after_a_restart_what_was_settled_out_of_order_is_known() {
    let mut settled = fresh();
    read(&mut settled, &[3, 4, 7], 8);
    settled.settle(Topic::Jobs, Offset(4));
    let mut puts = BTreeMap::new();
    settled.seal(&mut puts);
    let again = Settled::new(&restored(&puts, Some(3)), None, &mut Vec::new());
    assert_eq!(again.here(Topic::Jobs), Offset(3), "reading starts at the low watermark");
    let known: Vec<bool> = [2, 3, 4, 7].map(|it| again.is_settled(Topic::Jobs, Offset(it))).to_vec();
    assert_eq!(known, [true, false, true, false]);
    assert!(again.read_before(Offset(7)) && !again.read_before(Offset(8)));
}

#[test]
fn a_group_offset_set_back_is_a_rewind_that_clears_what_lies_between() {
    let mut settled = fresh();
    read(&mut settled, &[0, 1, 2, 3, 4], 5);
    for offset in [0, 1, 2, 4] {
        settled.settle(Topic::Jobs, Offset(offset));
    }
    let mut puts = BTreeMap::new();
    settled.seal(&mut puts);
    let mut notes = Vec::new();
    let again = Settled::new(&restored(&puts, Some(1)), None, &mut notes);
    assert_eq!(notes, [Note::Rewound { from: Offset(3), to: Offset(1) }]);
    let known: Vec<bool> = [0, 1, 2, 3, 4].map(|it| again.is_settled(Topic::Jobs, Offset(it))).to_vec();
    assert_eq!(known, [true, false, false, false, true], "those above the old watermark stay");
    assert!(again.seen_before(Offset(2)) && !again.seen_before(Offset(3)));
    assert_eq!(again.rewinds(), Rewinds(1));
}

#[test]
fn a_group_offset_set_forward_skips_and_says_so() {
    let mut puts = BTreeMap::new();
    let mut settled = fresh();
    read(&mut settled, &[0, 1], 2);
    settled.seal(&mut puts);
    let mut notes = Vec::new();
    let again = Settled::new(&restored(&puts, Some(40)), None, &mut notes);
    assert_eq!(notes, [Note::Skipped { from: Offset(0), to: Offset(40) }]);
    assert_eq!(again.here(Topic::Jobs), Offset(40));
}

#[test]
fn a_segment_wholly_below_the_watermark_leaves_the_changelog() {
    let mut settled = fresh();
    let offsets: Vec<u64> = (0..5_000).collect();
    read(&mut settled, &offsets, 5_000);
    settled.settle(Topic::Jobs, Offset(4));
    let mut puts = BTreeMap::new();
    settled.seal(&mut puts);
    assert!(puts[&StateKey::Settled(Topic::Jobs, Segment(0))].is_some());
    for offset in offsets {
        settled.settle(Topic::Jobs, Offset(offset));
    }
    let mut puts = BTreeMap::new();
    settled.seal(&mut puts);
    assert_eq!(puts[&StateKey::Settled(Topic::Jobs, Segment(0))], None, "deleted");
}

#[test]
fn a_delay_topics_watermark_follows_its_oldest_entry_but_never_passes_what_was_filed() {
    let topic = Topic::Delay(Tier::S5);
    let mut settled = fresh();
    settled.reach(topic, Offset(10));
    settled.oldest(topic, Offset(7));
    assert_eq!(settled.low(topic), Offset(7));
    settled.oldest(topic, Offset(50));
    assert_eq!(settled.low(topic), Offset(10));
}

/// One thing that happens to `jobs`: messages come, one of the open ones is settled, or a commit and a restart follow.
#[derive(Clone, Debug)]
enum Happens {
    Read { gaps: Vec<u8> },
    Settle(prop::sample::Index),
    Restart,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop::strategy::Union::new_weighted(vec![
        (3, prop::collection::vec(1_u8..=3, 1..400).prop_map(|gaps| Happens::Read { gaps }).boxed()),
        (8, any::<prop::sample::Index>().prop_map(Happens::Settle).boxed()),
        (1, proptest::prelude::Just(Happens::Restart).boxed()),
    ])
}

proptest! {
    /// Against a plain set: what is settled is what was settled, whatever order, holes and restarts.
    #[test]
    fn the_settled_set_is_a_set(steps in prop::collection::vec(happens(), 1..60)) {
        let mut settled = fresh();
        let (mut read_so_far, mut done) = (BTreeSet::new(), BTreeSet::new());
        let (mut end, mut puts) = (0_u64, BTreeMap::new());
        for step in steps {
            match step {
                Happens::Read { gaps } => {
                    for gap in gaps {
                        end += u64::from(gap);
                        settled.open(Offset(end));
                        read_so_far.insert(end);
                    }
                    end += 1;
                    settled.reach(Topic::Jobs, Offset(end));
                }
                Happens::Settle(index) => {
                    let open: Vec<u64> = read_so_far.difference(&done).copied().collect();
                    if !open.is_empty() {
                        let offset = open[index.index(open.len())];
                        settled.settle(Topic::Jobs, Offset(offset));
                        done.insert(offset);
                    }
                }
                Happens::Restart => {
                    settled.seal(&mut puts);
                    let low = settled.low(Topic::Jobs);
                    settled = Settled::new(&restored(&puts, Some(low.0)), None, &mut Vec::new());
                    for offset in read_so_far.difference(&done).filter(|it| low.0 <= **it) {
                        settled.open(Offset(*offset));
                    }
                    settled.reach(Topic::Jobs, Offset(end));
                }
            }
            for offset in &read_so_far {
                prop_assert_eq!(settled.is_settled(Topic::Jobs, Offset(*offset)), done.contains(offset));
            }
            let lowest_open = read_so_far.difference(&done).next().copied().unwrap_or(end);
            prop_assert_eq!(settled.low(Topic::Jobs), Offset(lowest_open));
        }
    }
}

#[test]
fn positions_of_an_unknown_topic_are_where_it_was_first_filed() {
    let topic = Topic::Delay(Tier::S80);
    let filed = BTreeMap::from([(topic, Offset(12))]);
    let positions = BTreeMap::from([(topic, Position { low: Offset(3), ..Position::default() })]);
    let settled = Settled::new(&Restored { filed, positions, ..Restored::default() }, None, &mut Vec::new());
    assert_eq!((settled.here(topic), settled.low(topic)), (Offset(12), Offset(3)));
}

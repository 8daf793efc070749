//! Promise 1, nothing is lost: which messages have been read, which are settled, and up to where all are.
//! Not here: what became of a message; it is settled once a part of a commit holds that.
//!
//! Offsets have holes (control records, compaction, aborted messages), so nothing here computes `offset + 1`:
//! the low watermark is the lowest message that was read and is open, else the position the log told.

use crate::machine::{Bug, Note};
use crate::model::{Offset, Position, Rewinds, SEGMENT_BITS, Segment, SegmentBits, Seq, StateKey, StateValue, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// What the changelog, the group and the log say at an assignment.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub positions: BTreeMap<Topic, Position>,
    pub segments: BTreeMap<(Topic, Segment), Box<SegmentBits>>,
    /// The group's offset of `jobs`.
    pub group_offset: Option<Offset>,
    /// Where each topic starts: read from there if nothing else is known.
    pub starts: BTreeMap<Topic, Offset>,
    /// Everything below has been filed, per delay topic.
    pub filed: BTreeMap<Topic, Offset>,
    /// Waiting deliveries per connection, by why they wait: how many, and their bytes.
    pub waiting: BTreeMap<crate::model::ConnectionId, BTreeMap<crate::model::Because, (u64, u64)>>,
    /// The limit windows of connections as the changelog has them.
    pub accounts: BTreeMap<crate::model::ConnectionId, crate::model::ConnectionMark>,
    /// When this was read: no owner before us has started a call since.
    pub at: crate::model::Millis,
    /// Where the queue of each connection starts.
    pub queues: BTreeMap<crate::model::ConnectionId, Seq>,
}

/// The settled set and the positions of one shard.
#[derive(Debug)]
pub(super) struct Settled {
    topics: BTreeMap<Topic, Progress>,
    bug: Option<Bug>,
}

#[derive(Debug, Default)]
struct Progress {
    position: Position,
    /// Everything below has been read (delay topics: filed) in this life.
    here: Offset,
    /// Read and not settled; kept for `jobs` only, the index knows the others.
    open: BTreeSet<Offset>,
    segments: BTreeMap<Segment, Box<SegmentBits>>,
    /// Changed since the last seal.
    dirty: BTreeSet<Segment>,
    /// In the changelog, so they must be deleted from it.
    stored: BTreeSet<Segment>,
    moved: bool,
    /// An earlier life left a position.
    known: bool,
}

impl Settled {
    /// Where reading goes on; a group offset that somebody moved is a replay or a skip.
    pub(super) fn new(restored: &Restored, bug: Option<Bug>, notes: &mut Vec<Note>) -> Self {
        let mut topics: BTreeMap<Topic, Progress> = BTreeMap::new();
        for topic in Topic::ALL.into_iter().filter(|it| it.is_input()) {
            let known = restored.positions.get(&topic).copied();
            let progress = topics.entry(topic).or_default();
            progress.position = known.unwrap_or_default();
            progress.known = known.is_some();
            if known.is_none() {
                progress.position.low = restored.starts.get(&topic).copied().unwrap_or_default();
                progress.moved = true;
            }
            progress.here = restored.filed.get(&topic).copied().unwrap_or(progress.position.low);
        }
        for ((topic, segment), bits) in &restored.segments {
            let progress = topics.entry(*topic).or_default();
            progress.segments.insert(*segment, bits.clone());
            progress.stored.insert(*segment);
        }
        let mut settled = Self { topics, bug };
        if let Some(group) = restored.group_offset {
            settled.follow_group(group, notes);
        }
        let jobs = settled.progress_mut(Topic::Jobs);
        jobs.here = jobs.position.low;
        settled
    }

    /// The group's offset differs from our own position: somebody moved it on purpose.
    fn follow_group(&mut self, group: Offset, notes: &mut Vec<Note>) {
        let jobs = self.progress_mut(Topic::Jobs);
        let low = jobs.position.low;
        if group == low {
            return;
        }
        jobs.moved = true;
        if low < group {
            jobs.position.low = group;
            notes.push(Note::Skipped { from: low, to: group });
            return;
        }
        for (segment, bits) in jobs.segments.range_mut(segment_of(group)..=segment_of(low)) {
            bits.clear(*segment, group, low);
            jobs.dirty.insert(*segment);
        }
        jobs.position.low_max = jobs.position.low_max.max(low);
        jobs.position.low = group;
        jobs.position.rewinds = Rewinds(jobs.position.rewinds.0.saturating_add(1));
        notes.push(Note::Rewound { from: low, to: group });
    }

    pub(super) fn is_settled(&self, topic: Topic, offset: Offset) -> bool {
        self.topics.get(&topic).is_some_and(|it| {
            offset < it.position.low || it.segments.get(&segment_of(offset)).is_some_and(|bits| bits.has(offset))
        })
    }

    /// A message of `jobs` was read and now waits for its outcome.
    pub(super) fn open(&mut self, offset: Offset) {
        self.progress_mut(Topic::Jobs).open.insert(offset);
    }

    pub(super) fn settle(&mut self, topic: Topic, offset: Offset) {
        let progress = self.progress_mut(topic);
        progress.open.remove(&offset);
        let segment = segment_of(offset);
        progress.segments.entry(segment).or_default().set(offset);
        progress.dirty.insert(segment);
    }

    /// Everything below `position` was read or will never be delivered.
    pub(super) fn reach(&mut self, topic: Topic, position: Offset) {
        let progress = self.progress_mut(topic);
        if progress.here < position {
            progress.here = position;
            progress.position.read = progress.position.read.max(position);
            progress.moved = true;
        }
    }

    /// The oldest waiting message of a delay topic lies at `offset`: all below are settled.
    pub(super) fn oldest(&mut self, topic: Topic, offset: Offset) {
        let progress = self.progress_mut(topic);
        let low = offset.min(progress.here);
        if progress.position.low < low {
            progress.position.low = low;
            progress.moved = true;
        }
    }

    pub(super) fn is_known(&self, topic: Topic) -> bool {
        self.topics.get(&topic).is_some_and(|it| it.known)
    }

    /// Where the topic stands in this life.
    pub(super) fn here(&self, topic: Topic) -> Offset {
        self.topics.get(&topic).map_or(Offset(0), |it| it.here)
    }

    pub(super) fn low(&self, topic: Topic) -> Offset {
        let Some(progress) = self.topics.get(&topic) else { return Offset(0) };
        match topic {
            Topic::Jobs if self.bug == Some(Bug::WatermarkPassesOpen) => progress.here,
            Topic::Jobs => progress.open.first().copied().unwrap_or(progress.here),
            Topic::Delay(_) | Topic::Dlq | Topic::State | Topic::Applied | Topic::Outcomes => progress.position.low,
        }
    }

    /// Whether a job was settled once already: reading it again is a replay.
    pub(super) fn seen_before(&self, seq: Seq) -> bool {
        self.topics.get(&Topic::Jobs).is_some_and(|it| seq < it.position.low_max)
    }

    /// Whether an earlier life may have read this job.
    pub(super) fn read_before(&self, seq: Seq) -> bool {
        self.topics.get(&Topic::Jobs).is_some_and(|it| seq < it.position.read)
    }

    /// Up to where any life has read `jobs`.
    pub(super) fn read_max(&self) -> Offset {
        self.topics.get(&Topic::Jobs).map_or(Offset(0), |it| it.position.read)
    }

    pub(super) fn rewinds(&self) -> Rewinds {
        self.topics.get(&Topic::Jobs).map_or(Rewinds(0), |it| it.position.rewinds)
    }

    /// Messages of `jobs` read and not settled.
    pub(super) fn open_count(&self) -> usize {
        self.topics.get(&Topic::Jobs).map_or(0, |it| it.open.len())
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.topics.values().any(|it| it.moved || !it.dirty.is_empty())
    }

    /// What changed since the last seal, as changelog puts and deletes.
    pub(super) fn seal(&mut self, puts: &mut BTreeMap<StateKey, Option<StateValue>>) {
        let jobs_low = self.low(Topic::Jobs);
        for (topic, progress) in &mut self.topics {
            if *topic == Topic::Jobs && progress.position.low != jobs_low {
                progress.position.low = jobs_low;
                progress.moved = true;
            }
            progress.seal(*topic, puts);
        }
    }

    fn progress_mut(&mut self, topic: Topic) -> &mut Progress {
        self.topics.entry(topic).or_default()
    }
}

impl Progress {
    fn seal(&mut self, topic: Topic, puts: &mut BTreeMap<StateKey, Option<StateValue>>) {
        let low = self.position.low;
        let kept = self.segments.split_off(&segment_of(low));
        let below = std::mem::replace(&mut self.segments, kept);
        for segment in below.into_keys() {
            self.dirty.remove(&segment);
            if self.stored.remove(&segment) {
                puts.insert(StateKey::Settled(topic, segment), None);
            }
        }
        for segment in std::mem::take(&mut self.dirty) {
            if let Some(bits) = self.segments.get(&segment) {
                self.stored.insert(segment);
                puts.insert(StateKey::Settled(topic, segment), Some(StateValue::Settled(bits.clone())));
            }
        }
        if std::mem::take(&mut self.moved) {
            self.position.low_max = self.position.low_max.max(low);
            puts.insert(StateKey::Position(topic), Some(StateValue::Position(self.position)));
        }
    }
}

fn segment_of(offset: Offset) -> Segment {
    Segment(offset.0 / SEGMENT_BITS)
}

#[cfg(test)]
mod tests;

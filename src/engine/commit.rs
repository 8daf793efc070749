//! When a commit is sealed, what it carries, and what follows from its fate (core rules §8).
//! Not here: what is in a part (`machine`); making it atomic (the log).

use crate::engine::shard::ShardSlot;
use crate::engine::{Ended, Engine, index};
use crate::fail_points::{self, FailPoint};
use crate::machine::{Bug, Input, Machine, Note, Part, Suspect};
use crate::model::{
    Commit, CommitNumber, Millis, Offset, Received, Shard, ShardCommit, StateKey, StateValue, Tier, Topic,
};
use crate::ports::{Batch, Crms, Culprit, Fate, Log, LogFault, Store, StoreFault};
use crate::wire;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A commit that is followed by nothing new is still made this often per lease, so that the lease never ends:
/// a ninth of the session, as the lease is a third.
const RENEWALS_PER_LEASE: u32 = 3;
/// How long an undone commit waits before it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Few enough settled messages to commit them sooner.
const IDLE_BELOW: usize = 64;
/// A commit refused for good so often stops the process, if no message of it can yield.
const REFUSALS_MAX: u32 = 3;
/// What a person can do about it.
const WAY_OUT: &str =
    "`sluicegate topics plan` shows topics whose max.message.bytes is too small and ACLs that are needed";

/// The commit under way and what is known of the last one.
#[derive(Debug)]
pub(super) struct Committer {
    number: CommitNumber,
    under_way: Option<UnderWay>,
    /// The first outcome of what is building.
    dirty_since: Option<Millis>,
    /// The start of the last committed transaction.
    lease_start: Millis,
    not_before: Millis,
    refusals: u32,
}

#[derive(Debug)]
struct UnderWay {
    started: Millis,
    /// Every shard it speaks for.
    shards: BTreeSet<Shard>,
    /// The shards whose changelog carries its mark.
    marked: BTreeSet<Shard>,
    /// What it carries of the shards that are still ours.
    parts: BTreeMap<Shard, Arc<Part>>,
    /// Its fate is being read from this shard's changelog.
    settling: Option<Shard>,
}

impl Committer {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            number: CommitNumber(0),
            under_way: None,
            dirty_since: None,
            lease_start: Millis(0),
            not_before: now,
            refusals: 0,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    pub(super) fn lease_start(&self) -> Millis {
        self.lease_start
    }

    /// The shard is no longer ours: its part of the commit under way is void here.
    pub(super) fn forget(&mut self, shard: Shard) {
        if let Some(under_way) = &mut self.under_way {
            under_way.parts.remove(&shard);
            under_way.shards.remove(&shard);
        }
    }
}

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    pub(super) fn commit_what_is_due(&mut self, now: Millis) {
        let machines = || self.shards.values().filter(|it| it.may_commit()).filter_map(ShardSlot::machine);
        if machines().any(|it| it.has_outcomes()) {
            self.committer.dirty_since.get_or_insert(now);
        } else {
            self.committer.dirty_since = None;
        }
        if self.commit_due().is_some_and(|due| due <= now) {
            self.commit(now);
        }
    }

    /// When the next commit is due; nothing while one is under way or no shard is ready for one.
    pub(super) fn commit_due(&self) -> Option<Millis> {
        if self.committer.under_way.is_some() || self.ended.is_some() {
            return None;
        }
        let slots = || self.shards.values().filter(|it| it.may_commit());
        let lease = slots().map(|it| it.assignment.lease).min()?;
        let renewal = self.committer.lease_start.after(lease / RENEWALS_PER_LEASE);
        let first = slots().any(|it| !it.committed_once);
        let count: usize = slots().filter_map(ShardSlot::machine).map(|it| it.building_count()).sum();
        let patience = if count < IDLE_BELOW { self.settings.commit_after_idle } else { self.settings.commit_after };
        let last = slots().any(|it| it.is_closing() && it.machine().is_some_and(Machine::is_dirty));
        let urgent = slots().filter_map(ShardSlot::machine).any(Machine::is_urgent);
        let at_once = first || last || urgent || self.is_full();
        let outcomes = self.committer.dirty_since.map(|it| it.after(patience));
        let due = if at_once { Some(Millis(0)) } else { outcomes };
        Some(due.map_or(renewal, |it| it.min(renewal)).max(self.committer.not_before))
    }

    fn commit(&mut self, now: Millis) {
        self.committer.number = CommitNumber(self.committer.number.0 + 1);
        let number = self.committer.number;
        let mut commit = Commit { number, shards: BTreeMap::new() };
        let mut parts = BTreeMap::new();
        let owned: Vec<Shard> = self.shards.iter().filter(|(_, it)| it.may_commit()).map(|(it, _)| *it).collect();
        for shard in owned {
            let Some(machine) = self.shards.get_mut(&shard).and_then(ShardSlot::machine_mut) else { continue };
            let part = machine.is_dirty().then(|| machine.seal(now, number));
            let group_offset = machine.group_offset();
            let messages = part.as_ref().map(|it| self.encode(shard, it)).unwrap_or_default();
            commit.shards.insert(shard, ShardCommit { group_offset, messages });
            parts.extend(part.map(|it| (shard, it)));
        }
        if self.settings.bug == Some(Bug::WritesBeforeCommit) {
            for (shard, part) in parts.clone() {
                self.write_part(shard, &part, None);
            }
        }
        self.committer.dirty_since = None;
        let shards = commit.shards.keys().copied().collect();
        let marked = parts.keys().copied().collect();
        self.committer.under_way = Some(UnderWay { started: now, shards, marked, parts, settling: None });
        self.log.commit(Arc::new(commit));
    }

    pub(super) fn commit_ended(&mut self, now: Millis, number: CommitNumber, fate: Fate) {
        if number != self.committer.number || self.committer.under_way.is_none() {
            return;
        }
        let took = self.committer.under_way.as_ref().map(|it| now.since(it.started)).unwrap_or_default();
        self.notes.push(Note::Committed { result: fate.name(), took });
        match fate {
            Fate::Committed { ends } => self.committed(now, &ends),
            Fate::Aborted(fault) => self.undone(now, &fault),
            Fate::Unknown(_) if self.settings.bug == Some(Bug::TrustsUnknown) => {
                self.committed(now, &BTreeMap::new());
            }
            Fate::Unknown(fault) => self.find_out(&fault),
            Fate::Fenced(fault) => {
                tracing::warn!(%fault, "fenced: everything uncommitted is void, a new life begins");
                self.ended = Some(Ended::Fenced(fault));
            }
            Fate::Refused { fault, culprit } => self.refused(now, fault, culprit),
        }
    }

    fn committed(&mut self, now: Millis, ends: &BTreeMap<(Shard, Topic), Offset>) {
        let Some(under_way) = self.committer.under_way.take() else { return };
        fail_points::reach(FailPoint::AfterCommit);
        self.committer.lease_start = under_way.started;
        self.committer.refusals = 0;
        for (shard, part) in under_way.parts {
            self.write_part(shard, &part, Some(ends));
            drop(part);
            self.step(now, shard, Input::Committed);
            self.raise_low(now, shard);
        }
        for shard in &under_way.shards {
            if let Some(slot) = self.shards.get_mut(shard) {
                slot.committed_once = true;
            }
        }
    }

    fn undone(&mut self, now: Millis, fault: &LogFault) {
        let Some(under_way) = self.committer.under_way.take() else { return };
        tracing::warn!(%fault, shards = under_way.parts.len(), "a commit was undone: it is made again, no call is repeated");
        self.committer.not_before = now.after(AGAIN_AFTER);
        for (shard, part) in under_way.parts {
            drop(part);
            self.step(now, shard, Input::Aborted);
        }
    }

    /// The message to blame is cut, or dies; where that is no help, the third refusal stops the process.
    fn refused(&mut self, now: Millis, fault: LogFault, culprit: Option<Culprit>) {
        self.committer.refusals += 1;
        let suspect = culprit.and_then(|it| Some((it.shard, self.suspect_of(it)?)));
        let machine = |shard| self.shards.get(&shard).and_then(ShardSlot::machine);
        let yields = suspect.is_some_and(|(shard, it)| machine(shard).is_some_and(|machine| machine.can_yield(it)));
        // What another owner has now is for that one to answer.
        let parts = self.committer.under_way.as_ref().map(|it| &it.parts);
        let is_ours = culprit.is_none_or(|it| parts.is_some_and(|parts| parts.contains_key(&it.shard)));
        if is_ours && !yields && REFUSALS_MAX <= self.committer.refusals {
            let what = format!("a commit was refused {} times: {fault}; {WAY_OUT}", self.committer.refusals);
            return self.stop(LogFault { what });
        }
        let Some(under_way) = self.committer.under_way.take() else { return };
        tracing::warn!(%fault, ?suspect, "a commit was refused: it is made again, with less history or with a dead letter for the message to blame");
        self.committer.not_before = now.after(AGAIN_AFTER * 10);
        for (shard, part) in under_way.parts {
            drop(part);
            let blamed = suspect.filter(|it| it.0 == shard).map(|it| it.1);
            let input = blamed.map_or(Input::Aborted, |it| Input::Refused(it, fault.what.clone()));
            self.step(now, shard, input);
        }
    }

    fn suspect_of(&self, culprit: Culprit) -> Option<Suspect> {
        let part = self.committer.under_way.as_ref()?.parts.get(&culprit.shard)?;
        Some(Self::suspect(part, culprit.index))
    }

    /// Nobody answered whether the commit is done: the changelog of a shard in it tells.
    fn find_out(&mut self, fault: &LogFault) {
        let Some(under_way) = &mut self.committer.under_way else { return };
        // If no shard with its mark is ours any more, nothing of it is either: any of ours will do.
        let marked = under_way.marked.iter().find(|it| self.shards.contains_key(it)).copied();
        let Some(shard) = marked.or_else(|| self.shards.keys().next().copied()) else {
            self.ended = Some(Ended::Fenced(fault.clone()));
            return;
        };
        tracing::warn!(%fault, %shard, "a commit was not answered: its fate is read from the changelog");
        under_way.settling = Some(shard);
        let key = wire::index::changelog_key(Topic::State);
        match self.stored_offset(shard, &key) {
            Ok(from) => self.log.settle(shard, from.unwrap_or_default()),
            Err(fault) => self.store_failed(shard, &fault),
        }
    }

    /// The changelog's tail after an unanswered commit.
    pub(super) fn commit_settled(&mut self, now: Millis, shard: Shard, messages: &[Received]) {
        let Some(under_way) = &self.committer.under_way else { return };
        if under_way.settling != Some(shard) {
            return;
        }
        // An empty commit left no mark; whether it is done makes no difference but to the lease.
        let done = under_way.marked.contains(&shard) && self.has_mark(messages);
        if done {
            self.committed(now, &BTreeMap::new());
        } else {
            self.undone(now, &LogFault { what: "the unanswered commit was not done".to_owned() });
        }
    }

    /// Whether the commit under way left its mark; later ones, of a next owner, may follow it.
    fn has_mark(&self, messages: &[Received]) -> bool {
        messages.iter().any(|it| {
            let key = it.message.key.as_deref().unwrap_or_default();
            match wire::state::decode(Topic::State, key, it.message.value.as_deref()) {
                Ok((StateKey::Commit, Some(StateValue::Commit(mark)))) => {
                    mark.number == self.committer.number && mark.incarnation == self.incarnation
                }
                Ok(_) | Err(_) => false,
            }
        })
    }

    /// A committed part goes to the local store: changelog part, index part, changelog offsets.
    fn write_part(&mut self, shard: Shard, part: &Part, ends: Option<&BTreeMap<(Shard, Topic), Offset>>) {
        if !self.shards.contains_key(&shard) {
            return;
        }
        if let Err(fault) = self.follow_dead(shard, part) {
            return self.store_failed(shard, &fault);
        }
        // Each entry that ended is up to five keys.
        let mut batch = Batch { writes: Vec::with_capacity(part.puts.len() + 5 * part.removed.len() + 2) };
        for (key, value) in &part.puts {
            let value = value.as_ref().map(wire::state::encode_value);
            batch.writes.push((wire::index::state_key(key), value));
        }
        for (key, removed) in &part.removed {
            index::remove(&mut batch, key, removed);
        }
        for (tier, position) in &part.reads {
            let position = position.0.to_be_bytes().to_vec();
            batch.writes.push((wire::index::read_key(Topic::Delay(*tier)), Some(position)));
        }
        for topic in [Topic::State, Topic::Applied] {
            if let Some(end) = ends.and_then(|it| it.get(&(shard, topic))) {
                batch.writes.push((wire::index::changelog_key(topic), Some(end.0.to_be_bytes().to_vec())));
            }
        }
        if let Err(fault) = self.store.write(shard, batch) {
            self.store_failed(shard, &fault);
        }
    }

    /// Low watermarks of the delay topics rise to their oldest entries; what lies below is deleted.
    fn raise_low(&mut self, now: Millis, shard: Shard) {
        for tier in Tier::ALL {
            if let Err(fault) = self.raise_low_of(now, shard, tier) {
                return self.store_failed(shard, &fault);
            }
        }
    }

    fn raise_low_of(&mut self, now: Millis, shard: Shard, tier: Tier) -> Result<(), StoreFault> {
        let topic = Topic::Delay(tier);
        let Some(machine) = self.shards.get(&shard).and_then(ShardSlot::machine) else { return Ok(()) };
        let (low, filed) = (machine.low(topic), machine.filed(topic));
        if filed <= low {
            return Ok(());
        }
        let oldest = self.oldest(shard, tier, low)?.unwrap_or(filed);
        if low < oldest {
            self.step(now, shard, Input::Oldest(tier, oldest));
        }
        let Some(slot) = self.shards.get_mut(&shard) else { return Ok(()) };
        let purged = slot.purged.entry(topic).or_default();
        // `low` was in an earlier commit: only what is committed is deleted.
        if *purged < low {
            *purged = low;
            self.log.purge(shard, topic, low);
        }
        Ok(())
    }
}

//! Where one shard stands between assignment and release, and what the loop keeps of it beside its machine.
//! Not here: what moves it on (`restore`, `handover`).

use crate::engine::age::Aging;
use crate::engine::dead::DeadLetters;
use crate::engine::forget::Forgetting;
use crate::engine::oldest::Cursor;
use crate::machine::{Machine, WaitingRead};
use crate::model::{ConnectionId, Millis, Offset, Received, Tier, Topic};
use crate::ports::Assignment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One owned shard.
#[derive(Debug)]
pub(super) struct ShardSlot {
    pub assignment: Assignment,
    pub phase: Phase,
    /// Messages of delay topics that came and are not filed yet.
    pub unfiled: VecDeque<Unfiled>,
    /// Jobs of tenants that are not configured and may be soon, each with when they are looked at again.
    pub latecomers: BTreeMap<Offset, (Millis, Received)>,
    /// What the log was last told about each topic.
    pub unwanted: BTreeSet<Topic>,
    /// Timers are read from here; all earlier ones have been taken.
    pub timers_from: Millis,
    /// The earliest timer known; absent: none.
    pub timer_next: Option<Millis>,
    /// Delay topics are deleted below this.
    pub purged: BTreeMap<Topic, Offset>,
    /// A commit of this assignment is done: calls may start.
    pub committed_once: bool,
    /// Calls of an earlier life may still land until then.
    pub quiet_until: Millis,
    /// When the copy was last noted as current.
    pub noted_at: Millis,
    /// Dead letters that nobody has replayed or discarded.
    pub dead: DeadLetters,
    /// Where the oldest waiting delivery is looked for.
    pub oldest: Cursor,
    pub forgetting: Forgetting,
    pub aging: Aging,
    /// The last connection whose queue was read: the next one is served first.
    pub loaded_last: Option<ConnectionId>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The changelogs are read into the store.
    Restoring {
        position: BTreeMap<Topic, Offset>,
    },
    /// The delay topics are read into the index; nothing is called.
    Filing(Box<Machine>),
    Running(Box<Machine>),
    /// Going to another owner: calls out end, the last commit is made.
    Closing {
        machine: Box<Machine>,
        deadline: Millis,
    },
}

#[derive(Debug)]
pub(super) struct Unfiled {
    pub tier: Tier,
    pub messages: Vec<WaitingRead>,
    pub position: Offset,
}

impl Phase {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Restoring { .. } => "restoring",
            Self::Filing(_) => "filing",
            Self::Running(_) => "running",
            Self::Closing { .. } => "closing",
        }
    }

    pub(super) fn restoring() -> Self {
        Self::Restoring { position: BTreeMap::new() }
    }
}

impl ShardSlot {
    pub(super) fn new(assignment: Assignment, now: Millis, quiet_until: Millis) -> Self {
        Self {
            assignment,
            phase: Phase::restoring(),
            unfiled: VecDeque::new(),
            latecomers: BTreeMap::new(),
            unwanted: BTreeSet::new(),
            timers_from: Millis(0),
            timer_next: None,
            purged: BTreeMap::new(),
            committed_once: false,
            quiet_until,
            noted_at: now,
            dead: DeadLetters::new(),
            oldest: Cursor::default(),
            forgetting: Forgetting::default(),
            aging: Aging::default(),
            loaded_last: None,
        }
    }

    /// The machine, once there is one.
    pub(super) fn machine(&self) -> Option<&Machine> {
        match &self.phase {
            Phase::Restoring { .. } => None,
            Phase::Filing(machine) | Phase::Running(machine) | Phase::Closing { machine, .. } => Some(machine),
        }
    }

    pub(super) fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.phase {
            Phase::Restoring { .. } => None,
            Phase::Filing(machine) | Phase::Running(machine) | Phase::Closing { machine, .. } => Some(machine),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        match self.phase {
            Phase::Running(_) => true,
            Phase::Restoring { .. } | Phase::Filing(_) | Phase::Closing { .. } => false,
        }
    }

    /// Whether a commit speaks for this shard: once its state is restored.
    pub(super) fn may_commit(&self) -> bool {
        match self.phase {
            Phase::Running(_) | Phase::Closing { .. } => true,
            Phase::Restoring { .. } | Phase::Filing(_) => false,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        match self.phase {
            Phase::Closing { .. } => true,
            Phase::Restoring { .. } | Phase::Filing(_) | Phase::Running(_) => false,
        }
    }

    /// Messages that came and are not filed.
    pub(super) fn unfiled_count(&self) -> usize {
        self.unfiled.iter().map(|it| it.messages.len()).sum()
    }
}

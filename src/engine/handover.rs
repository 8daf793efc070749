//! Shards leave: asked for, taken away, or at the end of the process.
//! Not here: who gets them (the log).

use crate::engine::shard::{Phase, ShardSlot};
use crate::engine::{Ended, Engine};
use crate::model::{Millis, Shard};
use crate::ports::{Crms, Log, LogFault, StopCause, Store};

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// No new calls of these shards; they are closed once their calls are over and committed.
    pub(super) fn revoking(&mut self, now: Millis, shards: &[Shard]) {
        let deadline = now.after(self.settings.revoke_patience);
        for shard in shards {
            let Some(slot) = self.shards.get_mut(shard) else {
                self.log.close(&[*shard]);
                continue;
            };
            let phase = std::mem::replace(&mut slot.phase, Phase::restoring());
            match phase {
                Phase::Running(machine) => slot.phase = Phase::Closing { machine, deadline },
                Phase::Closing { .. } => slot.phase = phase,
                Phase::Restoring { .. } | Phase::Filing(_) => self.let_go(now, *shard, true),
            }
        }
    }

    /// These shards have another owner already: what is uncommitted of them is void.
    pub(super) fn lost(&mut self, now: Millis, shards: &[Shard]) {
        for shard in shards {
            self.let_go(now, *shard, false);
        }
    }

    /// Everything is to end well.
    pub(super) fn drain(&mut self, now: Millis) {
        tracing::info!(calls_out = self.calls_out.len(), "stopping: no new calls, the ones out may end");
        self.draining = true;
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        self.revoking(now, &shards);
        if self.shards.is_empty() {
            self.log.leave();
        }
    }

    pub(super) fn close_what_is_done(&mut self, now: Millis) {
        let done = |slot: &ShardSlot| match &slot.phase {
            Phase::Closing { machine, deadline } => {
                let idle = machine.calls_out() == 0 && !machine.is_dirty() && !machine.is_flying();
                idle || *deadline <= now
            }
            Phase::Restoring { .. } | Phase::Filing(_) | Phase::Running(_) => false,
        };
        let shards: Vec<Shard> = self.shards.iter().filter(|(_, it)| done(it)).map(|(it, _)| *it).collect();
        for shard in shards {
            self.let_go(now, shard, true);
        }
    }

    /// The log is left.
    pub(super) fn closed(&mut self) {
        self.ended = Some(Ended::Drained);
    }

    /// A shard that cannot go on stops the process: an operator sees it, instead of one silent shard.
    pub(super) fn stopped(&mut self, now: Millis, shard: Option<Shard>, (fault, cause): (LogFault, StopCause)) {
        tracing::error!(?shard, %fault, "the log cannot go on");
        for shard in self.shards.keys().copied().collect::<Vec<_>>() {
            self.let_go(now, shard, false);
        }
        self.ended = Some(Ended::Stopped(fault, cause));
    }

    pub(super) fn let_go(&mut self, now: Millis, shard: Shard, ours_still: bool) {
        let Some(slot) = self.shards.remove(&shard) else { return };
        let clean = slot.machine().is_some_and(|it| it.calls_out() == 0 && !it.is_flying());
        if clean && ours_still {
            self.note_current_of(shard, now);
        }
        if !clean {
            self.quiet.insert(shard, now.after(self.settings.call_deadline));
        }
        self.calls_out.retain(|_, of| *of != shard);
        self.committer.forget(shard);
        self.store.close(shard);
        tracing::info!(%shard, clean, "shard let go");
        match (self.draining, ours_still) {
            (true, _) if self.shards.is_empty() => self.log.leave(),
            (false, true) => self.log.close(&[shard]),
            (true, _) | (false, false) => {}
        }
    }
}

//! What a restored shard must not go on with: the log and what is known of it contradict each other (core rules §9).
//! Not here: what a person does about it (docs/operations.md).

use crate::engine::Engine;
use crate::machine::{Machine, Restored};
use crate::model::{Offset, Shard, Topic};
use crate::ports::{Crms, Log, LogFault, Store};

impl<L: Log, S: Store, C: Crms> Engine<L, S, C> {
    /// Why the shard must stop, in words that name the way out. Asked once the changelog is restored.
    pub(super) fn contradiction(&self, shard: Shard, restored: &Restored, machine: &Machine) -> Option<LogFault> {
        let what = self.lost_state(restored).or_else(|| self.lost_messages(shard, machine))?;
        Some(LogFault { what: format!("shard {shard}: {what}") })
    }

    /// The first commit of a shard leaves a position beside the group's offset, so one without the other is a loss.
    fn lost_state(&self, restored: &Restored) -> Option<String> {
        let offset = restored.group_offset.filter(|_| !restored.positions.contains_key(&Topic::Jobs))?;
        let prefix = &self.settings.prefix;
        Some(format!(
            "the group's offset of {prefix}.jobs is {offset}, but {prefix}.state says nothing of this shard: the \
             changelog was emptied or lost, or the offset was set before the first start; see docs/operations.md, \
             state lost"
        ))
    }

    /// Messages that were not settled and are gone, or new ones where all counts as settled.
    fn lost_messages(&self, shard: Shard, machine: &Machine) -> Option<String> {
        let assignment = &self.shards.get(&shard)?.assignment;
        let prefix = &self.settings.prefix;
        Topic::ALL.into_iter().filter(|it| it.is_input() && machine.is_known(*it)).find_map(|topic| {
            let low = machine.low(topic);
            let start = assignment.starts.get(&topic).copied().unwrap_or_default();
            let end = assignment.ends.get(&topic).copied().unwrap_or(Offset(u64::MAX));
            if low < start {
                return Some(format!(
                    "{prefix}.{} starts at {start}, but everything from {low} on was not settled yet: the log deleted \
                     messages before they were applied; see docs/operations.md, messages deleted too early",
                    topic.suffix()
                ));
            }
            (end < low).then(|| {
                format!(
                    "{prefix}.{} ends at {end}, but everything below {low} was settled once: the topic was made anew or \
                     cut off, and what is written to it now would count as done; see docs/operations.md, a topic made \
                     anew",
                    topic.suffix()
                )
            })
        })
    }
}

//! What was sent against what the CRM counted: the demo's verdict.
//! Not here: Sluicegate's own counters; the CRM alone is believed.

/// One look at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Events that the log has accepted.
    pub accepted: u64,
    /// Different events that the CRM holds.
    pub applied: u64,
    /// Events in the dead letter topic.
    pub dead: u64,
    /// Records that events were sent for, and records that the CRM created.
    pub records: u64,
    pub created: u64,
    /// Writes of an event the CRM held already: harmless, because each is an upsert by external ID.
    pub repeated: u64,
    /// Repeats that had to be: the answer was lost, or the engine crashed before it could note it.
    pub repeats_explained: u64,
    pub out_of_order: u64,
    pub over_limit: u64,
    pub calls: u64,
    /// Waiting deliveries by `Because`, in the order of `Because::ALL`.
    pub waiting: [u64; 4],
    pub crashes: u64,
}

impl Tally {
    /// Events that are neither applied nor dead yet. At the end: lost.
    pub(super) fn on_the_way(&self) -> u64 {
        self.accepted.saturating_sub(self.applied + self.dead)
    }

    /// More records than were asked for.
    pub(super) fn duplicate_records(&self) -> u64 {
        self.created.saturating_sub(self.records)
    }

    pub(super) fn is_perfect(&self) -> bool {
        0 < self.accepted
            && self.on_the_way() == 0
            && self.dead == 0
            && self.duplicate_records() == 0
            && self.out_of_order == 0
            && self.over_limit == 0
            && self.repeated <= self.repeats_explained
    }

    pub(super) fn in_words(&self) -> String {
        let verdict = if self.is_perfect() { "perfect" } else { "NOT perfect" };
        format!(
            "the CRMs' count is {verdict}: {} events sent, {} applied, {} lost, {} dead; {} records, {} duplicate \
             records; {} writes out of order; {} calls, {} over the limit; {} repeated writes, {} of them explained by \
             a lost answer or a crash; {} crashes of the engine",
            self.accepted,
            self.applied,
            self.on_the_way(),
            self.dead,
            self.created,
            self.duplicate_records(),
            self.out_of_order,
            self.calls,
            self.over_limit,
            self.repeated,
            self.repeated.min(self.repeats_explained),
            self.crashes,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn perfect() -> Tally {
        Tally { accepted: 10, applied: 10, records: 3, created: 3, ..Tally::default() }
    }

    #[test]
    fn each_kind_of_fault_spoils_the_count() {
        assert!(perfect().is_perfect());
        let spoilt: [fn(&mut Tally); 7] = [
            |it| it.applied = 9,
            |it| it.dead = 1,
            |it| it.created = 4,
            |it| it.out_of_order = 1,
            |it| it.over_limit = 1,
            |it| it.repeated = 1,
            |it| it.accepted = 0,
        ];
        for spoil in spoilt {
            let mut tally = perfect();
            spoil(&mut tally);
            assert!(!tally.is_perfect(), "{tally:?}");
        }
    }

    #[test]
    fn a_repeat_after_a_lost_answer_is_no_fault() {
        assert!(Tally { repeated: 2, repeats_explained: 2, ..perfect() }.is_perfect());
    }
}

//! Planted bugs: each breaks one rule on purpose, and the simulator must catch it.
//! Not here: any use outside tests; no setting reaches this.

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// A message counts as settled when it is read, not when its outcome is in a commit.
    SettlesOnRead,
    /// The low watermark passes deliveries that are still out.
    WatermarkPassesOpen,
    /// The idempotency keys that succeeded are not looked at.
    ForgetsApplied,
    /// A key that succeeded is not put into the commit.
    KeepsAppliedToItself,
    /// Two deliveries of one record may be in flight at once.
    OvertakesInFlight,
    /// A job does not wait behind an earlier one of its record that waits.
    OvertakesWaiting,
    /// What was released but not yet read back does not block its record.
    ForgetsOnItsWay,
    /// A retry runs a second early.
    RetriesEarly,
    /// One retry fewer than promised.
    GivesUpEarly,
    /// The history of a dead letter lacks its last attempt.
    CutsHistory,
    /// A rewind does not give the dead another life.
    BuriesTheDead,
    /// A job at the wrong shard is applied there.
    KeepsStrangers,
    /// The bit of an ended waiting delivery is not set.
    ForgetsBits,
    /// Calls start before the shard's first commit and without a lease.
    CallsWithoutLease,
    /// The store is written when a commit is sealed, not when it is done.
    WritesBeforeCommit,
    /// An aborted commit is dropped instead of being tried again.
    DropsAborted,
    /// An unanswered commit is taken for done.
    TrustsUnknown,
    /// Waiting deliveries run before `jobs` has been read up to them.
    RunsAheadOfJobs,
    /// A dead letter that was given another life still counts as dead.
    CountsTheRevived,
    /// The oldest that waits is not looked for below where it was found before.
    OverlooksTheOldest,
    /// A message that the log refuses for good does not die.
    KeepsRefused,
    /// A key that succeeded is looked at however long ago that was.
    RemembersForEver,
    /// What is in memory is released anew, too.
    RenewsWhatIsLoaded,
    /// What has waited too long goes on waiting.
    NeverExpires,
    /// What a person paused dies of its age.
    ExpiresThePaused,
    /// A token comes back one window after the start of its call instead of the answer.
    ReturnsTokensFromTheStart,
    /// A new owner takes no account of calls that the one before it had out.
    ForgetsCallsOut,
    /// More calls start than a new owner would account for.
    StartsUnseen,
    /// What the CRM says is left of a limit is not believed.
    IgnoresOthers,
    /// Holds and pauses are not read back after a restart.
    ForgetsHolds,
    /// The probe of a held connection is the delivery with the most attempts.
    ProbesTheMostTried,
    /// A pause is noted, and calls go on.
    CallsThePaused,
    /// A held connection is probed with a whole batch.
    ProbesWithAll,
    /// An account-wide refusal counts as an attempt.
    CountsTheAccount,
    /// What is in memory for a connection that vanished from the configuration is called all the same.
    CallsTheVanished,
    /// What is on disk for a connection that was held or paused is not loaded when it is released.
    ForgetsTheReleased,
    /// A job of a tenant that is not configured dies at once.
    BuriesTheUnknown,
    /// A record without a unique key is created without a word of it before.
    CreatesUnannounced,
    /// A record is searched for before a search can find it.
    SearchesTooEarly,
    /// The ids of records are not read back.
    ForgetsIds,
}

impl Bug {
    pub const ALL: [Self; 40] = [
        Self::SettlesOnRead,
        Self::WatermarkPassesOpen,
        Self::ForgetsApplied,
        Self::KeepsAppliedToItself,
        Self::OvertakesInFlight,
        Self::OvertakesWaiting,
        Self::ForgetsOnItsWay,
        Self::RetriesEarly,
        Self::GivesUpEarly,
        Self::CutsHistory,
        Self::BuriesTheDead,
        Self::KeepsStrangers,
        Self::ForgetsBits,
        Self::CallsWithoutLease,
        Self::WritesBeforeCommit,
        Self::DropsAborted,
        Self::TrustsUnknown,
        Self::RunsAheadOfJobs,
        Self::CountsTheRevived,
        Self::OverlooksTheOldest,
        Self::KeepsRefused,
        Self::RemembersForEver,
        Self::RenewsWhatIsLoaded,
        Self::NeverExpires,
        Self::ExpiresThePaused,
        Self::ReturnsTokensFromTheStart,
        Self::ForgetsCallsOut,
        Self::StartsUnseen,
        Self::IgnoresOthers,
        Self::ForgetsHolds,
        Self::ProbesTheMostTried,
        Self::CallsThePaused,
        Self::ProbesWithAll,
        Self::CountsTheAccount,
        Self::CallsTheVanished,
        Self::BuriesTheUnknown,
        Self::ForgetsTheReleased,
        Self::CreatesUnannounced,
        Self::SearchesTooEarly,
        Self::ForgetsIds,
    ];
}

//! "Sometimes": rare states that the seeds together must have reached, counted.
//! Not here: what must hold in them (`invariants`).

use std::fmt;

macro_rules! marks {
    ($($(#[$needed:meta])* $name:ident => $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mark { $($name),* }
        impl Mark {
            pub const ALL: &'static [(Mark, &'static str)] = &[$((Mark::$name, $text)),*];
        }
    };
}

marks! {
    UnknownWasCommitted => "an unknown commit was committed",
    UnknownWasAborted => "an unknown commit was aborted",
    DiedBetweenCommitAndWrite => "died between commit and local write",
    DiedInsideTransaction => "died inside a transaction",
    DiedAtAPoint => "died at a named point",
    CommitFenced => "a commit was fenced",
    CommitFencedByGroup => "a commit was fenced by the group",
    OpenedAStaleCopy => "hand-over or restart with a stale local copy",
    RevokedWithoutClose => "patience with a revoked owner ran out",
    SessionOfAFrozenProcessRanOut => "the session of a frozen process ran out",
    FrozenWithinItsSessionWokeUp => "a process frozen within its session woke up",
    FrozenBeyondItsSessionWokeUp => "a process frozen beyond its session woke up",
    RewoundOverWaiting => "rewind over a waiting job",
    RewoundOverDead => "rewind over a dead job",
    RewoundOverApplied => "rewind over an applied job",
    RewoundOverExpired => "rewind over an expired job",
    Forwarded => "a job was forwarded to its home",
    SkippedAhead => "group offset set forward over unsettled jobs",
    ReleasedBehindUnsettled => "after a restart a released job lies behind an unsettled one of its record",
    FollowerFiledLate => "a follower was filed after its head had ended",
    OnItsWayBlocks => "an entry on its way blocks a newer job",
    LadderDownToOne => "a refused batch came down to one",
    DeadProcessLanded => "the call of a dead process landed",
    EffectThenTimeout => "a call had its effect and no answer",
    RepeatedEffect => "an effect was repeated",
    DeadByExhaustion => "a delivery died after its last retry",
    DeadByRefusal => "a delivery died at once",
    DuplicateKey => "a duplicate was dropped",
    ReleasedForRetry => "released because retry",
    ReleasedForOrder => "released because order",
    ReleasedForMemory => "released because rate_limit",
    BucketEmpty => "a call took the last token of a window",
    LimitedByOthers => "a call was refused because of others' use",
    LandedAfterHandOver => "a call of a former owner landed while the next one called",
    OthersUp => "the CRM had more left than was counted",
    OthersDown => "the CRM had less left than was counted",
    ClocksDiffered => "a process began with another clock than the one before it",
    ReleasedForHold => "released because held",
    HeldForOutage => "a connection was held for an outage",
    HeldForCredentials => "a connection was held for its credentials",
    HeldForQuota => "a connection was held for its quota",
    Probed => "a held connection was probed",
    ProbedAfterRestart => "a held connection was probed by another life than the one that held it",
    ProbeFailed => "a probe failed",
    ProbeAnswered => "a probe ended a hold",
    TriedOtherAccess => "one held for an outage was tried at once because its access changed",
    ProbeHadAChoice => "a probe could have been one with more attempts",
    Vanished => "something waited for a connection that vanished from the configuration",
    CameBack => "it came back",
    Misrouted => "a job was read while its connection was not configured",
    PauseHeard => "a running process heard of a pause",
    ResumeHeard => "a running process heard of a resume",
    PausedOverRestart => "a process was started into a pause",
    PauseRanOut => "a pause ended by itself",
    AbortedInputSkipped => "an aborted message of a producer lay in jobs",
    SegmentCrossed => "the settled set crossed a segment",
    Drained => "a process drained and left",
    Renewed => "what had waited for long was released again",
    Expired => "what had waited too long died",
    SparedByPause => "what was paused for longer than anything may wait was spared",
    DiskFull => "what waited reached the bound of the disk",
    DeathForgotten => "the mark of a death was deleted after its time",
    CutToFit => "a message fitted once its history was cut",
    SearchFound => "a search found a record that an unheard call had made",
    SearchFoundNothing => "a search found nothing",
    DeletedUnder => "a record was gone from under its id",
    Doubled => "a record that cannot be searched for was made twice",
    UnknownOutcome => "an announced call was never heard of",
    DeadByRefusalOfTheLog => "what the log refused for good died",
}

#[derive(Clone, Debug)]
pub struct Marks {
    counts: [u64; Mark::ALL.len()],
}

impl Default for Marks {
    fn default() -> Self {
        Self { counts: [0; Mark::ALL.len()] }
    }
}

impl Marks {
    pub fn hit(&mut self, mark: Mark) {
        self.counts[mark as usize] += 1;
    }

    pub fn hit_if(&mut self, reached: bool, mark: Mark) {
        if reached {
            self.hit(mark);
        }
    }

    pub fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// What no seed has reached.
    pub fn missing(&self) -> Vec<&'static str> {
        let all = Mark::ALL.iter().filter(|it| self.counts[it.0 as usize] == 0);
        all.map(|it| it.1).collect()
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (mark, text) in Mark::ALL {
            writeln!(formatter, "{:>9}  {text}", self.counts[*mark as usize])?;
        }
        Ok(())
    }
}

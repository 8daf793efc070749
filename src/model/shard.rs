//! Where a message lies: shard, topic, tier, offset.
//! Not here: topic names with their prefix (the log adapters) and any partitioner.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Partition `n` of all our topics: one owner, one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u32);

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The offset of a message in one partition of one topic.
/// Offsets have holes: only compare them, never expect the next one to be `+ 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The offset of a job in `jobs[p]`: the only order there is among the deliveries of a shard.
pub type Seq = Offset;

/// The delay topics, shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    S5,
    S10,
    S20,
    S40,
    S80,
}

impl Tier {
    pub const ALL: [Self; 5] = [Self::S5, Self::S10, Self::S20, Self::S40, Self::S80];

    /// The nominal wait of the tier; it decides nothing but where a message lies.
    pub fn span(self) -> Duration {
        Duration::from_secs(match self {
            Self::S5 => 5,
            Self::S10 => 10,
            Self::S20 => 20,
            Self::S40 => 40,
            Self::S80 => 80,
        })
    }
}

/// One of our topics, without its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Jobs,
    Delay(Tier),
    Dlq,
    State,
    Applied,
    Outcomes,
}

impl Topic {
    pub const ALL: [Self; 10] = [
        Self::Jobs,
        Self::Delay(Tier::S5),
        Self::Delay(Tier::S10),
        Self::Delay(Tier::S20),
        Self::Delay(Tier::S40),
        Self::Delay(Tier::S80),
        Self::Dlq,
        Self::State,
        Self::Applied,
        Self::Outcomes,
    ];

    /// What follows `<prefix>.` in the topic's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Delay(Tier::S5) => "delay.5s",
            Self::Delay(Tier::S10) => "delay.10s",
            Self::Delay(Tier::S20) => "delay.20s",
            Self::Delay(Tier::S40) => "delay.40s",
            Self::Delay(Tier::S80) => "delay.80s",
            Self::Dlq => "dlq",
            Self::State => "state",
            Self::Applied => "applied",
            Self::Outcomes => "outcomes",
        }
    }

    /// The topic with this suffix, if it is one of ours.
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.suffix() == suffix)
    }

    /// Whether the settled set has segments for this topic.
    pub fn is_input(self) -> bool {
        match self {
            Self::Jobs | Self::Delay(_) => true,
            Self::Dlq | Self::State | Self::Applied | Self::Outcomes => false,
        }
    }
}

/// Which 4,096 offsets of a topic a segment of the settled set speaks of: offset / 4,096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(pub u64);

/// The job a delivery comes from: header `sluicegate-origin`, `topic/partition/offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The full topic name, prefix included.
    pub topic: Arc<str>,
    pub shard: Shard,
    pub seq: Seq,
}

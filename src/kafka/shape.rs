//! How each topic has to be set up (DESIGN §3.1, facts/kafka.md §5).
//! Not here: how it is set up now (`plan`).

use crate::kafka::settings::KafkaSettings;
use crate::model::Topic;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Room for our headers on top of the largest job.
const HEADROOM: u64 = 128 * 1024;
/// No topic may allow less, or batches of ours would be refused of which no message is too large.
const MESSAGE_MAX_LEAST: u64 = 512 * 1024;
/// The setting that says how large a message may be, compressed.
pub(super) const MESSAGE_MAX: &str = "max.message.bytes";
/// What Kafka allows a message to have unless told otherwise.
pub(super) const DEFAULT_MESSAGE_MAX: u64 = 1_048_588;

/// What one topic setting may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// These words, in any order.
    Words(&'static str),
    /// -1 is more than any number.
    AtLeast(u64),
    AtMost(u64),
    AtMostRatio(f64),
    Unlimited,
}

impl Rule {
    pub(super) fn allows(&self, value: &str) -> bool {
        match self {
            Self::Words(words) => sorted(words) == sorted(value),
            Self::AtLeast(least) => value == "-1" || value.parse::<u64>().is_ok_and(|it| it >= *least),
            Self::AtMost(most) => value.parse::<u64>().is_ok_and(|it| it <= *most),
            Self::AtMostRatio(most) => value.parse::<f64>().is_ok_and(|it| it <= *most),
            Self::Unlimited => value == "-1",
        }
    }
}

/// The value to set.
impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => words.fmt(formatter),
            Self::AtLeast(number) | Self::AtMost(number) => number.fmt(formatter),
            Self::AtMostRatio(ratio) => ratio.fmt(formatter),
            Self::Unlimited => "-1".fmt(formatter),
        }
    }
}

fn sorted(words: &str) -> BTreeSet<&str> {
    words.split(',').map(str::trim).collect()
}

/// The settings of `topic`; `job_max` is the largest message `.jobs` accepts.
pub(super) fn rules(topic: Topic, settings: &KafkaSettings, job_max: u64) -> Vec<(&'static str, Rule)> {
    let mut rules = vec![("min.insync.replicas", Rule::AtLeast(settings.replication_factor.clamp(1, 2).into()))];
    rules.push((MESSAGE_MAX, Rule::AtLeast(message_max(topic, job_max))));
    match topic {
        Topic::Jobs => rules.push(("cleanup.policy", Rule::Words("delete"))),
        Topic::Delay(_) => rules.extend([
            ("cleanup.policy", Rule::Words("delete")),
            ("retention.ms", Rule::Unlimited),
            ("retention.bytes", Rule::Unlimited),
        ]),
        Topic::Dlq => rules.extend(kept_for(30 * DAY)),
        Topic::Outcomes => rules.extend(kept_for(7 * DAY)),
        Topic::State => {
            rules.push(("cleanup.policy", Rule::Words("compact")));
            rules.extend(compacted());
        }
        Topic::Applied => {
            rules.push(("cleanup.policy", Rule::Words("compact,delete")));
            rules.push(("retention.ms", Rule::AtLeast(millis(settings.idempotency_ttl.saturating_add(DAY)))));
            rules.extend(compacted());
        }
    }
    rules
}

/// A dead letter must find room whatever compressed the job better than we do: it is the last resort.
fn message_max(topic: Topic, job_max: u64) -> u64 {
    let job_max = job_max.max(MESSAGE_MAX_LEAST);
    match topic {
        Topic::Jobs => MESSAGE_MAX_LEAST,
        Topic::Dlq => job_max.saturating_mul(2).saturating_add(HEADROOM),
        Topic::Delay(_) | Topic::State | Topic::Applied | Topic::Outcomes => job_max.saturating_add(HEADROOM),
    }
}

fn kept_for(span: Duration) -> [(&'static str, Rule); 2] {
    [("cleanup.policy", Rule::Words("delete")), ("retention.ms", Rule::AtLeast(millis(span)))]
}

/// The active segment is never compacted, so it must be short; tombstones must outlive the slowest restore.
fn compacted() -> [(&'static str, Rule); 5] {
    [
        ("segment.ms", Rule::AtMost(millis(6 * HOUR))),
        ("segment.bytes", Rule::AtMost(128 * 1024 * 1024)),
        ("min.cleanable.dirty.ratio", Rule::AtMostRatio(0.3)),
        ("max.compaction.lag.ms", Rule::AtMost(millis(6 * HOUR))),
        ("delete.retention.ms", Rule::AtLeast(millis(DAY))),
    ]
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_allows_its_own_value_and_what_is_stricter() {
        for rule in
            [Rule::Words("compact,delete"), Rule::AtLeast(5), Rule::AtMost(5), Rule::AtMostRatio(0.3), Rule::Unlimited]
        {
            assert!(rule.allows(&rule.to_string()), "{rule:?}");
        }
        assert!(Rule::Words("compact,delete").allows("delete, compact"));
        assert!(!Rule::Words("compact").allows("compact,delete"));
        assert!(Rule::AtLeast(5).allows("-1") && Rule::AtLeast(5).allows("6") && !Rule::AtLeast(5).allows("4"));
        assert!(!Rule::AtMost(5).allows("-1") && !Rule::AtMost(5).allows("6"));
        assert!(!Rule::AtMostRatio(0.3).allows("0.5") && !Rule::Unlimited.allows("604800000"));
    }
}

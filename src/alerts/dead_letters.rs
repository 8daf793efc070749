//! `DeadLetterDepth`: more dead letters than the threshold, at once.
//! Not here: which there are (the changelog knows).

use crate::alerts::Thresholds;
use crate::alerts::alert::{Found, Named};
use crate::alerts::words::{count, number};
use crate::model::ConnectionId;
use std::collections::BTreeMap;

pub(super) fn find(dead: &BTreeMap<Option<ConnectionId>, u64>, thresholds: &Thresholds) -> Option<Found> {
    let depth: u64 = dead.values().sum();
    if depth <= thresholds.dlq_depth {
        return None;
    }
    let mut worst: Vec<_> = dead.iter().filter(|(_, count)| 0 < **count).collect();
    worst.sort_by(|one, other| other.1.cmp(one.1));
    let who = |id: &Option<ConnectionId>| id.as_ref().map_or_else(|| "no connection".to_owned(), ToString::to_string);
    let named: Vec<Named> =
        worst.iter().map(|(id, dead)| Named { who: who(id), what: count(**dead, "dead letter") }).collect();
    let most = named.first().map(|it| format!("{} with {}", it.who, it.what)).unwrap_or_default();
    Some(Found {
        cause: format!(
            "{} neither replayed nor discarded, more than {}; most are of {most}",
            count(depth, "dead letter"),
            number(thresholds.dlq_depth)
        ),
        named,
        next: "nothing: dead letters stay dead until somebody replays them; later jobs go on".to_owned(),
        todo: "read sluicegate-reason and sluicegate-history of some of them, mend the common cause, then replay",
    })
}

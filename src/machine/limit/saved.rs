//! What of a connection's windows outlives their owner, and what a new owner makes of it (core rules §5).
//! Not here: the bytes (`wire`), when it is written (`spend`).
//!
//! Whoever called before us may have started calls that no committed record shows, and their calls may still land until
//! their deadline. All of that counts as spent at the latest moment at which it can be.

use crate::machine::Bug;
use crate::machine::limit::Assigned;
use crate::machine::limit::bucket::Bucket;
use crate::model::{Connection, ConnectionMark, Millis, Spent, WindowMark};
use std::time::Duration;

/// How far the clocks of two owners may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(60);
/// No block is believed beyond this; as `Retry-After` is.
const BLOCK_MAX: Duration = Duration::from_hours(48);

/// What the changelog keeps.
pub(super) fn mark(buckets: &[Bucket], now: Millis, unshown_max: u32) -> ConnectionMark {
    let windows = buckets.iter().map(|it| window_mark(it, now)).collect();
    ConnectionMark { written: now, unshown_max, windows }
}

fn window_mark(bucket: &Bucket, now: Millis) -> WindowMark {
    let per = bucket.window.name.per;
    let owed = bucket.debts.iter().filter(|it| now < it.until && 0 < it.units);
    let owed = owed.map(|it| Spent { at: it.until.before(per), units: it.units });
    let spent = bucket.slots.spent().into_iter().map(|it| Spent { at: it.at.min(now), units: it.units });
    WindowMark {
        name: bucket.window.name,
        out: bucket.out,
        spent: spent.chain(owed).collect(),
        blocked_until: if now < bucket.block.until { bucket.block.until } else { Millis(0) },
        told: bucket.told.filter(|it| *it < bucket.window.cap),
    }
}

/// Fills new buckets with what a former owner spent, says it spent, or may have spent.
pub(super) fn begin(
    buckets: &mut [Bucket],
    saved: Option<&ConnectionMark>,
    connection: &Connection,
    (unshown_max, assigned): (u32, &Assigned),
) {
    let landed = assigned.at.after(assigned.call_deadline);
    let unshown = unshown_max.max(saved.map_or(0, |it| it.unshown_max));
    for bucket in buckets {
        let dearest = connection.tariff.dearest(&bucket.window, connection.batch_max);
        let mark = saved.and_then(|it| it.windows.iter().find(|mark| mark.name == bucket.window.name));
        if let (Some(saved), Some(mark)) = (saved, mark) {
            restore(bucket, saved.written, mark, assigned);
        }
        let out = mark.map_or(0, |it| it.out);
        let unseen = unshown.saturating_mul(dearest).min(bucket.window.cap);
        if assigned.bug != Some(Bug::ForgetsCallsOut) {
            let until = landed.after(bucket.window.name.per);
            bucket.owe(until, out.saturating_add(unseen));
        }
    }
}

fn restore(bucket: &mut Bucket, written: Millis, mark: &WindowMark, assigned: &Assigned) {
    // Our clock may be ahead of the one that wrote: what it would let lapse too early is counted longer.
    let ahead = assigned.at.since(written).min(CLOCKS_APART);
    let latest = assigned.at.after(assigned.call_deadline);
    for spent in &mark.spent {
        let at = spent.at.after(ahead);
        // What was written as past is past; a clock that went back makes it now.
        if spent.at <= written || at <= assigned.at {
            bucket.slots.add(at.min(assigned.at), spent.units);
        } else {
            bucket.owe(at.min(latest).after(bucket.window.name.per), spent.units);
        }
    }
    bucket.block.until = mark.blocked_until.min(assigned.at.after(BLOCK_MAX));
    bucket.told = mark.told;
}

/// Nothing in it counts any more.
pub(super) fn is_lapsed(saved: &ConnectionMark, now: Millis) -> bool {
    let lapsed = |it: &WindowMark| {
        let latest = it.spent.iter().map(|it| it.at).max().unwrap_or_default();
        let quiet = it.out == 0 || saved.written.after(it.name.per).after(CLOCKS_APART) < now;
        quiet && it.told.is_none() && it.blocked_until < now && latest.after(it.name.per).after(CLOCKS_APART) < now
    };
    saved.windows.iter().all(lapsed)
}

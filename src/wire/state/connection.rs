//! The limit windows of a connection as the changelog keeps them.
//! Not here: what they mean for a new owner (`machine`).
//!
//! When it was written, the bound of unseen calls, the number of windows; of each: its length in ms, what it counts, the
//! units out, the number of pieces spent with the moment and units of each, until when it is blocked, and the limit
//! told plus one (0: none).

use crate::model::{ConnectionMark, Millis, Operations, Spent, Unit, WindowMark, WindowName};
use crate::wire::binary::{Cut, Pen};
use std::time::Duration;

/// More than any connection has.
const WINDOWS_MAX: u64 = 64;
const PIECES_MAX: u64 = 64;

pub(super) fn write(pen: &mut Pen, mark: &ConnectionMark) {
    pen.number(mark.written.0);
    pen.number(u64::from(mark.unshown_max));
    pen.number(count(mark.windows.len()));
    for window in &mark.windows {
        pen.number(u64::try_from(window.name.per.as_millis()).unwrap_or(u64::MAX));
        pen.byte(kind_byte(window.name.unit, window.name.operations));
        pen.number(u64::from(window.out));
        pen.number(count(window.spent.len()));
        for spent in &window.spent {
            pen.number(spent.at.0);
            pen.number(u64::from(spent.units));
        }
        pen.number(window.blocked_until.0);
        pen.number(window.told.map_or(0, |it| u64::from(it) + 1));
    }
}

pub(super) fn read(cut: &mut Cut<'_>) -> Option<ConnectionMark> {
    let (written, unshown_max) = (Millis(cut.number()?), cut.small()?);
    let windows = cut.number().filter(|it| *it <= WINDOWS_MAX)?;
    let windows = (0..windows).map(|_| window(cut)).collect::<Option<Vec<_>>>()?;
    Some(ConnectionMark { written, unshown_max, windows })
}

fn window(cut: &mut Cut<'_>) -> Option<WindowMark> {
    let per = Duration::from_millis(cut.number()?);
    let (unit, operations) = kind(cut.byte()?)?;
    let out = cut.small()?;
    let pieces = cut.number().filter(|it| *it <= PIECES_MAX)?;
    let spent = (0..pieces).map(|_| Some(Spent { at: Millis(cut.number()?), units: cut.small()? }));
    let spent = spent.collect::<Option<Vec<_>>>()?;
    let blocked_until = Millis(cut.number()?);
    let told = match cut.number()? {
        0 => None,
        told => Some(u32::try_from(told - 1).ok()?),
    };
    Some(WindowMark { name: WindowName { per, unit, operations }, out, spent, blocked_until, told })
}

fn kind_byte(unit: Unit, operations: Operations) -> u8 {
    match (unit, operations) {
        (Unit::Calls, Operations::All) => 0,
        (Unit::Calls, Operations::Searches) => 1,
        (Unit::Calls, Operations::AllButSearches) => 2,
        (Unit::Credits, Operations::All) => 3,
        (Unit::Credits, Operations::Searches) => 4,
        (Unit::Credits, Operations::AllButSearches) => 5,
    }
}

fn kind(byte: u8) -> Option<(Unit, Operations)> {
    match byte {
        0 => Some((Unit::Calls, Operations::All)),
        1 => Some((Unit::Calls, Operations::Searches)),
        2 => Some((Unit::Calls, Operations::AllButSearches)),
        3 => Some((Unit::Credits, Operations::All)),
        4 => Some((Unit::Credits, Operations::Searches)),
        5 => Some((Unit::Credits, Operations::AllButSearches)),
        _ => None,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

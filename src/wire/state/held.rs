//! The values under `hold/…` and `pause/…`.
//! Not here: their keys (`key`).

use crate::model::{Hold, HoldCause, Millis, Pause, Reason};
use crate::wire::binary::{Cut, Pen};

pub(super) fn write_hold(pen: &mut Pen, hold: &Hold) {
    pen.counted(hold.cause.name().as_bytes());
    pen.number(hold.since.0);
    pen.number(hold.next.0);
    pen.number(u64::from(hold.failures));
    pen.perhaps(hold.reason.map(|it| it.name().as_bytes()));
    pen.number(hold.status.map_or(0, |it| u64::from(it) + 1));
}

pub(super) fn read_hold(cut: &mut Cut<'_>) -> Option<Hold> {
    let cause = HoldCause::from_name(cut.text()?)?;
    let (since, next, failures) = (Millis(cut.number()?), Millis(cut.number()?), cut.small()?);
    let reason = match cut.perhaps()? {
        None => None,
        Some(name) => Some(Reason::from_name(std::str::from_utf8(name).ok()?)?),
    };
    let status = match cut.number()? {
        0 => None,
        more => Some(u16::try_from(more - 1).ok()?),
    };
    Some(Hold { cause, since, next, failures, reason, status })
}

pub(super) fn write_pause(pen: &mut Pen, pause: &Pause) {
    pen.number(pause.since.0);
    match pause.until {
        None => pen.byte(0),
        Some(until) => {
            pen.byte(1);
            pen.number(until.0);
        }
    }
    pen.counted(pause.reason.as_bytes());
    pen.counted(pause.actor.as_bytes());
}

pub(super) fn read_pause(cut: &mut Cut<'_>) -> Option<Pause> {
    let since = Millis(cut.number()?);
    let until = match cut.byte()? {
        0 => None,
        1 => Some(Millis(cut.number()?)),
        _ => return None,
    };
    Some(Pause { since, until, reason: cut.text()?.to_owned(), actor: cut.text()?.to_owned() })
}

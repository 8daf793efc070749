//! The value under `ref/…`: the id of a record in its CRM, or that it is about to be created.
//! Not here: its key (`key`).

use crate::model::{Attempt, Intent, Millis, Offset, RefMark};
use crate::wire::binary::{Cut, Pen};

const KNOWN: u8 = 0;
const INTENDED: u8 = 1;

pub(super) fn write(pen: &mut Pen, mark: &RefMark) {
    match mark {
        RefMark::Known(id) => {
            pen.byte(KNOWN);
            pen.counted(id.as_bytes());
        }
        RefMark::Intended(intent) => {
            pen.byte(INTENDED);
            pen.number(intent.landed_by.0);
            pen.byte(u8::from(intent.of.is_some()));
            if let Some((seq, attempt)) = intent.of {
                pen.number(seq.0);
                pen.number(u64::from(attempt.0));
            }
        }
    }
}

pub(super) fn read(cut: &mut Cut<'_>) -> Option<RefMark> {
    match cut.byte()? {
        KNOWN => Some(RefMark::Known(cut.text()?.into())),
        INTENDED => {
            let landed_by = Millis(cut.number()?);
            let of = match cut.byte()? {
                0 => None,
                1 => Some((Offset(cut.number()?), Attempt(cut.small()?))),
                _ => return None,
            };
            Some(RefMark::Intended(Intent { of, landed_by }))
        }
        _ => None,
    }
}

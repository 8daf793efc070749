//! What becomes of a message that the log refuses for good (core rules §8): without its history, then dead.
//! Not here: which message it is (the log says), when the process stops (`engine`).

use crate::machine::moment::Moment;
use crate::machine::{Bug, Ended, Machine, Note, Released, Suspect, Wants};
use crate::model::{Outcome, Reason, Topic};

/// Refused so often, with its history cut to its ends and then to its count in between, a message is given up.
pub(super) const REFUSALS_MAX: u32 = 3;

impl Machine {
    /// Whether another refusal of this message can be answered: by a shorter history, or by its death.
    pub fn can_yield(&self, suspect: Suspect) -> bool {
        let Some(part) = &self.flying else { return false };
        match suspect {
            Suspect::Released(_) | Suspect::Forwarded(_) => !self.bug(Bug::KeepsRefused),
            Suspect::Dead(at) => part.dead.get(at).is_some_and(|it| it.refusals + 1 < REFUSALS_MAX),
            // Without its mark it is as it lay there before.
            Suspect::Renewed(at) => part.renewed.get(at).is_some_and(|it| it.paused_at.is_some()),
            Suspect::Other => false,
        }
    }

    /// Should it die, the next of its record is to be found.
    pub(super) fn wants_of_suspect(&self, suspect: Suspect, wants: &mut Wants) {
        let Suspect::Released(at) = suspect else { return };
        let released = self.flying.as_ref().and_then(|it| it.released.get(at));
        self.want_records(released.map(|it| it.delivery.target.record).into_iter(), wants);
    }

    /// The undone part has joined what is building, in front: its messages have their places still.
    pub(super) fn refused(&mut self, at: &mut Moment<'_>, suspect: Suspect, what: String) {
        let building = &mut self.building;
        if let Suspect::Renewed(place) = suspect {
            building.renewed.get_mut(place).into_iter().for_each(|it| it.paused_at = None);
        }
        let refusals = match suspect {
            Suspect::Released(place) => building.released.get_mut(place).map(|it| &mut it.refusals),
            Suspect::Forwarded(place) => building.forwarded.get_mut(place).map(|it| &mut it.refusals),
            Suspect::Dead(place) => building.dead.get_mut(place).map(|it| &mut it.refusals),
            Suspect::Renewed(_) | Suspect::Other => None,
        };
        let Some(refusals) = refusals else { return };
        *refusals += 1;
        if *refusals < REFUSALS_MAX {
            return;
        }
        match suspect {
            Suspect::Released(place) => {
                let released = self.building.released.remove(place);
                self.die_unreleased(at, released, what);
            }
            Suspect::Forwarded(place) => {
                let it = self.building.forwarded.remove(place);
                self.bury_message(at, (Topic::Jobs, it.offset), it.original, (Reason::InvalidJob, what));
            }
            Suspect::Dead(_) | Suspect::Renewed(_) | Suspect::Other => {}
        }
    }

    /// Its input is settled by this part already; it ends instead of being on its way.
    fn die_unreleased(&mut self, at: &mut Moment<'_>, released: Released, what: String) {
        let delivery = released.delivery;
        let (record, seq) = (delivery.target.record, delivery.seq);
        let connection = delivery.target.connection.id.clone();
        self.order.arrive(record, seq);
        let reason = Reason::InvalidJob;
        self.bury_delivery(at.now, &delivery, (reason, None, what, false));
        let outcome = Outcome::Dead;
        at.out.notes.push(Note::Ended { crm: Some(delivery.target.connection.crm), outcome });
        let ended = Ended { delivery, outcome, at: at.now, record_id: None, reason: Some(reason), code: None };
        self.building.ended.push(ended);
        self.next_of_record(at, (record, seq, connection));
    }
}

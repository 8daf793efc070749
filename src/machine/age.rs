//! What waits for long (core rules §3): released anew each day, so that the beginning of its topic can be deleted, and
//! dead in the end; and what lies there and cannot be read.
//! Not here: how long that is, and finding it (`engine`).

use crate::machine::moment::Moment;
use crate::machine::{Aged, Bug, Delivery, Head, Machine, Note, Renewed};
use crate::model::{EntryKey, Outcome, Reason, RecordHash, Topic};
use std::sync::Arc;

impl Machine {
    /// Renewed messages in the part that is building.
    pub fn renewed_count(&self) -> usize {
        self.building.renewed.len()
    }

    /// The same message again, at the end of its topic. Nothing is called while it is on its way; what is in memory or
    /// in flight will end by itself.
    pub(super) fn renew(&mut self, aged: Aged) {
        let Aged { key, record, waits, message, paused_at } = aged;
        if self.is_taken(&key, record) && !self.bug(Bug::RenewsWhatIsLoaded) {
            return;
        }
        let connection = key.connection.clone();
        self.order.send_off(record, key.seq, waits.because);
        self.building.bytes += message.size();
        self.building.renewed.push(Renewed { tier: waits.place.tier, message, paused_at });
        self.settle_waiting(key, record, waits);
        self.refresh(record, &connection);
    }

    /// It has waited for so long that nobody can want it any more.
    pub(super) fn expire(&mut self, at: &mut Moment<'_>, head: Head) {
        let (record, seq, connection) = (head.target.record, head.seq, head.target.connection.id.clone());
        if self.is_taken(&EntryKey { seq, connection: connection.clone() }, record) {
            return;
        }
        let reason = Reason::Expired;
        let delivery = Box::new(Delivery::waiting(head));
        self.building.bytes += delivery.original.size();
        self.bury_delivery(at.now, &delivery, (reason, None, "it waited longer than anything may".to_owned(), false));
        self.end(at, delivery, Outcome::Dead, Some(reason));
        self.next_of_record(at, (record, seq, connection));
    }

    /// Somebody wrote it who is not us: it goes to the dead letters as it is, and blocks its record no longer.
    pub(super) fn bury_unreadable(&mut self, at: &mut Moment<'_>, (aged, what): (Aged, String)) {
        let Aged { key, record, waits, message, paused_at: _ } = aged;
        if self.is_taken(&key, record) {
            return;
        }
        let place = (Topic::Delay(waits.place.tier), waits.place.offset);
        at.out.notes.push(Note::Strange { topic: place.0, offset: place.1 });
        self.bury_message(at, place, Arc::new(message), (Reason::InvalidJob, what));
        let ended = (record, key.seq, key.connection.clone());
        self.settle_waiting(key, record, waits);
        self.next_of_record(at, ended);
    }

    /// Whether its end is under way already, or at least its call.
    fn is_taken(&self, key: &EntryKey, record: RecordHash) -> bool {
        self.is_gone(record, key.seq) || self.is_in_memory(&key.connection, record, key.seq)
    }
}

#[cfg(test)]
mod tests;

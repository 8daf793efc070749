//! What a CRM has of records without a unique key: whoever creates makes another one, whoever searches finds it later.
//! Not here: what the answers must lead to, and records with a unique key.

use crate::marks::Mark;
use crate::workload::{ConnIx, RecordIx};
use crate::world::{Life, World};
use sluicegate::model::{Answer, Finding, Key, Millis, Operation, Reason, Reply};
use std::collections::BTreeMap;

/// A search finds everything that is so old, ms.
const LAG_MS: u64 = 30_000;

#[derive(Debug, Default)]
pub struct Objects {
    /// All that were ever made of a record.
    made: BTreeMap<RecordIx, Vec<Made>>,
    /// The next one's id.
    next: u64,
}

#[derive(Debug)]
struct Made {
    id: String,
    by: Life,
    /// Its maker was told.
    told: bool,
    found_from: Millis,
    deleted: bool,
}

impl World {
    /// Whether a record of this connection has a unique key.
    pub fn key(&self, conn: ConnIx) -> Key {
        self.workload.connections[usize::from(conn)].keys.others
    }

    /// One input of a call does its work. Its answer names the record.
    pub fn work_on_object(&mut self, flight: usize, place: usize) {
        let it = &self.crm.flights[flight];
        let (who, operation, input) = (it.who, it.operation, it.inputs[place]);
        let finding = it.findings[place].clone();
        if self.key(it.conn) == Key::Unique {
            return;
        }
        let found = self.find(&finding, input.record);
        let created = found.is_none() && operation == Operation::Upsert;
        let id = match (found, operation) {
            (Some(id), Operation::Upsert) => id,
            (None, Operation::Upsert) => self.make(who, input.record, input.told),
            (Some(id), Operation::Archive) => {
                self.delete(input.record, &id);
                id
            }
            (None, Operation::Archive) => "nothing".to_owned(),
        };
        if let Answer::Each(replies) = &mut self.crm.flights[flight].answer
            && let Some(Reply::Applied { record_id, created: told }) = replies.get_mut(place)
        {
            *record_id = id;
            *told = created;
        }
    }

    fn find(&mut self, finding: &Finding, record: RecordIx) -> Option<String> {
        let now = self.now;
        let mut live = self.crm.objects.made.get(&record).into_iter().flatten().filter(|it| !it.deleted);
        match finding {
            Finding::ByKey => {
                self.broken("I2", format!("{record:?} has no unique key, and is called as if it had one"));
                None
            }
            // deleted meanwhile, by a call that was out: it is as good as done
            Finding::ById(id) => Some(id.to_string()),
            Finding::New => None,
            Finding::Search => {
                let found = live.find(|it| it.found_from <= now).map(|it| it.id.clone());
                self.marks.hit(if found.is_some() { Mark::SearchFound } else { Mark::SearchFoundNothing });
                found
            }
        }
    }

    /// A second one must not be, unless nobody could know of the first.
    fn make(&mut self, by: Life, record: RecordIx, told: bool) -> String {
        let searched = self.key(record.conn) == Key::Searched;
        let live: Vec<&Made> =
            self.crm.objects.made.get(&record).into_iter().flatten().filter(|it| !it.deleted).collect();
        let known = live.iter().any(|it| searched || (it.told && it.by == by));
        let doubled = !live.is_empty();
        if known {
            let what = format!("{by} creates {record:?} although it is there: {live:?}");
            self.broken("I2", what);
        }
        self.marks.hit_if(doubled, Mark::Doubled);
        self.crm.objects.next += 1;
        let id = format!("made-{}", self.crm.objects.next);
        let found_from = Millis(self.now.0 + self.dice.crm.between(0, LAG_MS));
        let made = Made { id: id.clone(), by, told, found_from, deleted: false };
        self.crm.objects.made.entry(record).or_default().push(made);
        id
    }

    fn delete(&mut self, record: RecordIx, id: &str) {
        let made = self.crm.objects.made.get_mut(&record).into_iter().flatten();
        made.filter(|it| it.id == id).for_each(|it| it.deleted = true);
    }

    /// Somebody deletes in the CRM what a call names by its id.
    pub fn delete_under(&mut self, finding: &Finding, record: RecordIx) -> bool {
        let Finding::ById(id) = finding else { return false };
        if !self.faults_on || !self.dice.crm.chance(self.options.crm.gone) {
            return false;
        }
        self.delete(record, id);
        self.marks.hit(Mark::DeletedUnder);
        true
    }

    /// Whether a call that failed in this way may have created its record, and nobody can find out.
    pub fn leaves_unknown(&self, flight: usize, place: usize, reason: Reason) -> bool {
        self.leaves_doubt(flight, place, reason) && self.key(self.crm.flights[flight].conn) == Key::None
    }

    /// Whether a call that failed in this way may have created its record.
    pub fn leaves_doubt(&self, flight: usize, place: usize, reason: Reason) -> bool {
        let it = &self.crm.flights[flight];
        let creates = matches!(it.findings[place], Finding::New | Finding::Search);
        let definite = matches!(reason, Reason::RateLimited | Reason::NotFound);
        creates && it.operation == Operation::Upsert && !definite
    }
}

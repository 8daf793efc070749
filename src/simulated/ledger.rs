//! What REALLY happened to an account: effects, calls, violations, repeats. Tests and the demo judge by it.
//! Not here: what the client was told.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    row::{Attempt, Effect, EffectKind, Kept, Novelty, Properties, RecordLedger, Row},
    settings::Recording,
    words::{Operation, Policy},
};

/// Counters of an account, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls that arrived with a known access token.
    pub calls: u64,
    /// By the status sent; 0 = the connection ended without an answer.
    pub calls_by_status: BTreeMap<u16, u64>,
    pub calls_by_operation: BTreeMap<Operation, u64>,
    /// Calls that arrived when a window was full, of all kinds.
    pub over_limit: u64,
    pub over_daily: u64,
    pub over_search: u64,
    /// Inputs of all batches that reached the account.
    pub inputs: u64,
    /// Effects applied, duplicates included: created + updated + archived.
    pub effects: u64,
    pub created: u64,
    pub updated: u64,
    pub archived: u64,
    /// Effects whose marker had been applied to the same record before.
    pub duplicates: u64,
    pub out_of_order: u64,
    /// Records created although there was one with their key: where the CRM has no unique key.
    #[serde(default)]
    pub doubles: u64,
    /// Updates that changed no property.
    pub unchanged: u64,
    /// Effects whose client got no success for them (dropped, 5xx after applying, …): the unknown outcomes.
    pub unconfirmed: u64,
    /// Inputs refused with an error of their own or with their whole call.
    pub refused: u64,
    pub in_flight: u64,
    pub in_flight_max: u64,
    /// Records dropped at `records_max`.
    pub forgotten_records: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEntry {
    /// Arrival and end, Unix time in microseconds on the server's clock.
    pub at_us: u64,
    pub ended_us: u64,
    pub operation: Operation,
    pub object: String,
    pub inputs: u64,
    /// 0 = the connection ended without an answer.
    pub status: u16,
    pub over: Option<Policy>,
}

/// Everything about one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountLedger {
    pub access_token: String,
    pub totals: Totals,
    pub records: Vec<RecordLedger>,
    /// The latest calls in the order of their ends; `calls_forgotten` were before them.
    pub calls: Vec<CallEntry>,
    pub calls_forgotten: u64,
}

impl AccountLedger {
    /// The row of one record, by the plural API name of its object and the key used.
    #[must_use]
    pub fn record(&self, object: &str, external_id: &str) -> Option<&RecordLedger> {
        self.records.iter().find(|record| record.object == object && record.external_id == external_id)
    }
}

/// The sum over all accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub accounts: u64,
    /// Calls without a known access token (401).
    pub strangers: u64,
    /// Summed; `in_flight_max` is the highest of the whole server.
    pub totals: Totals,
    /// Accounts with a duplicate, out-of-order effect or call over the limit, worst first, at most 20.
    pub conspicuous: Vec<(String, Totals)>,
}

impl Totals {
    /// Adds all counters of `other`.
    /// The sum of both.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.calls, other.calls),
            (&mut self.over_limit, other.over_limit),
            (&mut self.over_daily, other.over_daily),
            (&mut self.over_search, other.over_search),
            (&mut self.inputs, other.inputs),
            (&mut self.effects, other.effects),
            (&mut self.created, other.created),
            (&mut self.updated, other.updated),
            (&mut self.archived, other.archived),
            (&mut self.duplicates, other.duplicates),
            (&mut self.out_of_order, other.out_of_order),
            (&mut self.doubles, other.doubles),
            (&mut self.unchanged, other.unchanged),
            (&mut self.unconfirmed, other.unconfirmed),
            (&mut self.refused, other.refused),
            (&mut self.in_flight, other.in_flight),
            (&mut self.forgotten_records, other.forgotten_records),
        ];
        for (mine, theirs) in sums {
            *mine += theirs;
        }
        for (status, calls) in &other.calls_by_status {
            *self.calls_by_status.entry(*status).or_default() += calls;
        }
        for (operation, calls) in &other.calls_by_operation {
            *self.calls_by_operation.entry(*operation).or_default() += calls;
        }
    }

    /// Counts what ought never to happen.
    pub(super) fn faults(&self) -> u64 {
        self.duplicates + self.out_of_order + self.over_limit
    }
}

/// The ledger of one account, behind the account's lock.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) totals: Totals,
    rows: HashMap<String, HashMap<String, Row>>,
    calls: Kept<CallEntry>,
}

/// An effect as the writer sees it.
pub(super) struct Applied<'a> {
    pub(super) object: &'a str,
    /// What the ledger files it under.
    pub(super) external_id: &'a str,
    pub(super) id: String,
    pub(super) kind: EffectKind,
    pub(super) before: Option<Arc<Properties>>,
    pub(super) after: Arc<Properties>,
    pub(super) marker: Option<&'a String>,
}

impl Ledger {
    pub(super) fn arrive(&mut self, operation: Operation, inputs: u64, over: Option<Policy>) {
        let totals = &mut self.totals;
        totals.calls += 1;
        totals.inputs += inputs;
        *totals.calls_by_operation.entry(operation).or_default() += 1;
        totals.in_flight += 1;
        totals.in_flight_max = totals.in_flight_max.max(totals.in_flight);
        if let Some(policy) = over {
            totals.over_limit += 1;
            match policy {
                Policy::Burst | Policy::Concurrent | Policy::Blocked => {}
                Policy::Daily => totals.over_daily += 1,
                Policy::Search => totals.over_search += 1,
            }
        }
    }

    pub(super) fn leave(&mut self, call: CallEntry, recording: Recording) {
        self.totals.in_flight = self.totals.in_flight.saturating_sub(1);
        *self.totals.calls_by_status.entry(call.status).or_default() += 1;
        if recording.calls > 0 {
            self.calls.keep(call, recording.calls);
        }
    }

    pub(super) fn apply(&mut self, applied: Applied<'_>, now_us: u64, recording: Recording) {
        let totals = &mut self.totals;
        totals.effects += 1;
        match applied.kind {
            EffectKind::Created => totals.created += 1,
            EffectKind::Updated => totals.updated += 1,
            EffectKind::Archived => totals.archived += 1,
        }
        let unchanged = applied.kind == EffectKind::Updated && applied.before.as_ref() == Some(&applied.after);
        totals.unchanged += u64::from(unchanged);
        if !recording.records {
            return;
        }
        let effect = Effect { at_us: now_us, marker: applied.marker.cloned(), kind: applied.kind };
        let row = row(&mut self.rows, applied.object, applied.external_id);
        match row.apply(applied.id, effect, applied.after, recording) {
            Novelty::New => {}
            Novelty::Duplicate => self.totals.duplicates += 1,
            Novelty::OutOfOrder => self.totals.out_of_order += 1,
        }
    }

    pub(super) fn attempt(&mut self, object: &str, external_id: &str, attempt: Attempt, recording: Recording) {
        if recording.records && recording.attempts > 0 {
            row(&mut self.rows, object, external_id).attempt(attempt, recording);
        }
    }

    pub(super) fn forget(&mut self, object: &str, external_id: &str) {
        if let Some(rows) = self.rows.get_mut(object) {
            rows.remove(external_id);
        }
    }

    pub(super) fn view(&self, access_token: &str) -> AccountLedger {
        let mut records: Vec<RecordLedger> = self
            .rows
            .iter()
            .flat_map(|(object, rows)| rows.iter().map(|(external_id, row)| row.view(object, external_id)))
            .collect();
        records.sort_by(|one, two| (&one.object, &one.external_id).cmp(&(&two.object, &two.external_id)));
        AccountLedger {
            access_token: access_token.to_owned(),
            totals: self.totals.clone(),
            records,
            calls: self.calls.items.iter().cloned().collect(),
            calls_forgotten: self.calls.forgotten,
        }
    }

    pub(super) fn record(&self, object: &str, external_id: &str) -> Option<RecordLedger> {
        self.rows.get(object)?.get(external_id).map(|row| row.view(object, external_id))
    }
}

fn row<'a>(rows: &'a mut HashMap<String, HashMap<String, Row>>, object: &str, external_id: &str) -> &'a mut Row {
    if !rows.contains_key(object) {
        rows.insert(object.to_owned(), HashMap::new());
    }
    let rows = rows.entry(object.to_owned()).or_default();
    if !rows.contains_key(external_id) {
        rows.insert(external_id.to_owned(), Row::default());
    }
    rows.entry(external_id.to_owned()).or_default()
}

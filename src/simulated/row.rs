//! What the ledger knows of one record: every effect in order, every attempt, and what was a repeat.
//! Not here: totals of an account (`ledger`).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::settings::Recording;

/// Property names and values, as text.
pub(super) type Properties = BTreeMap<String, String>;

/// One effect that was really applied to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Unix time in microseconds, on the server's clock.
    pub at_us: u64,
    /// The value of the marker property, if the write had it.
    pub marker: Option<String>,
    pub kind: EffectKind,
}

/// What an effect did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    Created,
    Updated,
    Archived,
}

/// One time that a record was named in a call, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the call arrived, Unix time in microseconds.
    pub at_us: u64,
    /// The status that the client was sent; 0 = the connection ended without one.
    pub status: u16,
    pub applied: bool,
    /// The category of the error of this very input, if it had one.
    pub error: Option<String>,
}

/// All that happened to one record, by the key that writers used (`id` of an upsert).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordLedger {
    pub object: String,
    pub external_id: String,
    pub record_id: Option<String>,
    /// Effects applied, duplicates included.
    pub effects: u64,
    pub created: u64,
    pub updated: u64,
    /// Effects whose marker had been applied to this record before.
    pub duplicates: u64,
    /// New markers (numbers) lower than one applied before.
    pub out_of_order: u64,
    pub archived: bool,
    /// The final properties (the last ones, if archived).
    pub properties: BTreeMap<String, String>,
    /// The latest effects in order; `applied_forgotten` were before them.
    pub applied: Vec<Effect>,
    pub applied_forgotten: u64,
    pub attempts: Vec<Attempt>,
    pub attempts_forgotten: u64,
}

impl RecordLedger {
    /// The markers in the order applied.
    #[must_use]
    pub fn markers(&self) -> Vec<&str> {
        self.applied.iter().filter_map(|effect| effect.marker.as_deref()).collect()
    }
}

/// The ledger's working row of a record.
#[derive(Default)]
pub(super) struct Row {
    record_id: Option<String>,
    effects: u64,
    created: u64,
    updated: u64,
    duplicates: u64,
    out_of_order: u64,
    archived: bool,
    properties: Arc<Properties>,
    highest: Option<u64>,
    applied: Kept<Effect>,
    attempts: Kept<Attempt>,
}

/// Whether an effect was new to its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    Duplicate,
    OutOfOrder,
}

impl Row {
    pub(super) fn apply(
        &mut self,
        id: String,
        effect: Effect,
        properties: Arc<Properties>,
        recording: Recording,
    ) -> Novelty {
        let novelty = effect.marker.as_deref().map_or(Novelty::New, |marker| self.judge(marker));
        self.record_id = Some(id);
        self.effects += 1;
        match effect.kind {
            EffectKind::Created => self.created += 1,
            EffectKind::Updated => self.updated += 1,
            EffectKind::Archived => {}
        }
        self.archived = effect.kind == EffectKind::Archived;
        self.duplicates += u64::from(novelty == Novelty::Duplicate);
        self.out_of_order += u64::from(novelty == Novelty::OutOfOrder);
        self.properties = properties;
        self.applied.keep(effect, recording.effects);
        novelty
    }

    pub(super) fn attempt(&mut self, attempt: Attempt, recording: Recording) {
        self.attempts.keep(attempt, recording.attempts);
    }

    pub(super) fn view(&self, object: &str, external_id: &str) -> RecordLedger {
        RecordLedger {
            object: object.to_owned(),
            external_id: external_id.to_owned(),
            record_id: self.record_id.clone(),
            effects: self.effects,
            created: self.created,
            updated: self.updated,
            duplicates: self.duplicates,
            out_of_order: self.out_of_order,
            archived: self.archived,
            properties: (*self.properties).clone(),
            applied: self.applied.items.iter().cloned().collect(),
            applied_forgotten: self.applied.forgotten,
            attempts: self.attempts.items.iter().cloned().collect(),
            attempts_forgotten: self.attempts.forgotten,
        }
    }

    /// A number above all before is new without a look. One older than all that is remembered counts as a
    /// duplicate: rather a false alarm than a missed repeat.
    fn judge(&mut self, marker: &str) -> Novelty {
        let number = marker.parse::<u64>().ok();
        let is_highest = number.is_some() && number > self.highest;
        if is_highest {
            self.highest = number;
            return Novelty::New;
        }
        let seen = self.applied.items.iter().rev().any(|effect| effect.marker.as_deref() == Some(marker));
        match number {
            _ if seen => Novelty::Duplicate,
            Some(_) if self.applied.forgotten > 0 => Novelty::Duplicate,
            Some(_) => Novelty::OutOfOrder,
            None => Novelty::New,
        }
    }
}

/// The latest of a series, and how many were before.
pub(super) struct Kept<T> {
    pub(super) items: VecDeque<T>,
    pub(super) forgotten: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), forgotten: 0 }
    }
}

impl<T> Kept<T> {
    pub(super) fn keep(&mut self, item: T, max: usize) {
        self.items.push_back(item);
        while self.items.len() > max {
            self.items.pop_front();
            self.forgotten += 1;
        }
    }
}

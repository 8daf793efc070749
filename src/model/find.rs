//! How a record is found in its CRM: by our external ID where that is a unique key there, else by its own id or a search.
//! Not here: which CRM is like what (the connectors), when a search can be trusted (`machine`).

use crate::model::{Attempt, Millis, Object, Seq};
use std::sync::Arc;

/// Whether the CRM finds a record by our external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It is a unique key: an upsert that is repeated does no harm.
    Unique,
    /// Two records may have the same, but a search finds those that were written a while ago.
    Searched,
    /// Only who keeps the record's own id finds it again.
    None,
}

/// The keys of a CRM's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// By the names that jobs may use for them.
    pub of: &'static [(&'static str, Key)],
    /// All others.
    pub others: Key,
}

impl Keys {
    pub const UNIQUE: Self = Self { of: &[], others: Key::Unique };

    pub fn key(&self, object: &Object) -> Key {
        self.of.iter().find(|(name, _)| *name == &*object.0).map_or(self.others, |(_, key)| *key)
    }

    /// Whether every object has a unique key.
    pub fn are_unique(&self) -> bool {
        self.others == Key::Unique && self.of.iter().all(|(_, key)| *key == Key::Unique)
    }
}

/// How one input of a call finds its record. All inputs of a call find theirs in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// By our external ID, a unique key.
    ByKey,
    /// By its own id.
    ById(Arc<str>),
    /// It is not there: it is created.
    New,
    /// It may be there, from a call whose answer was lost, or from somebody else: a search tells, and is up to date by now.
    Search,
}

impl Finding {
    /// Whether two inputs may share a call.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What the changelog keeps of a record that has no unique key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefMark {
    /// The record's id in the CRM.
    Known(Arc<str>),
    /// A call that creates it may be under way, or its answer was lost.
    Intended(Intent),
}

/// That a call may create the record, written down before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Whose answer is waited for: the delivery, and how many of its attempts had been counted before. None: the call has
    /// ended, and what it did is not known.
    pub of: Option<(Seq, Attempt)>,
    /// The call has reached the CRM by then or never will, by the writer's clock.
    pub landed_by: Millis,
}

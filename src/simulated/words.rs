//! What calls ask for and which limits refuse them, in words that all pretend CRMs share.
//! Not here: how a CRM spells them.

use serde::{Deserialize, Serialize};

/// What a request asks for, over all CRMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    BatchUpsert,
    BatchCreate,
    BatchUpdate,
    BatchRead,
    BatchArchive,
    Create,
    Update,
    Read,
    Archive,
    Search,
    PropertyRead,
    PropertyList,
    PropertyCreate,
    /// Records found by a query language.
    Query,
    /// A path or method that the CRM does not have.
    Unknown,
}

impl Operation {
    /// Writes answer per input; the rest does not change records one by one.
    pub(super) fn is_write(self) -> bool {
        use Operation::{BatchCreate, BatchUpdate, BatchUpsert, Create, Update};
        matches!(self, BatchUpsert | BatchCreate | BatchUpdate | Create | Update)
    }
}

/// Which limit refuses a call. Each has a body of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    Burst,
    Daily,
    Search,
    /// Too many calls that have run for long.
    Concurrent,
    /// Calls that go on through refusals: a page of a proxy in place of an answer.
    Blocked,
}

//! One HTTP call to a CRM and what came of each of its inputs.
//! Not here: HTTP (the connectors), what follows from a reply (`machine`).

use crate::model::{Connection, Cost, Fault, Finding, Millis, Object, Operation, Properties, Shard, Usage};
use std::sync::Arc;
use std::time::Duration;

/// Names a call within one process; never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call to make now: inputs share connection, object and operation, and no two are the same record.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: CallId,
    pub shard: Shard,
    pub connection: Arc<Connection>,
    pub object: Object,
    pub operation: Operation,
    /// At least one, at most the connection's `batch_max`.
    pub inputs: Vec<CallInput>,
    /// It must not be sent from this moment on: the shard may have another owner then.
    pub until: Millis,
}

impl Call {
    /// The most that it can come to.
    pub fn cost(&self) -> Cost {
        let finding = self.inputs.first().map_or(&Finding::ByKey, |it| &it.finding);
        self.connection.tariff.cost(self.operation, finding, self.inputs.len())
    }
}

#[derive(Clone, Debug)]
pub struct CallInput {
    pub external_id: Arc<str>,
    /// Of the same kind for all inputs of a call.
    pub finding: Finding,
    pub properties: Properties,
}

/// What became of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The CRM holds the change. `created` tells a new record from an updated one.
    Applied { record_id: String, created: bool },
    /// Worth another try.
    Transient(Fault),
    /// The record is not there under the id that was given, deleted or merged: another try looks for it anew.
    Gone(Fault),
    /// Another try would end the same.
    Permanent(Fault),
    /// The account as a whole is refused: credentials, quota of the day.
    Account(Fault),
}

/// What became of a whole call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The call was not made: its shard's lease had ended before it could be, or something of the account had to be
    /// learned first, and now is known. It is made again at once.
    Unsent,
    /// One reply per input, in the order of the inputs.
    Each(Vec<Reply>),
    /// The call was refused as a whole as permanently wrong, although perhaps one input alone is to blame.
    Refused(Fault),
    /// The call failed as a whole and may be tried again; what it did is unknown.
    Failed(Fault),
}

/// A call that is over: answered, failed or past its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnded {
    pub id: CallId,
    pub shard: Shard,
    pub answer: Answer,
    /// What it spent, and what the CRM said of the account's limits.
    pub usage: Usage,
    pub took: Duration,
}

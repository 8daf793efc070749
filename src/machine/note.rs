//! What is worth counting or telling: a step's facts for metrics and log.
//! Not here: names of metrics (`telemetry`), who emits them (`engine`).

use crate::model::{
    Because, Connection, ConnectionId, Crm, Hold, HoldCause, Offset, Outcome, Pause, Reason, Scope, Seq,
};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A delivery or, with no CRM, a message that never was one has ended.
    Ended {
        crm: Option<Crm>,
        outcome: Outcome,
    },
    /// A call has ended.
    Called {
        crm: Crm,
        result: &'static str,
        inputs: usize,
        took: Duration,
    },
    /// An event reached the CRM this long after it occurred.
    Synced {
        connection: Arc<Connection>,
        lag: Duration,
    },
    Retried {
        connection: Arc<Connection>,
        reason: Reason,
    },
    Waits {
        crm: Crm,
        because: Because,
    },
    /// A commit has its fate.
    Committed {
        result: &'static str,
        took: Duration,
    },
    /// What the CRM says is left of a limit is more (`up`) or less than we had counted.
    Corrected {
        crm: Crm,
        up: bool,
    },
    Forwarded,
    /// A retry was called this long after it was due.
    Late(Duration),
    /// A message of a delay topic that is not one of ours was passed over.
    Strange {
        topic: crate::model::Topic,
        offset: Offset,
    },
    /// A connection is held from now on.
    Held(ConnectionId, Hold),
    /// It may be called again.
    Freed(ConnectionId, HoldCause),
    /// A person paused a scope.
    Paused(Scope, Pause),
    /// A pause has ended, by a person or by itself.
    Resumed(Scope),
    /// Somebody set the group's offset back: jobs are read again.
    Rewound {
        from: Seq,
        to: Seq,
    },
    /// Somebody set the group's offset forward: jobs are skipped.
    Skipped {
        from: Seq,
        to: Seq,
    },
}

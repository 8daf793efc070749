//! The words of the domain: newtypes and passive data that every floor may name.
//! Not here: any rule, any IO, any byte layout.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod call;
mod change;
mod commit;
mod entry;
mod fault;
mod find;
mod history;
mod hold;
mod ids;
mod job;
mod limit;
mod message;
mod outcome;
mod reason;
mod shard;
mod state;
mod time;

pub use call::{Answer, Call, CallEnded, CallId, CallInput, Reply};
pub use change::{Change, Object, Operation, Properties};
pub use commit::{Commit, CommitNumber, Outgoing, ShardCommit};
pub use entry::{Entry, EntryKey, Place};
pub use fault::Fault;
pub use find::{Finding, Intent, Key, Keys, RefMark};
pub use history::{History, Tried};
pub use hold::{Command, Hold, HoldCause, Pause, Scope};
pub use ids::{
    Connection, ConnectionId, Crm, DedupeHash, IdempotencyKey, Incarnation, RecordHash, TenantHash, TenantId,
};
pub use job::Job;
pub use limit::{
    ConnectionMark, Cost, Limited, Operations, Price, Spent, Tariff, Turnover, Unit, Usage, Window, WindowMark,
    WindowName, WindowUsage, WindowWord,
};
pub use message::{Header, Message, Received};
pub use outcome::{Because, Outcome};
pub use reason::Reason;
pub use shard::{Offset, Origin, Segment, Seq, Shard, Tier, Topic};
pub use state::{AppliedMark, CommitMark, DeadMark, Position, SEGMENT_BITS, SegmentBits, StateKey, StateValue};
pub use time::{Attempt, Millis, Rewinds};

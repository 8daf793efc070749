//! What an operator does, as functions, and what they need of a running instance, as traits.
//! Not here: how it is typed (`cli`) or served (`web`); who implements the traits (`app`).

mod alerts;
mod append;
mod ask;
mod body;
mod command;
mod directory;
mod enqueue;
mod explain;
mod instance;
mod job;
mod lines;
mod reload;
#[cfg(test)]
pub(crate) mod tests;

pub use crate::tenants::read as read_tenant_files;
pub use alerts::{AboutStatus, AlertStatus, Alerts};
pub use append::{AppendFault, Appended, Appending, JobLog, NewJob};
pub use ask::{AskFault, explanation, give_to_instance, instance_url, status};
pub use body::{BodyFault, Declared, FAULTS_MAX, Faults, JOBS_MAX, read_jobs};
pub use command::{Act, COMMAND_TOPIC, Given, NewCommand, Wish, WishFault, command, give, messages, planned, scope};
pub use directory::{Directory, Refused, TenantSettings};
pub use enqueue::{EnqueueOptions, Enqueued, News, StopCause, Stopped, Verdict, enqueue};
pub use explain::{Explanation, Sentence, explain, of_hold, of_pause};
pub use instance::{
    ConnectionStatus, Explaining, HoldStatus, Instance, InstanceFacts, Liveness, PauseStatus, Readiness, RefusedStatus,
    ShardStatus, Status, TenantsStatus, Totals, Unready,
};
pub use job::LineFault;
pub use reload::{Counts, Reload, Reloaded, Taken};

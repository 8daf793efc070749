//! The world as the loop sees it: a log, a store, the CRMs.
//! Not here: any adapter; a port speaks the domain's words only.
//! Everything the world has to say comes back as an `Event`; a port's own methods never block for long.

mod crm;
mod event;
mod explain;
mod log;
mod store;

pub use crm::Crms;
pub use event::{Event, Tenants};
pub use explain::{Explained, Question, StandingLine, Waiters};
pub use log::{Assignment, Culprit, Fate, Log, LogEvent, LogFault, LogIdentity, StopCause};
pub use store::{Batch, Opened, Pair, Store, StoreFault, Write};

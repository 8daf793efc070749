//! The way of every event out of the log, closed for good once the log is left.
//! Not here: who listens.

use crate::model::Shard;
use crate::ports::{Event, LogEvent, LogFault, StopCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called by the log's threads; may block when the listener's channel is full.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;

pub(super) struct Emitter {
    listener: Listener,
    over: AtomicBool,
}

impl Emitter {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listener, over: AtomicBool::new(false) }
    }

    pub(super) fn emit(&self, event: LogEvent) {
        if !self.over.load(Ordering::Acquire) {
            (self.listener)(Event::Log(event));
        }
    }

    pub(super) fn stopped(&self, shard: Option<Shard>, fault: LogFault) {
        self.stopped_for(StopCause::Failed, shard, fault);
    }

    pub(super) fn stopped_for(&self, cause: StopCause, shard: Option<Shard>, fault: LogFault) {
        tracing::error!(shard = ?shard.map(|it| it.0), fault = %fault, "the log stopped");
        self.emit(LogEvent::Stopped { shard, fault, cause });
    }

    /// The last event; whatever comes later is swallowed.
    pub(super) fn close(&self) {
        if !self.over.swap(true, Ordering::AcqRel) {
            (self.listener)(Event::Log(LogEvent::Closed));
        }
    }

    /// Nothing is said any more, not even `Closed`: whoever listened is gone.
    pub(super) fn silence(&self) {
        self.over.store(true, Ordering::Release);
    }
}

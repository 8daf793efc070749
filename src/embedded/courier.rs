//! The courier thread: reads what the loop wants and delivers it, a batch of each topic per turn, so that no topic
//! waits behind a long one.
//! Not here: who wants what (`board`), what messages mean.

use super::EmbeddedFault;
use super::board::{Board, Due, Errand};
use super::disk::{Disk, Portion};
use super::frame::Framed;
use crate::model::{Offset, Received, Shard, Topic};
use crate::ports::{Assignment, Event, LogEvent, LogFault, StopCause};
use std::sync::Arc;
use tracing::error;

/// One `Messages` event: enough to be quick, small enough that a full channel of them is no burden.
const BATCH: Portion = Portion { messages: 500, bytes: 1 << 20 };
const ALL: Portion = Portion { messages: usize::MAX, bytes: usize::MAX };

pub(super) struct Courier {
    pub(super) disk: Arc<Disk>,
    pub(super) board: Arc<Board>,
    pub(super) events: Arc<dyn Fn(Event) + Send + Sync>,
    /// Said first of all.
    pub(super) assigned: Vec<Assignment>,
}

impl Courier {
    /// Until the log is left or stopped, or until something cannot be read.
    pub(super) fn run(mut self) {
        let assigned = std::mem::take(&mut self.assigned);
        self.say(LogEvent::Assigned(assigned));
        loop {
            let done = match self.board.next_errand() {
                Errand::Deliver(due) => {
                    let done = due.into_iter().try_for_each(|it| self.deliver(it));
                    // Behind an unbounded queue the loop gets its chance to say that it wants no more.
                    std::thread::yield_now();
                    done
                }
                Errand::Tail { shard, from, end } => self.tail(shard, from, end),
                Errand::Leave => return self.say(LogEvent::Closed),
                Errand::Stop => return,
            };
            if let Err((shard, fault)) = done {
                error!(shard = shard.0, %fault, "the log cannot be read");
                let fault = LogFault::from(&fault);
                // The shard is read no further; the others are.
                self.board.close(&[shard]);
                self.say(LogEvent::Stopped { shard: Some(shard), fault, cause: StopCause::Failed });
            }
        }
    }

    fn deliver(&self, due: Due) -> Result<(), (Shard, EmbeddedFault)> {
        let stretch = self.disk.read((due.topic, due.shard), due.next, due.end, BATCH);
        let stretch = stretch.map_err(|fault| (due.shard, fault))?;
        if self.board.advance(due, stretch.position) {
            let messages = received(stretch.messages);
            let (shard, topic, position) = (due.shard, due.topic, stretch.position);
            self.say(LogEvent::Messages { shard, topic, messages, position });
        }
        Ok(())
    }

    fn tail(&self, shard: Shard, from: Offset, end: Offset) -> Result<(), (Shard, EmbeddedFault)> {
        let stretch = self.disk.read((Topic::State, shard), from, end, ALL).map_err(|fault| (shard, fault))?;
        self.say(LogEvent::Tail { shard, messages: received(stretch.messages) });
        Ok(())
    }

    fn say(&self, event: LogEvent) {
        (self.events)(Event::Log(event));
    }
}

pub(super) fn received(messages: Vec<(Offset, Framed)>) -> Vec<Received> {
    messages.into_iter().map(|(offset, framed)| Received { offset, message: framed.message }).collect()
}

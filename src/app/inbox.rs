//! What the world has said and the loop has not heard: answers of CRMs at once, news of the log in their order.
//! Not here: what any of it means.

use crate::model::Received;
use crate::ports::{Event, LogEvent};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// News of the log that may wait, and about how many bytes of messages: what a slow loop costs in memory.
const NEWS_MAX: usize = 16;
const NEWS_BYTES_MAX: usize = 4 << 20;
/// Messages heard in one turn, so that a turn stays short and its time true.
const MESSAGES_MAX: usize = 2_048;

/// Where the world sends what it has to say. Cloning shares it.
#[derive(Clone)]
pub(super) struct Events(Arc<Shared>);

/// The receiving end, handed to the loop.
pub(super) struct Inbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// In the log's order: an assignment never overtakes messages of the one before.
    news: VecDeque<LogEvent>,
    /// Of `news`.
    bytes: usize,
    /// As many as calls are out, held connections and requests at the listener: they need no bound of their own.
    others: VecDeque<Event>,
    /// Somebody waits for the first thing to come. Waking nobody costs a system call all the same.
    listened: bool,
    /// Nobody listens any more.
    deaf: bool,
}

pub(super) fn events() -> (Events, Inbox) {
    let shared = Arc::new(Shared::default());
    (Events(Arc::clone(&shared)), Inbox(shared))
}

impl std::fmt::Debug for Events {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Events")
    }
}

impl Events {
    /// News of the log wait here while the loop is behind; everything else is taken at once. What is said to a loop
    /// that has ended is dropped: nobody needs it any more.
    pub(super) fn send(&self, event: Event) {
        let mut waiting = self.0.lock();
        match event {
            Event::Log(news) => {
                while waiting.is_full() && !waiting.deaf {
                    waiting = self.0.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
                waiting.bytes += size(&news);
                waiting.news.push_back(news);
            }
            Event::CallEnded(_) | Event::AccessChanged(_) | Event::Tenants(_) | Event::Explain(_) | Event::Drain => {
                waiting.others.push_back(event);
            }
        }
        if std::mem::take(&mut waiting.listened) {
            self.0.changed.notify_all();
        }
    }
}

impl Inbox {
    /// What has come, answers first; nothing if nothing came for so long.
    pub(super) fn next(&self, patience: Duration) -> Vec<Event> {
        let waiting = self.0.lock();
        let empty = |it: &mut Waiting| {
            it.listened = it.news.is_empty() && it.others.is_empty();
            it.listened
        };
        let waited = self.0.changed.wait_timeout_while(waiting, patience, empty);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        waiting.listened = false;
        let was_full = waiting.is_full();
        let mut events: Vec<Event> = waiting.others.drain(..).collect();
        let mut messages = 0;
        while messages < MESSAGES_MAX {
            let Some(news) = waiting.news.pop_front() else { break };
            messages += carried(&news).len();
            waiting.bytes = waiting.bytes.saturating_sub(size(&news));
            events.push(Event::Log(news));
        }
        if was_full {
            self.0.changed.notify_all();
        }
        events
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.lock().deaf = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        NEWS_MAX <= self.news.len() || NEWS_BYTES_MAX <= self.bytes
    }
}

fn carried(news: &LogEvent) -> &[Received] {
    match news {
        LogEvent::Messages { messages, .. } | LogEvent::Tail { messages, .. } => messages,
        LogEvent::Assigned(_)
        | LogEvent::Revoking(_)
        | LogEvent::Lost(_)
        | LogEvent::CommitEnded { .. }
        | LogEvent::Stopped { .. }
        | LogEvent::Closed => &[],
    }
}

/// Texts, and what lies around a message and each of its headers.
fn size(news: &LogEvent) -> usize {
    let of = |it: &Received| it.message.size() + 200 + 100 * it.message.headers.len();
    carried(news).iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::{NEWS_MAX, events};
    use crate::model::{Message, Millis, Offset, Received, Shard, Topic};
    use crate::ports::{Event, LogEvent};
    use std::time::Duration;

    fn lost(shard: u32) -> Event {
        Event::Log(LogEvent::Lost(vec![Shard(shard)]))
    }

    fn shards(heard: &[Event]) -> Vec<u32> {
        let shard = |it: &Event| match it {
            Event::Log(LogEvent::Lost(shards)) => shards.first().map(|it| it.0),
            Event::Log(_)
            | Event::CallEnded(_)
            | Event::AccessChanged(_)
            | Event::Tenants(_)
            | Event::Explain(_)
            | Event::Drain => None,
        };
        heard.iter().filter_map(shard).collect()
    }

    #[test]
    fn answers_come_before_news_and_news_keep_their_order() {
        let (events, inbox) = events();
        events.send(lost(1));
        events.send(lost(2));
        events.send(Event::Drain);
        let heard = inbox.next(Duration::ZERO);
        assert!(matches!(heard.first(), Some(Event::Drain)));
        assert_eq!(shards(&heard), [1, 2]);
        assert!(inbox.next(Duration::ZERO).is_empty());
    }

    #[test]
    fn a_log_that_is_ahead_of_the_loop_waits_and_goes_on() {
        let (events, inbox) = events();
        let count = u32::try_from(NEWS_MAX).unwrap_or(0) * 3;
        let sender = std::thread::spawn(move || (0..count).for_each(|it| events.send(lost(it))));
        let mut heard = Vec::new();
        while heard.len() < NEWS_MAX * 3 {
            let some = inbox.next(Duration::from_secs(10));
            assert!(!some.is_empty() && some.len() <= NEWS_MAX);
            heard.extend(some);
        }
        assert_eq!(shards(&heard), (0..count).collect::<Vec<_>>());
        assert!(sender.join().is_ok());
    }

    #[test]
    fn large_messages_wait_in_smaller_numbers() {
        let (events, inbox) = events();
        let sender = std::thread::spawn(move || (0..8).for_each(|_| events.send(large())));
        let mut heard = 0;
        while heard < 8 {
            let some = inbox.next(Duration::from_secs(10)).len();
            assert!((1..=4).contains(&some), "{some} of a mebibyte each");
            heard += some;
        }
        assert!(sender.join().is_ok());
        assert!(inbox.next(Duration::ZERO).is_empty());
    }

    fn large() -> Event {
        let message =
            Message { key: None, value: Some(vec![0; 1 << 20].into()), headers: Vec::new(), timestamp: Millis(0) };
        let messages = vec![Received { offset: Offset(0), message }];
        Event::Log(LogEvent::Messages { shard: Shard(0), topic: Topic::Jobs, messages, position: Offset(1) })
    }

    #[test]
    fn nobody_waits_for_a_loop_that_has_ended() {
        let (events, inbox) = events();
        drop(inbox);
        (0..100).for_each(|it| events.send(lost(it)));
    }
}

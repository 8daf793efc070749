//! Makes CRM calls on a tokio runtime: a task per call, exactly one `CallEnded` for each.
//! Not here: which call is next (`machine`), what a CRM's answer means (its connector).

use crate::crm::{Access, Accesses, Connector, Exchange, Http, Next, connector};
use crate::fail_points::{self, FailPoint};
use crate::model::{Answer, Call, CallEnded, CallId, Cost, Fault, Millis, Reason, Reply, Shard, Usage};
use crate::ports::{Crms, Event};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A call is over this long after its start, all its requests and their bodies included.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Where events go; called from the runtime's threads and once at most per call. Must not block.
pub type Events = Arc<dyn Fn(Event) + Send + Sync>;

/// The CRMs as the loop sees them, over HTTP.
pub struct HttpCrms {
    runtime: Handle,
    http: Http,
    accesses: Accesses,
    events: Events,
    now: Now,
    deadline: Duration,
}

/// Reads the clock that the engine's times are of.
pub type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

impl HttpCrms {
    pub fn new(runtime: Handle, http: Http, accesses: Accesses, events: Events, now: Now) -> Self {
        Self { runtime, http, accesses, events, now, deadline: CALL_DEADLINE }
    }
}

impl Crms for HttpCrms {
    fn start(&mut self, call: Call) {
        let ending = Ending::new(&call, Arc::clone(&self.events));
        let http = self.http.clone();
        let access = self.accesses.find(&call.connection.id);
        let deadline = tokio::time::Instant::now() + self.deadline;
        let now = Arc::clone(&self.now);
        drop(self.runtime.spawn(async move {
            fail_points::reach(FailPoint::BeforeCall);
            // A process that was frozen in between wakes up here, perhaps long after somebody else took over.
            let (answer, usage) = match access {
                _ if call.until <= now() => (Answer::Unsent, nothing_spent()),
                Some(access) => make(&http, call, access, deadline).await,
                None => (unconfigured(&call), nothing_spent()),
            };
            fail_points::reach(FailPoint::AfterCall);
            ending.end(answer, usage);
        }));
    }
}

async fn make(http: &Http, call: Call, access: Arc<Access>, deadline: tokio::time::Instant) -> (Answer, Usage) {
    let inputs = call.inputs.len();
    let connector = connector(call.connection.crm);
    let formed = call.cost();
    let mut talk = Talk { http, connector, requests: 0, usage: Usage::default() };
    let mut exchange = connector.exchange(call, access);
    let answer = talk.converse(&mut *exchange, deadline).await;
    let spent = exchange.spent().unwrap_or(Cost { calls: talk.requests, searches: 0, ..formed });
    talk.usage.spent = Some(if talk.requests == 0 { Cost::default() } else { spent });
    (whole(answer, inputs), talk.usage)
}

/// One call's requests, and what the CRM said of its limits meanwhile.
struct Talk<'a> {
    http: &'a Http,
    connector: &'static dyn Connector,
    requests: u32,
    usage: Usage,
}

impl Talk<'_> {
    async fn converse(&mut self, exchange: &mut dyn Exchange, deadline: tokio::time::Instant) -> Answer {
        let mut next = exchange.begin();
        loop {
            let request = match next {
                Next::Send(request) => request,
                Next::Ended(answer) => return answer,
            };
            self.requests += 1;
            next = match self.http.send(request, deadline).await {
                Ok(response) => {
                    self.usage = exchange.usage(&response).unwrap_or_else(|| self.connector.usage(&response));
                    exchange.answered(&response)
                }
                Err(fault) => return Answer::Failed(fault),
            };
        }
    }
}

/// It was never sent.
fn nothing_spent() -> Usage {
    Usage { spent: Some(Cost::default()), ..Usage::default() }
}

/// Holds every connector to its word: one reply per input, else the outcome of the call is unknown.
fn whole(answer: Answer, inputs: usize) -> Answer {
    match answer {
        Answer::Each(replies) if replies.len() != inputs => {
            let message = format!("{} replies to {inputs} inputs", replies.len());
            Answer::Failed(fault(Reason::MalformedResponse, message))
        }
        Answer::Each(_) | Answer::Refused(_) | Answer::Failed(_) | Answer::Unsent => answer,
    }
}

fn unconfigured(call: &Call) -> Answer {
    let message = "no access is configured for this connection; add it to the configuration".to_owned();
    let reply = Reply::Account(fault(Reason::Unauthorized, message));
    Answer::Each(vec![reply; call.inputs.len()])
}

fn fault(reason: Reason, message: String) -> Fault {
    Fault { reason, status: None, code: None, message, retry_after: None }
}

/// Owes one `CallEnded`. Paid by `end`; or when dropped: by a panic, or by a runtime that shuts down.
struct Ending {
    id: CallId,
    shard: Shard,
    started: Instant,
    events: Option<Events>,
}

impl Ending {
    fn new(call: &Call, events: Events) -> Self {
        Self { id: call.id, shard: call.shard, started: Instant::now(), events: Some(events) }
    }

    fn end(mut self, answer: Answer, usage: Usage) {
        self.send(answer, usage);
    }

    fn send(&mut self, answer: Answer, usage: Usage) {
        if let Some(events) = self.events.take() {
            let took = self.started.elapsed();
            events(Event::CallEnded(CallEnded { id: self.id, shard: self.shard, answer, usage, took }));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.events.is_none() {
            return;
        }
        if std::thread::panicking() {
            tracing::error!(call = self.id.0, shard = self.shard.0, "task of a crm call panicked");
        } else {
            tracing::warn!(call = self.id.0, shard = self.shard.0, "crm call broken off");
        }
        let fault = fault(Reason::Network, "the call was broken off before its answer".to_owned());
        self.send(Answer::Failed(fault), Usage::default());
    }
}

#[cfg(test)]
mod tests;

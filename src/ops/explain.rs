//! Why things wait, in one sentence each: because what, since when, how many, what happens next by itself and when.
//! Not here: finding it out (`engine`), tables (`cli`), HTTP (`web`).

use crate::model::{Because, ConnectionId, Crm, Hold, HoldCause, Millis, Pause, Reason, Scope};
use crate::ports::{Explained, StandingLine, Waiters};
use crate::wire::moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /api/v1/explain`. Moments are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// `tenant` or `tenant/connection`, as asked.
    pub about: String,
    pub at: String,
    /// The tenant's shard, where this instance does not own it or has not restored it: what is below says nothing then.
    pub missing_shards: Vec<u32>,
    /// Why the shard is missing; empty if it is not.
    pub missing: String,
    pub waiting: Vec<Sentence>,
}

/// One thing that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// `tenant/connection`; of jobs that never became deliveries the tenant alone.
    pub connection: String,
    /// `paused`, `held`, `retry`, `rate_limit`, `order` or `unknown_tenant`.
    pub because: String,
    /// Of a hold.
    pub cause: Option<String>,
    pub since: Option<String>,
    /// Deliveries that wait.
    pub count: u64,
    /// When something happens by itself.
    pub next_at: Option<String>,
    pub text: String,
}

/// Puts the loop's answer into words.
pub fn explain(about: &str, explained: &Explained) -> Explanation {
    let missing = match (explained.home, explained.phase) {
        (None, _) => "no shard was assigned to this instance yet".to_owned(),
        (Some(home), None) => {
            format!("shard {home}, where the tenant lives, belongs to another instance: ask that one")
        }
        (Some(_), Some("running")) => String::new(),
        (Some(home), Some(phase)) => format!("shard {home}, where the tenant lives, is {phase}: ask again in a moment"),
    };
    let shard = explained.home.filter(|_| !missing.is_empty()).map(|it| it.0);
    let mut waiting: Vec<Sentence> = explained.connections.iter().flat_map(|it| of_line(it, explained)).collect();
    waiting.extend(of_latecomers(about, explained));
    let at = moment::write(explained.now);
    Explanation { about: about.to_owned(), at, missing_shards: shard.into_iter().collect(), missing, waiting }
}

/// What a person paused; `count` deliveries wait because of it, where that is known.
pub fn of_pause((scope, pause): (&Scope, &Pause), waiting: Option<Waiters>, now: Millis) -> String {
    let who = if pause.actor.is_empty() { "somebody" } else { &pause.actor };
    let why = if pause.reason.is_empty() { "who gave no reason" } else { &pause.reason };
    let end = match pause.until {
        Some(until) => format!("resumes by itself at {}", clock(until, now)),
        None => format!("resumes when somebody says so: sluicegate resume {scope}"),
    };
    let next = match pause.until {
        Some(until) => format!("calls again at {}", clock(until, now)),
        None => "none".to_owned(),
    };
    let since = clock(pause.since, now);
    format!(
        "paused ({scope}) since {since} by {who}: {why}; {end}{}; nothing is lost; next automatic action: {next}",
        waiters(waiting, now)
    )
}

/// What the machine holds.
pub fn of_hold(hold: &Hold, crm: Option<Crm>, waiting: Option<Waiters>, now: Millis) -> String {
    let crm = crm.map_or("the CRM", Crm::name);
    let next = clock(hold.next, now);
    let (end, next) = match hold.cause {
        HoldCause::Outage => ("when it answers again", probe("sends one delivery to see", hold, &next, now)),
        HoldCause::Credentials => {
            ("when the token works", probe("asks for a token again and tries it", hold, &next, now))
        }
        HoldCause::Quota => ("when its quota is reset", format!("calls again at {next}")),
        HoldCause::Unconfigured => ("when it is in the configuration again", "none".to_owned()),
    };
    let since = clock(hold.since, now);
    format!(
        "held since {since} because {}; resumes {end}{}; nothing is lost; next automatic action: {next}",
        because(hold, crm),
        waiters(waiting, now)
    )
}

fn because(hold: &Hold, crm: &str) -> String {
    let said = match (hold.status, hold.reason) {
        (Some(status), _) => format!("{crm} answered {status}"),
        (None, Some(Reason::Timeout)) => format!("{crm} did not answer in time"),
        (None, Some(Reason::Network)) => format!("{crm} cannot be reached"),
        (None, Some(reason)) => format!("of {crm}: {reason}"),
        (None, None) => format!("of {crm}"),
    };
    match hold.cause {
        HoldCause::Outage => format!("too many calls failed in a row, at last {said}"),
        HoldCause::Credentials => said,
        HoldCause::Quota => format!("its quota is used up: {said}"),
        HoldCause::Unconfigured => "it is not in the configuration any more".to_owned(),
    }
}

fn probe(what: &str, hold: &Hold, at: &str, now: Millis) -> String {
    if hold.next <= now { format!("{what} as soon as there is one to send") } else { format!("{what} at {at}") }
}

fn of_line(line: &StandingLine, explained: &Explained) -> Vec<Sentence> {
    let now = explained.now;
    let all = together(&line.waiting, line.ready);
    let mut sentences = Vec::new();
    for (scope, pause) in &line.pauses {
        let text = of_pause((scope, pause), Some(all), now);
        sentences.push(sentence(&line.id, ("paused", None), (Some(pause.since), all.count, pause.until), text));
    }
    let crm = line.connection.as_ref().map(|it| it.crm);
    if let Some(hold) = &line.hold {
        let next = (hold.cause != HoldCause::Unconfigured && line.pauses.is_empty()).then_some(hold.next);
        let text = of_hold(hold, crm, Some(all), now);
        sentences.push(sentence(&line.id, ("held", Some(hold.cause)), (Some(hold.since), all.count, next), text));
    }
    let shut = !sentences.is_empty();
    for (why, waiters) in line.waiting.iter().filter(|(_, it)| 0 < it.count) {
        if shut && *why == Because::Held {
            continue;
        }
        let text = of_waiters(*why, waiters, (explained, shut));
        sentences.push(sentence(&line.id, (why.name(), None), (waiters.oldest, waiters.count, waiters.next), text));
    }
    sentences
}

fn of_waiters(why: Because, it: &Waiters, (explained, shut): (&Explained, bool)) -> String {
    let now = explained.now;
    let many = many(it.count);
    let since = it.oldest.map(|oldest| format!(" since {}", clock(oldest, now))).unwrap_or_default();
    let turn = if shut { "runs when the connection does" } else { "runs as soon as it is its turn" };
    match why {
        Because::Retry => {
            let tries = format!("attempt {} of {}", it.attempt.0.saturating_add(1), explained.attempts_max);
            let next = match it.next {
                Some(due) if now < due => format!("{tries} at {}", clock(due, now)),
                Some(_) => format!("{tries} is due and {turn}"),
                None => format!("the next {turn}"),
            };
            format!("{many} wait{since} because a try failed (retry); next automatic action: {next}")
        }
        Because::RateLimit => format!(
            "{many} wait{since} because there were more than may be called (rate_limit); next automatic action: the next {turn}, in order"
        ),
        Because::Order => {
            let behind = "an earlier job of the same record";
            format!(
                "{many} wait{since} behind {behind} (order); next automatic action: each {turn} once that has ended"
            )
        }
        Because::Held => format!(
            "{many} wait{since} because the connection was held or paused; next automatic action: the next {turn}, in order"
        ),
    }
}

fn of_latecomers(about: &str, explained: &Explained) -> Option<Sentence> {
    if explained.latecomers == 0 {
        return None;
    }
    let text = format!(
        "{} of a tenant that is not in the configuration; next automatic action: dead letters with the reason \
         unknown_tenant a minute after each job's time, unless it is configured by then",
        many(explained.latecomers)
    );
    Some(Sentence {
        connection: about.to_owned(),
        because: Reason::UnknownTenant.name().to_owned(),
        cause: None,
        since: None,
        count: explained.latecomers,
        next_at: None,
        text,
    })
}

fn sentence(
    id: &ConnectionId,
    (because, cause): (&str, Option<HoldCause>),
    (since, count, next): (Option<Millis>, u64, Option<Millis>),
    text: String,
) -> Sentence {
    Sentence {
        connection: id.to_string(),
        because: because.to_owned(),
        cause: cause.map(|it| it.name().to_owned()),
        since: since.map(moment::write),
        count,
        next_at: next.map(moment::write),
        text,
    }
}

/// All that waits of a connection, whyever.
fn together(waiting: &BTreeMap<Because, Waiters>, ready: u64) -> Waiters {
    let count = waiting.values().map(|it| it.count).sum::<u64>().saturating_add(ready);
    Waiters { count, oldest: waiting.values().filter_map(|it| it.oldest).min(), ..Waiters::default() }
}

/// `; 1,204 deliveries wait, oldest 29 min`, if it is known.
fn waiters(waiting: Option<Waiters>, now: Millis) -> String {
    let Some(waiting) = waiting else { return String::new() };
    let oldest = waiting.oldest.map(|it| format!(", oldest {}", age(it, now))).unwrap_or_default();
    let verb = if waiting.count == 1 { "waits" } else { "wait" };
    format!("; {} {verb}{oldest}", many(waiting.count))
}

fn many(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    format!("{shown} {}", if count == 1 { "delivery" } else { "deliveries" })
}

/// `02:31:07 UTC`, with the day if it is another than that of `now`.
fn clock(at: Millis, now: Millis) -> String {
    let (text, today) = (moment::write(at), moment::write(now));
    let day = text.get(..10).unwrap_or_default();
    let time = text.get(11..19).unwrap_or_default();
    if today.starts_with(day) { format!("{time} UTC") } else { format!("{day} {time} UTC") }
}

fn age(since: Millis, now: Millis) -> String {
    let seconds = now.since(since).as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "explain/tests.rs"]
mod tests;

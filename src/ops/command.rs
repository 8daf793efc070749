//! `pause` and `resume`: an operator's wish becomes messages of the first delay topic.
//! Not here: what they do (`machine`), how they are typed (`cli`) or posted (`web`).

use crate::model::{Command, ConnectionId, Crm, Header, Millis, Pause, Scope, Shard, TenantId, Topic};
use crate::ops::{AppendFault, Appended, JobLog};
use crate::wire;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// For how long the log is waited for.
const LOG_DEADLINE: Duration = Duration::from_secs(15);

/// Where the messages of a command go.
pub const COMMAND_TOPIC: Topic = Topic::Delay(crate::model::Tier::S5);

/// A message that carries a command, for one shard of `COMMAND_TOPIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommand {
    pub shard: Shard,
    pub value: Bytes,
    pub headers: Vec<Header>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Pause,
    Resume,
}

/// What a person asks for: the body of `POST /api/v1/pause` and `/api/v1/resume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// `all`, `crm/hubspot`, `tenant/acme` or `connection/acme/hubspot`; ids with `/` or `%` in them percent-encoded.
    pub scope: String,
    /// Needed for a pause.
    #[serde(default)]
    pub reason: String,
    /// Who asks.
    #[serde(default)]
    pub actor: String,
    /// When a pause ends by itself: a span from now such as `2h`, or an RFC 3339 time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Why a wish is none that can be fulfilled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WishFault {
    #[error("the scope `{0}` is none of all, crm/…, tenant/…, connection/tenant/name; write one of these")]
    Scope(String),
    #[error("a pause without a reason; say why, for whoever finds it at night")]
    NoReason,
    #[error("`until` is `{0}`; write a span such as 2h, or a time such as 2026-01-31T12:00:00Z")]
    Until(String),
    #[error("`until` lies in the past; name a time to come, or none")]
    Over,
    #[error("`until` says when a pause ends; leave it out of a resume")]
    ResumeUntil,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub action: String,
    pub scope: String,
    /// When it ends by itself, RFC 3339.
    pub until: Option<String>,
    /// The shards that were told, lowest first.
    pub shards: Vec<u32>,
}

/// Checks a wish and puts it into words.
///
/// # Errors
/// When it could be misunderstood.
pub fn command(act: Act, wish: &Wish, now: Millis) -> Result<Command, WishFault> {
    let scope = wire::scope::read(&wish.scope).ok_or_else(|| WishFault::Scope(wish.scope.clone()))?;
    let until = wish.until.as_deref().map(|it| until(it, now)).transpose()?;
    let (reason, actor) = (wish.reason.trim().to_owned(), wish.actor.trim().to_owned());
    match (act, until) {
        (Act::Pause, _) if reason.is_empty() => Err(WishFault::NoReason),
        (Act::Pause, Some(until)) if until <= now => Err(WishFault::Over),
        (Act::Pause, until) => Ok(Command::Pause(scope, Pause { since: now, until, reason, actor })),
        (Act::Resume, Some(_)) => Err(WishFault::ResumeUntil),
        (Act::Resume, None) => Ok(Command::Resume { scope, reason, actor, at: now }),
    }
}

/// The messages of a command: one to the home of its tenant, or one to each shard.
pub fn messages(command: &Command, shards: u32) -> Vec<NewCommand> {
    let (value, headers) = wire::command::encode(command);
    let home = command.scope().tenant().map(|it| wire::partitioner::home(it, shards));
    let all = home.map_or_else(|| (0..shards).map(Shard).collect(), |it| vec![it]);
    let message = |shard| NewCommand { shard, value: value.clone(), headers: headers.clone() };
    all.into_iter().map(message).collect()
}

/// Hands the command to the log. Every owner obeys it within a second, and again whoever owns a shard later.
///
/// # Errors
/// When one or more of the shards may not have been told; to give the command again is harmless.
pub async fn give(log: &dyn JobLog, command: &Command, shards: u32) -> Result<Given, AppendFault> {
    let too_late = || AppendFault::Unavailable { what: format!("the log did not answer within {LOG_DEADLINE:?}") };
    let told = tokio::time::timeout(LOG_DEADLINE, log.command(messages(command, shards))).await;
    let told: Vec<Appended> = told.unwrap_or_else(|_| Err(too_late()))?;
    let mut shards: Vec<u32> = told.into_iter().map(|it| it.shard.0).collect();
    shards.sort_unstable();
    Ok(Given { shards, ..planned(command) })
}

/// What a command would do, with no shard told.
pub fn planned(command: &Command) -> Given {
    let (action, until) = match command {
        Command::Pause(_, pause) => ("pause", pause.until),
        Command::Resume { .. } => ("resume", None),
    };
    let scope = command.scope().to_string();
    Given { action: action.to_owned(), scope, until: until.map(wire::moment::write), shards: Vec::new() }
}

/// The text of a scope from what is typed: a kind, and a name where there is one.
///
/// # Errors
/// In words: which name is missing, wrong or too much.
pub fn scope(kind: &str, name: Option<&str>) -> Result<Scope, String> {
    match (kind, name) {
        ("all", None) => Ok(Scope::All),
        ("all", Some(name)) => Err(format!("`all` stands alone; leave `{name}` out, or write tenant {name}")),
        (kind, None) => Err(format!("name the {kind}")),
        ("crm", Some(name)) => {
            let known = || Crm::ALL.map(Crm::name).join(", ");
            Crm::from_name(name).map(Scope::Crm).ok_or_else(|| format!("no CRM `{name}`; there are: {}", known()))
        }
        ("tenant", Some(name)) => Ok(Scope::Tenant(TenantId::from(name))),
        (_, Some(name)) => {
            let (tenant, name) =
                name.split_once('/').ok_or_else(|| "write the connection as tenant/name".to_owned())?;
            Ok(Scope::Connection(ConnectionId { tenant: TenantId::from(tenant), name: name.into() }))
        }
    }
}

/// A span from now, or a time.
fn until(text: &str, now: Millis) -> Result<Millis, WishFault> {
    let text = text.trim();
    let span = crate::config::parse_span(text).map(|it| now.after(it));
    let moment = || wire::moment::read(text).map(|it| Millis(u64::try_from(it).unwrap_or(0)));
    span.or_else(moment).ok_or_else(|| WishFault::Until(text.to_owned()))
}

#[cfg(test)]
#[path = "command/tests.rs"]
mod tests;

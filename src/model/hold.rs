//! Why a connection is not called for now: a hold that the machine made, a pause that a person made (core rules §6).
//! Not here: when one begins and ends (`machine`), its bytes and a command's JSON (`wire`).

use crate::model::{ConnectionId, Crm, Millis, Reason, TenantId};
use std::fmt;

/// What made the machine stop calling a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldCause {
    /// So many calls failed in a row, or the CRM says that the account is away.
    Outage,
    /// The CRM does not know our credentials.
    Credentials,
    /// The quota of a day is used up.
    Quota,
    /// It has vanished from the configuration, and something of it waits.
    Unconfigured,
}

impl HoldCause {
    pub const ALL: [Self; 4] = [Self::Outage, Self::Credentials, Self::Quota, Self::Unconfigured];

    pub fn name(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Credentials => "credentials",
            Self::Quota => "quota",
            Self::Unconfigured => "unconfigured",
        }
    }

    /// The cause with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for HoldCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

/// A connection that is held: the value of `hold/<tenant>/<connection>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub cause: HoldCause,
    pub since: Millis,
    /// The next automatic action: a probe, or for a quota its reset. Without meaning for `Unconfigured`.
    pub next: Millis,
    /// Probes that failed so far: they decide how long the next one waits.
    pub failures: u32,
    /// What the CRM, or the way to it, said at the beginning; absent where nobody was asked.
    pub reason: Option<Reason>,
    pub status: Option<u16>,
}

/// What a pause is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    All,
    Crm(Crm),
    Tenant(TenantId),
    Connection(ConnectionId),
}

impl Scope {
    /// Whether it speaks of this connection; `crm` is none where that is not known, as the connection is not configured.
    pub fn covers(&self, id: &ConnectionId, crm: Option<Crm>) -> bool {
        match self {
            Self::All => true,
            Self::Crm(it) => Some(*it) == crm,
            Self::Tenant(it) => *it == id.tenant,
            Self::Connection(it) => it == id,
        }
    }

    /// The tenant at whose home it is kept; none: at every shard.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::All | Self::Crm(_) => None,
            Self::Tenant(tenant) => Some(tenant),
            Self::Connection(id) => Some(&id.tenant),
        }
    }
}

/// As it is typed: `all`, `crm hubspot`, `tenant acme`, `connection acme/hubspot`.
impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all"),
            Self::Crm(crm) => write!(formatter, "crm {crm}"),
            Self::Tenant(tenant) => write!(formatter, "tenant {tenant}"),
            Self::Connection(id) => write!(formatter, "connection {id}"),
        }
    }
}

/// A person's decision that nothing is sent: the value of `pause/<scope>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub since: Millis,
    /// It ends by itself then.
    pub until: Option<Millis>,
    /// In the person's own words.
    pub reason: String,
    pub actor: String,
}

/// An operator's command as it travels in the first delay topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Pause(Scope, Pause),
    Resume { scope: Scope, reason: String, actor: String, at: Millis },
}

impl Command {
    pub fn scope(&self) -> &Scope {
        match self {
            Self::Pause(scope, _) | Self::Resume { scope, .. } => scope,
        }
    }
}

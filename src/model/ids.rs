//! Who and what: tenants, connections, keys, and the hashes that stand for them.
//! Not here: how a hash is computed (`wire`), what a connection's credentials are.

use crate::model::{Keys, Tariff, Window};
use std::fmt;
use std::sync::Arc;

/// A tenant of the company that runs Sluicegate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub Arc<str>);

/// One tenant's account at one CRM; shown as `tenant/connection`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub tenant: TenantId,
    pub name: Arc<str>,
}

/// Unique per tenant; a job whose key has succeeded is never sent again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(pub Arc<str>);

/// The CRMs that have a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crm {
    HubSpot,
    Salesforce,
    Zoho,
    Pipedrive,
}

impl Crm {
    pub const ALL: [Self; 4] = [Self::HubSpot, Self::Salesforce, Self::Zoho, Self::Pipedrive];

    /// The name in configuration, metrics and screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::HubSpot => "hubspot",
            Self::Salesforce => "salesforce",
            Self::Zoho => "zoho",
            Self::Pipedrive => "pipedrive",
        }
    }

    /// The CRM with this name, if it has a connector.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What the core needs to know of a connection. Credentials stay with the connectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub crm: Crm,
    /// Most inputs in one call, at least 1.
    pub batch_max: usize,
    /// Most calls out at once, where the CRM bounds them.
    pub calls_max: Option<usize>,
    /// The limits of the account, each of another name.
    pub windows: Arc<[Window]>,
    /// What a call spends of them.
    pub tariff: Tariff,
    /// Whether the CRM finds records by our external ID.
    pub keys: Keys,
}

/// 128 bit over (tenant, connection, idempotency key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeHash(pub u128);

/// 128 bit over the tenant id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantHash(pub u128);

/// 128 bit over the CRM record: (connection, object, external id). Travels in `sluicegate-record`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash(pub u128);

/// One life of a process with its transactional producer: drawn at start, never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )*};
}
shown_as_text!(TenantId, IdempotencyKey);

macro_rules! shown_as_hex {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:032x}", self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    )*};
}
shown_as_hex!(DedupeHash, TenantHash, RecordHash);

impl fmt::Display for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.tenant, self.name)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Crm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(formatter)
    }
}

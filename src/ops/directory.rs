//! The tenants of the running process: those in force, since when, and whether a newer change was refused.
//! Not here: where they come from (`reload`), what the core does with them.

use crate::config::ConnectionSettings;
use crate::model::{Connection, ConnectionId, Crm, Millis, TenantId};
use crate::ops::{RefusedStatus, TenantsStatus};
use crate::ports::Tenants;
use crate::wire::moment;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Every tenant with its connections, as configured.
pub type TenantSettings = BTreeMap<TenantId, Vec<ConnectionSettings>>;

/// Shared by all that ask who is configured; clones are one.
#[derive(Clone, Debug)]
pub struct Directory(Arc<RwLock<Arc<Version>>>);

#[derive(Clone, Debug)]
struct Version {
    settings: Arc<TenantSettings>,
    tenants: Tenants,
    loaded: Millis,
    refused: Option<Refused>,
}

/// A change that is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub at: Millis,
    /// Each with its place, what is wrong and what to do; at least one.
    pub faults: Vec<String>,
}

impl Directory {
    pub fn new(settings: TenantSettings, now: Millis) -> Self {
        let tenants = tenants(&settings);
        Self(Arc::new(RwLock::new(Arc::new(Version {
            settings: Arc::new(settings),
            tenants,
            loaded: now,
            refused: None,
        }))))
    }

    /// As the core wants them.
    pub fn tenants(&self) -> Tenants {
        Arc::clone(&self.version().tenants)
    }

    pub fn settings(&self) -> Arc<TenantSettings> {
        Arc::clone(&self.version().settings)
    }

    /// None where the connection is not configured.
    pub fn find(&self, id: &ConnectionId) -> Option<ConnectionSettings> {
        self.version().settings.get(&id.tenant)?.iter().find(|it| it.connection.id == *id).cloned()
    }

    pub fn crm_of(&self, id: &ConnectionId) -> Option<Crm> {
        self.version().tenants.get(&id.tenant)?.iter().find(|it| it.id == *id).map(|it| it.crm)
    }

    pub fn status(&self) -> TenantsStatus {
        let version = self.version();
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        let refused = version.refused.as_ref().map(|it| RefusedStatus {
            at: moment::write(it.at),
            faults_total: number(it.faults.len()),
            faults: it.faults.iter().take(RefusedStatus::FAULTS_SHOWN).cloned().collect(),
        });
        TenantsStatus {
            tenants: number(version.tenants.len()),
            connections: number(version.tenants.values().map(Vec::len).sum()),
            loaded_at: moment::write(version.loaded),
            refused,
        }
    }

    /// These are in force from now on.
    pub(super) fn take(&self, settings: TenantSettings, now: Millis) {
        let tenants = tenants(&settings);
        self.put(Version { settings: Arc::new(settings), tenants, loaded: now, refused: None });
    }

    /// A change is not in force; what was stays.
    pub(super) fn refuse(&self, refused: Refused) {
        let version = self.version();
        self.put(Version { refused: Some(refused), ..(*version).clone() });
    }

    fn put(&self, version: Version) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(version);
    }

    fn version(&self) -> Arc<Version> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn tenants(settings: &TenantSettings) -> Tenants {
    let shared = |all: &Vec<ConnectionSettings>| -> Vec<Arc<Connection>> {
        all.iter().map(|it| Arc::clone(&it.connection)).collect()
    };
    Arc::new(settings.iter().map(|(tenant, all)| (tenant.clone(), shared(all))).collect())
}

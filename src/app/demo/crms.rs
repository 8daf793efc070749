//! The demo's CRMs: a pretend server of each kind, the tenants' accounts spread over them, and how each spells a contact.
//! Not here: the engine, the events, when a fault is switched.

use crate::app::demo::stream;
use crate::crm::{Access, Accesses, connector};
use crate::model::{Connection, ConnectionId, Crm, TenantId};
use crate::ports::Tenants;
use crate::simulated::hubspot::{self, FaultRule, Latency, Recording};
use crate::simulated::{Pretend, Running, Server, Totals, pipedrive, salesforce, zoho};
use anyhow::{Context, Result};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The usual latency of such an API.
const LATENCY: Latency = Latency { min_ms: 120.0, max_ms: 180.0 };
/// What the CRMs remember of the writes to each record.
const RECORDING: Recording = Recording { records: true, effects: 64, attempts: 0, calls: 0 };

/// The kinds, one after the other for one tenant after the other.
const KINDS: [Crm; 4] = Crm::ALL;

/// All pretend CRMs, running.
pub(super) struct Crms {
    /// Keeps them running.
    _runtime: Runtime,
    servers: BTreeMap<Crm, Box<dyn Served>>,
}

/// A running pretend CRM, whatever its kind.
trait Served: Send + Sync {
    fn url(&self) -> String;
    fn set_faults(&self, access_token: Option<&str>, rules: Vec<FaultRule>);
    fn totals(&self) -> Totals;
}

impl<P: Pretend> Served for Running<P> {
    fn url(&self) -> String {
        self.url()
    }

    fn set_faults(&self, access_token: Option<&str>, rules: Vec<FaultRule>) {
        self.accounts.set_faults(access_token, rules);
    }

    fn totals(&self) -> Totals {
        self.accounts.summary().totals
    }
}

impl Crms {
    pub(super) fn start(seed: u64) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let servers = KINDS.into_iter().map(|crm| Ok((crm, serve(&runtime, crm, seed)?)));
        let servers = servers.collect::<Result<_>>()?;
        Ok(Self { _runtime: runtime, servers })
    }

    /// So many tenants with one account each.
    pub(super) fn directory(&self, tenants: u32) -> (Tenants, Accesses) {
        let mut connections = BTreeMap::new();
        let mut accesses = BTreeMap::new();
        for (number, (crm, server)) in (0..tenants).zip(self.servers.iter().cycle()) {
            let tenant = TenantId::from(stream::tenant_name(number).as_str());
            let id = connection(&tenant, *crm);
            let facts = connector(*crm).facts();
            let access = Access {
                base_url: server.url(),
                access_token: SecretString::from(token(&tenant)),
                external_id_property: facts.external_id_property.to_owned(),
            };
            accesses.insert(id.clone(), Arc::new(access));
            let connection = Connection {
                id,
                crm: *crm,
                batch_max: facts.batch_max.value,
                calls_max: facts.calls_max.value,
                windows: facts.limits.iter().map(|it| it.value.window()).collect(),
                tariff: facts.tariff.value,
                keys: facts.keys.value,
            };
            connections.insert(tenant, vec![Arc::new(connection)]);
        }
        (Arc::new(connections), Accesses::new(accesses))
    }

    /// What goes wrong at one kind of CRM, and what at all of them.
    pub(super) fn set_faults(&self, one: (Crm, &[FaultRule]), all: &[FaultRule]) {
        for (crm, server) in &self.servers {
            let own = if *crm == one.0 { one.1 } else { &[] };
            server.set_faults(None, own.iter().chain(all).cloned().collect());
        }
    }

    /// What goes wrong in the account of one tenant.
    pub(super) fn set_faults_of(&self, tenant: &TenantId, crm: Crm, rules: Vec<FaultRule>) {
        if let Some(server) = self.servers.get(&crm) {
            server.set_faults(Some(&token(tenant)), rules);
        }
    }

    /// The sum of what all of them counted.
    pub(super) fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.servers.values().for_each(|it| sum.add(&it.totals()));
        sum
    }
}

/// Which kind the tenant of this number has.
pub(super) fn kind_of(tenant: u32) -> Crm {
    let place = usize::try_from(tenant).unwrap_or(0) % KINDS.len();
    KINDS.get(place).copied().unwrap_or(Crm::HubSpot)
}

/// Properties of a contact as a CRM spells them; the version is what it tells a repeat or a wrong order by.
pub(super) fn contact(crm: Crm, (contact, tenant): (u64, &str), version: u64) -> String {
    let [first, last, number] = match crm {
        Crm::HubSpot => ["firstname", "lastname", "event_number"],
        Crm::Salesforce => ["FirstName", "LastName", "Event_Number__c"],
        Crm::Zoho => ["First_Name", "Last_Name", "Event_Number"],
        Crm::Pipedrive => ["first_name", "last_name", "event_number"],
    };
    let name = match crm {
        Crm::Pipedrive => format!(r#""name":"Contact {contact} of {tenant}","#),
        Crm::HubSpot | Crm::Salesforce | Crm::Zoho => String::new(),
    };
    format!(r#"{{{name}"{first}":"Contact {contact}","{last}":"of {tenant}","{number}":"{version}"}}"#)
}

pub(super) fn connection(tenant: &TenantId, crm: Crm) -> ConnectionId {
    ConnectionId { tenant: tenant.clone(), name: Arc::from(crm.name()) }
}

fn token(tenant: &TenantId) -> String {
    format!("pretend-{tenant}")
}

fn serve(runtime: &Runtime, crm: Crm, seed: u64) -> Result<Box<dyn Served>> {
    match crm {
        Crm::HubSpot => {
            let (latency, recording) = (LATENCY, RECORDING);
            let records_max = Some(10_000);
            started::<hubspot::HubSpot>(
                runtime,
                hubspot::Settings { latency, seed, records_max, recording, ..hubspot::Settings::default() },
            )
        }
        Crm::Salesforce => {
            let (latency, recording) = (LATENCY, RECORDING);
            started::<salesforce::Salesforce>(
                runtime,
                salesforce::Settings { latency, seed, recording, ..salesforce::Settings::default() },
            )
        }
        Crm::Zoho => {
            let (latency, recording) = (LATENCY, RECORDING);
            started::<zoho::Zoho>(runtime, zoho::Settings { latency, seed, recording, ..zoho::Settings::default() })
        }
        Crm::Pipedrive => {
            let (latency, recording) = (LATENCY, RECORDING);
            let settings = pipedrive::Settings { latency, seed, recording, ..pipedrive::Settings::default() };
            started::<pipedrive::Pipedrive>(runtime, settings)
        }
    }
}

fn started<P: Pretend>(runtime: &Runtime, settings: P::Settings) -> Result<Box<dyn Served>> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = runtime.block_on(Server::<P>::start(anywhere, settings));
    let server = server.with_context(|| format!("cannot open the pretend {}", P::NAME))?;
    Ok(Box::new(server))
}

//! A pretend CRM, and its connector on real HTTP; what differs from CRM to CRM stands in `Traits`.
//! Not here: what is promised.

use secrecy::SecretString;
use sluicegate::crm::{Access, Accesses, Events, Http, HttpCrms, HttpLimits, connector};
use sluicegate::model::{
    Answer, Call, CallEnded, CallId, CallInput, Connection, ConnectionId, Crm, Fault as CallFault, Finding, Millis,
    Object, Operation, Properties, Reply, Shard, TenantId,
};
use sluicegate::ports::{Crms, Event};
use sluicegate::simulated::hubspot::{self, Fault, FaultRule, Policy, RecordLedger, Script, Totals};
use sluicegate::simulated::{Accounts, Pretend, Running, Server, salesforce, zoho};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) const TOKEN: &str = "token-of-acme";
const PATIENCE: Duration = Duration::from_secs(60);

/// What differs.
pub(crate) struct Traits {
    crm: Crm,
    id_property: &'static str,
    /// How the ledger names contacts.
    object: &'static str,
    /// Properties of a contact that may be written.
    pub(crate) good: &'static str,
    /// … that are refused, and have a value that must not be told.
    pub(crate) bad: &'static str,
    /// … for which the whole batch is refused.
    pub(crate) poison: &'static str,
    /// A limit that is soon over.
    pub(crate) short: Policy,
    /// The code of an input that is in conflict.
    pub(crate) conflict: &'static str,
    /// What is left of the day is told once so many calls are made.
    pub(crate) told_after: u64,
}

/// One account of one pretend CRM, and a connector to it.
pub(crate) struct Stage<P: Pretend> {
    pub(crate) traits: Traits,
    pub(crate) running: Running<P>,
    crms: Mutex<HttpCrms>,
    ended: Mutex<std::sync::mpsc::Receiver<CallEnded>>,
    connection: Arc<Connection>,
    /// Last: what runs on it goes first.
    _runtime: Runtime,
}

pub(crate) fn hubspot() -> Stage<hubspot::HubSpot> {
    let settings = hubspot::Settings {
        known_properties: Some(vec!["firstname".to_owned()]),
        poison: Some("poison".to_owned()),
        ..hubspot::Settings::default()
    };
    let traits = Traits {
        crm: Crm::HubSpot,
        id_property: "external_id",
        object: "contacts",
        good: r#"{"firstname":"Ada"}"#,
        bad: r#"{"shoe":"not-an-address"}"#,
        poison: r#"{"firstname":"poison"}"#,
        short: Policy::Burst,
        conflict: "CONFLICT",
        told_after: 0,
    };
    Stage::start(traits, settings)
}

pub(crate) fn salesforce() -> Stage<salesforce::Salesforce> {
    let settings = salesforce::Settings { poison: Some("poison".to_owned()), ..salesforce::Settings::default() };
    let traits = Traits {
        crm: Crm::Salesforce,
        id_property: "External_Id__c",
        object: "Contact",
        good: r#"{"LastName":"Lovelace"}"#,
        bad: r#"{"LastName":"Lovelace","Email":"not-an-address"}"#,
        poison: r#"{"LastName":"poison"}"#,
        short: Policy::Concurrent,
        conflict: "DUPLICATES_DETECTED",
        told_after: 0,
    };
    Stage::start(traits, settings)
}

pub(crate) fn zoho() -> Stage<zoho::Zoho> {
    let settings = zoho::Settings { poison: Some("poison".to_owned()), ..zoho::Settings::default() };
    let traits = Traits {
        crm: Crm::Zoho,
        id_property: "External_ID",
        object: "Contacts",
        good: r#"{"Last_Name":"Lovelace"}"#,
        bad: r#"{"Last_Name":"Lovelace","Email":"not-an-address"}"#,
        poison: r#"{"Last_Name":"poison"}"#,
        short: Policy::Concurrent,
        conflict: "RECORD_IN_BLUEPRINT",
        told_after: 2_500,
    };
    Stage::start(traits, settings)
}

impl<P: Pretend> Stage<P> {
    fn start(traits: Traits, settings: P::Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let accounts = Accounts::<P>::new();
        accounts.open(TOKEN, settings);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = runtime.block_on(Server::<P>::start_with(anywhere, accounts)).unwrap();
        let facts = connector(traits.crm).facts();
        let connection = Arc::new(Connection {
            id: ConnectionId { tenant: TenantId::from("acme"), name: Arc::from("crm") },
            crm: traits.crm,
            batch_max: facts.batch_max.value,
            calls_max: None,
            windows: Arc::from([]),
            tariff: facts.tariff.value,
            keys: facts.keys.value,
        });
        let access = Access {
            base_url: running.url(),
            access_token: SecretString::from(TOKEN),
            external_id_property: traits.id_property.to_owned(),
        };
        let accesses = Accesses::new(BTreeMap::from([(connection.id.clone(), Arc::new(access))]));
        let (sender, ended) = channel();
        let events: Events = Arc::new(move |event| match event {
            Event::CallEnded(it) => sender.send(it).unwrap(),
            Event::Log(_) | Event::AccessChanged(_) | Event::Tenants(_) | Event::Explain(_) | Event::Drain => {
                panic!("{event:?}")
            }
        });
        let http = Http::new(&HttpLimits::default()).unwrap();
        let crms = HttpCrms::new(runtime.handle().clone(), http, accesses, events, Arc::new(|| Millis(0)));
        Self { traits, running, crms: Mutex::new(crms), ended: Mutex::new(ended), connection, _runtime: runtime }
    }

    /// Contacts `c0`, `c1`, … with good properties.
    pub(crate) fn contacts(&self, count: usize) -> Vec<(String, String)> {
        (0..count).map(|it| (format!("c{it}"), self.traits.good.to_owned())).collect()
    }

    pub(crate) fn batch_max(&self) -> usize {
        self.connection.batch_max
    }

    pub(crate) fn upsert(&self, contacts: &[(String, String)]) -> CallEnded {
        self.call(Operation::Upsert, contacts)
    }

    pub(crate) fn call(&self, operation: Operation, contacts: &[(String, String)]) -> CallEnded {
        let input = |(id, properties): &(String, String)| CallInput {
            external_id: Arc::from(id.as_str()),
            finding: Finding::ByKey,
            properties: Properties(Arc::from(properties.as_str())),
        };
        self.crms.lock().unwrap().start(Call {
            id: CallId(1),
            shard: Shard(0),
            connection: Arc::clone(&self.connection),
            object: Object(Arc::from("contact")),
            operation,
            inputs: contacts.iter().map(input).collect(),
            until: Millis(u64::MAX),
        });
        self.ended.lock().unwrap().recv_timeout(PATIENCE).unwrap()
    }

    /// From now on every call is struck, before anything of it is applied.
    pub(crate) fn strike(&self, fault: Fault) {
        assert!(self.running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(fault)]));
    }

    /// … after it was applied.
    pub(crate) fn strike_after(&self, fault: Fault) {
        assert!(self.running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(fault).applied()]));
    }

    pub(crate) fn script(&self, script: Script) {
        assert!(self.running.accounts.add_script(Some(TOKEN), script));
    }

    pub(crate) fn calm(&self) {
        assert!(self.running.accounts.clear_faults(Some(TOKEN)));
    }

    pub(crate) fn revoke(&self) {
        assert!(self.running.accounts.close(TOKEN));
    }

    /// Another application of the account makes so many calls.
    pub(crate) fn somebody_calls(&self, calls: u64) {
        assert!(self.running.accounts.consume(TOKEN, calls));
    }

    /// Somebody deletes a contact, or merges it into another.
    pub(crate) fn somebody_deletes(&self, external_id: &str) {
        assert!(self.running.accounts.lose(TOKEN, self.traits.object, external_id));
    }

    pub(crate) fn totals(&self) -> Totals {
        self.running.accounts.totals(TOKEN).unwrap()
    }

    /// What the CRM counted of a contact.
    pub(crate) fn record(&self, external_id: &str) -> Option<RecordLedger> {
        self.running.accounts.record(TOKEN, self.traits.object, external_id)
    }
}

/// An answer in short: `applied`, `created`, `permanent bad_request`, `refused …`, `failed …`.
pub(crate) fn shown(answer: &Answer) -> Vec<String> {
    let of = |kind: &str, fault: &CallFault| format!("{kind} {}", fault.reason);
    match answer {
        Answer::Unsent => vec!["unsent".to_owned()],
        Answer::Refused(fault) => vec![of("refused", fault)],
        Answer::Failed(fault) => vec![of("failed", fault)],
        Answer::Each(replies) => replies
            .iter()
            .map(|reply| match reply {
                Reply::Applied { created: true, .. } => "created".to_owned(),
                Reply::Applied { created: false, .. } => "applied".to_owned(),
                Reply::Transient(fault) => of("transient", fault),
                Reply::Gone(fault) => of("gone", fault),
                Reply::Permanent(fault) => of("permanent", fault),
                Reply::Account(fault) => of("account", fault),
            })
            .collect(),
    }
}

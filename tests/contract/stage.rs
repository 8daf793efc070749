//! A pretend CRM, and its connector on real HTTP; what differs from CRM to CRM stands in `Traits`.
//! Not here: what is promised.

use secrecy::SecretString;
use sluicegate::crm::{Access, Accesses, Events, Http, HttpCrms, HttpLimits, connector};
use sluicegate::model::{
    Answer, Call, CallEnded, CallId, CallInput, Connection, ConnectionId, Crm, Fault as CallFault, Finding, Key,
    Millis, Object, Operation, Properties, Reply, Shard, TenantId,
};
use sluicegate::ports::{Crms, Event};
use sluicegate::simulated::hubspot::{self, Fault, FaultRule, Policy, RecordLedger, Script, Totals};
use sluicegate::simulated::{Accounts, Operation as Kind, Pretend, Running, Server, pipedrive, salesforce, zoho};
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
    /// Units of the day that an update of one contact comes to.
    pub(crate) day_units: u32,
}

/// What is known of a contact.
enum Mark {
    Known(Arc<str>),
    /// It may be there.
    Doubt,
}

/// One account of one pretend CRM, and a connector to it.
pub(crate) struct Stage<P: Pretend> {
    pub(crate) traits: Traits,
    pub(crate) running: Running<P>,
    crms: Mutex<HttpCrms>,
    accesses: Accesses,
    ended: Mutex<std::sync::mpsc::Receiver<CallEnded>>,
    connection: Arc<Connection>,
    /// As the machine keeps them, of contacts that have no unique key.
    marks: Mutex<BTreeMap<String, Mark>>,
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
        day_units: 1,
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
        day_units: 1,
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
        day_units: 1,
    };
    Stage::start(traits, settings)
}

pub(crate) fn pipedrive() -> Stage<pipedrive::Pipedrive> {
    // Nobody waits here for the windows of 2 seconds.
    let limits = pipedrive::Limits { burst: Some(1_000), searches: Some(1_000), ..pipedrive::Limits::default() };
    let settings = pipedrive::Settings {
        limits,
        poison: Some("poison".to_owned()),
        search_lag: pipedrive::Latency::default(),
        ..pipedrive::Settings::default()
    };
    let traits = Traits {
        crm: Crm::Pipedrive,
        id_property: "external_id",
        object: "persons",
        good: r#"{"name":"Ada"}"#,
        bad: r#"{"name":"Ada","org_id":"not-an-address"}"#,
        poison: r#"{"name":"poison"}"#,
        short: Policy::Burst,
        conflict: "merge_in_progress",
        told_after: 0,
        day_units: 5,
    };
    let stage = Stage::start(traits, settings);
    // What the account's field is called is looked up by the first call; what is promised here is promised of the rest.
    stage.upsert(&stage.contacts(1));
    assert!(stage.running.accounts.reset(Some(TOKEN)));
    stage.marks.lock().unwrap().clear();
    stage
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
        let crms = HttpCrms::new(runtime.handle().clone(), http, accesses.clone(), events, Arc::new(|| Millis(0)));
        let (crms, ended, marks) = (Mutex::new(crms), Mutex::new(ended), Mutex::default());
        Self { traits, running, crms, accesses, ended, connection, marks, _runtime: runtime }
    }

    /// As after a reload of the configuration: what a connector learned of the account is no more.
    pub(crate) fn forgets_what_it_learned(&self) {
        let access = self.accesses.find(&self.connection.id).unwrap();
        self.accesses.put(self.connection.id.clone(), (*access).clone());
    }

    /// Calls with another access token, which is good for an account of its own.
    pub(crate) fn uses_token(&self, token: &str) {
        self.running.accounts.open(token, self.running.accounts.settings(TOKEN).unwrap());
        let access = (*self.accesses.find(&self.connection.id).unwrap()).clone();
        let access = Access { access_token: SecretString::from(token), ..access };
        self.accesses.put(self.connection.id.clone(), access);
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

    /// In as many calls as the CRM's batches want; records without a unique key are found as the machine does.
    pub(crate) fn call(&self, operation: Operation, contacts: &[(String, String)]) -> CallEnded {
        merged(contacts.chunks(self.batch_max()).map(|it| self.call_and_learn(operation, it)).collect())
    }

    /// One call for one contact that is found in this way.
    pub(crate) fn find(&self, operation: Operation, contact: &(String, String), finding: Finding) -> CallEnded {
        self.make(operation, vec![input(contact, finding)])
    }

    pub(crate) fn is_unique(&self) -> bool {
        self.key() == Key::Unique
    }

    fn key(&self) -> Key {
        self.connection.keys.key(&contact())
    }

    fn call_and_learn(&self, operation: Operation, contacts: &[(String, String)]) -> CallEnded {
        let inputs = contacts.iter().map(|it| input(it, self.finding(operation, &it.0))).collect();
        let ended = self.make(operation, inputs);
        if self.is_unique() {
            return ended;
        }
        let [(external_id, _)] = contacts else { panic!("several records without a unique key in one call") };
        let mut marks = self.marks.lock().unwrap();
        match &ended.answer {
            Answer::Each(replies) => match &replies[0] {
                Reply::Applied { record_id, .. } if operation == Operation::Upsert => {
                    marks.insert(external_id.clone(), Mark::Known(Arc::from(record_id.as_str())));
                }
                Reply::Applied { .. } => drop(marks.remove(external_id)),
                Reply::Gone(_) => {
                    marks.insert(external_id.clone(), Mark::Doubt);
                    drop(marks);
                    return self.call_and_learn(operation, contacts);
                }
                Reply::Transient(_) | Reply::Permanent(_) | Reply::Account(_) => {}
            },
            Answer::Failed(_) => drop(marks.insert(external_id.clone(), Mark::Doubt)),
            Answer::Refused(_) | Answer::Unsent => {}
        }
        ended
    }

    fn finding(&self, operation: Operation, external_id: &str) -> Finding {
        match (self.marks.lock().unwrap().get(external_id), operation) {
            _ if self.is_unique() => Finding::ByKey,
            (Some(Mark::Known(id)), _) => Finding::ById(Arc::clone(id)),
            (Some(Mark::Doubt), _) | (None, Operation::Archive) => Finding::Search,
            (None, Operation::Upsert) => Finding::New,
        }
    }

    /// What was not sent is sent again, as by the machine.
    fn make(&self, operation: Operation, inputs: Vec<CallInput>) -> CallEnded {
        for _ in 0..3 {
            self.crms.lock().unwrap().start(Call {
                id: CallId(1),
                shard: Shard(0),
                connection: Arc::clone(&self.connection),
                object: contact(),
                operation,
                inputs: inputs.clone(),
                until: Millis(u64::MAX),
            });
            let ended = self.ended.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            if ended.answer != Answer::Unsent {
                return ended;
            }
        }
        panic!("it is never sent");
    }

    /// From now on every call is struck, before anything of it is applied.
    pub(crate) fn strike(&self, fault: Fault) {
        assert!(self.running.accounts.set_faults(Some(TOKEN), vec![FaultRule::always(fault)]));
    }

    /// … every call that writes, after it was applied.
    pub(crate) fn strike_after(&self, fault: Fault) {
        let kinds = [Kind::BatchUpsert, Kind::Create, Kind::Update];
        let rules = kinds.map(|kind| FaultRule::always(fault.clone()).applied().on(kind));
        assert!(self.running.accounts.set_faults(Some(TOKEN), rules.to_vec()));
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

fn contact() -> Object {
    Object(Arc::from("contact"))
}

fn input((id, properties): &(String, String), finding: Finding) -> CallInput {
    let properties = Properties(Arc::from(properties.as_str()));
    CallInput { external_id: Arc::from(id.as_str()), finding, properties }
}

/// As one call would have ended: as a whole, if each did.
fn merged(mut parts: Vec<CallEnded>) -> CallEnded {
    let last = parts.pop().expect("there is a contact");
    let whole = |it: &CallEnded| matches!(it.answer, Answer::Failed(_));
    if parts.iter().chain([&last]).all(whole) {
        return last;
    }
    let parts = parts.into_iter().map(|it| it.answer).chain([last.answer.clone()]);
    let answers: Vec<Answer> = parts.collect();
    if let [one] = answers.as_slice() {
        return CallEnded { answer: one.clone(), ..last };
    }
    let replies = answers.into_iter().flat_map(|answer| match answer {
        Answer::Each(replies) => replies,
        Answer::Failed(fault) => vec![Reply::Transient(fault)],
        Answer::Refused(fault) => vec![Reply::Permanent(fault)],
        Answer::Unsent => panic!("it was not sent"),
    });
    CallEnded { answer: Answer::Each(replies.collect()), ..last }
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

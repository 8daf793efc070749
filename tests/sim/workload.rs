//! The jobs of a run: who, which record, which key, when, at which partition, and what is wrong with it.
//! Not here: what becomes of them (`ledger`), how they are read.

use crate::broker::TxnFate;
use crate::dice::Dice;
use crate::marks::Mark;
use crate::options::Options;
use crate::partition::TxnId;
use crate::world::{Action, BEGIN, World};
use bytes::Bytes;
use sluicegate::model::{
    Connection, ConnectionId, Crm, Header, Key, Keys, Message, Millis, Price, Shard, Tariff, TenantId, Topic, Window,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Index of a connection; all tenants' connections in one row.
pub type ConnIx = u16;
/// Index of a job: `n` in its properties and in the header `sim-n`.
pub type JobIx = u32;

/// A record of a CRM: connection and number; its external id is `r<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordIx {
    pub conn: ConnIx,
    pub record: u64,
}

pub const JOB_HEADER: &str = "sim-n";
const OBJECTS: [&str; 3] = ["contact", "deal", "company"];

#[derive(Debug)]
pub struct Workload {
    pub tenants: Vec<TenantId>,
    pub connections: Vec<Arc<Connection>>,
    pub by_id: BTreeMap<ConnectionId, ConnIx>,
    pub jobs: Vec<JobSpec>,
    /// Jobs that are produced together, in one go.
    events: Vec<Arrival>,
}

#[derive(Debug)]
struct Arrival {
    jobs: Vec<JobIx>,
    /// In a transaction of the producer's, and whether that commits.
    transaction: Option<bool>,
}

#[derive(Clone, Debug)]
pub struct JobSpec {
    pub at: Millis,
    /// Where it is produced.
    pub shard: Shard,
    pub message: Message,
    pub kind: Kind,
}

/// What must come of a job, as far as its text alone says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Valid {
        home: Shard,
        record: u64,
        key: u32,
        conns: Vec<ConnIx>,
        poison: Poison,
    },
    /// Dead where it is read, never a delivery.
    Malformed,
    UnknownTenant {
        home: Shard,
    },
    /// It names a connection that its tenant does not have.
    NoRoute {
        home: Shard,
        tenant: TenantId,
    },
    Tombstone,
}

/// How the CRM takes a job whatever the weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poison {
    None,
    /// Its input is refused for good, others of its call are not.
    Permanent,
    /// The whole call is refused.
    RefusesBatch,
    /// Fails until faults end.
    Stubborn,
}

impl Workload {
    pub fn draw(options: &Options, mut dice: Dice) -> Self {
        let mut it = Self {
            tenants: (0..options.tenants).map(|n| TenantId::from(format!("t{}", n * 7 + 1).as_str())).collect(),
            connections: Vec::new(),
            by_id: BTreeMap::new(),
            jobs: Vec::new(),
            events: Vec::new(),
        };
        for tenant in it.tenants.clone() {
            for number in 0..dice.between(1, options.connections_max as u64) {
                it.connect(options, tenant.clone(), number);
            }
        }
        it.draw_jobs(options, &mut dice);
        it.draw_arrivals(options, &mut dice);
        it
    }

    fn connect(&mut self, options: &Options, tenant: TenantId, number: u64) {
        let id = ConnectionId { tenant, name: Arc::from(format!("c{number}")) };
        self.by_id.insert(id.clone(), ConnIx::try_from(self.connections.len()).unwrap());
        let windows = options.limits.windows.iter();
        let windows = windows.map(|(cap, per)| Window::rolling(*cap, Duration::from_millis(*per))).collect();
        // drawn apart, so that seeds without them are what they were
        let mut apart = Dice::new(options.seed).fork("keys").fork(&id.to_string());
        let keys =
            Keys { of: &[], others: apart.pick(&[Key::Unique, Key::Unique, Key::Unique, Key::Searched, Key::None]) };
        let connection = Connection {
            id,
            crm: Crm::HubSpot,
            batch_max: options.machine.batch_max,
            calls_max: None,
            windows,
            tariff: Tariff { upsert: Price::calls(1), archive: Price::calls(2), search: Price::calls(1) },
            keys,
        };
        self.connections.push(Arc::new(connection));
    }

    fn draw_jobs(&mut self, options: &Options, dice: &mut Dice) {
        let mut keys: u32 = 0;
        for n in 0..u32::try_from(options.jobs).unwrap() {
            let input = &options.input;
            let key = if 0 < keys && dice.chance(input.duplicate_key) {
                u32::try_from(dice.below(u64::from(keys))).unwrap()
            } else {
                keys += 1;
                keys - 1
            };
            let job = if dice.chance(input.malformed) {
                self.malformed(n, options, dice)
            } else if dice.chance(input.tombstone) {
                odd(n, None, Kind::Tombstone, options, dice)
            } else if dice.chance(input.unknown_tenant) {
                let tenant = format!("nobody{}", dice.below(3));
                let home = home(&tenant, options.shards);
                let text = job_text(&Text { tenant: &tenant, n, key: n, ..Text::default() });
                odd(n, Some(text), Kind::UnknownTenant { home }, options, dice)
            } else if dice.chance(input.no_route) {
                self.without_route(n, options, dice)
            } else {
                self.valid(n, key, options, dice)
            };
            self.jobs.push(job);
        }
    }

    fn valid(&self, n: u32, key: u32, options: &Options, dice: &mut Dice) -> JobSpec {
        // a key belongs to a tenant: the same number of two tenants is two keys
        let tenant = self.tenants[dice.index(self.tenants.len())].clone();
        let mut conns: Vec<ConnIx> = self.by_id.iter().filter(|it| it.0.tenant == tenant).map(|it| *it.1).collect();
        conns.sort_unstable();
        let named = dice.chance(options.input.named_connection).then(|| dice.pick(&conns));
        if let Some(one) = named {
            conns = vec![one];
        }
        let record = dice.below(options.records);
        let poison = if dice.chance(options.input.poison) {
            dice.pick(&[Poison::Permanent, Poison::RefusesBatch, Poison::Stubborn])
        } else {
            Poison::None
        };
        let archive = dice.chance(options.input.archive);
        let connection = named.map(|it| self.connections[usize::from(it)].id.name.to_string());
        let padding = usize::try_from(dice.spread(1, 600)).unwrap();
        let text = Text { tenant: &tenant.0, n, key, record, connection: connection.as_deref(), archive, padding };
        let home = home(&tenant.0, options.shards);
        let shard = if dice.chance(options.input.wrong_shard) { any_shard(options, dice) } else { home };
        let message = message(n, Some(tenant.0.as_bytes()), Some(job_text(&text)), dice);
        JobSpec { at: BEGIN, shard, message, kind: Kind::Valid { home, record, key, conns, poison } }
    }

    fn without_route(&self, n: u32, options: &Options, dice: &mut Dice) -> JobSpec {
        let tenant = self.tenants[dice.index(self.tenants.len())].clone();
        let text = job_text(&Text { tenant: &tenant.0, n, key: n, connection: Some("nowhere"), ..Text::default() });
        odd(n, Some(text), Kind::NoRoute { home: home(&tenant.0, options.shards), tenant }, options, dice)
    }

    fn malformed(&self, n: u32, options: &Options, dice: &mut Dice) -> JobSpec {
        let tenant = &self.tenants[0].0;
        let whole = job_text(&Text { tenant, n, key: n, ..Text::default() });
        let deep = format!("{{\"tenant_id\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        let text = match dice.below(10) {
            0 => String::new(),
            1 => "not json at all".to_owned(),
            2 => whole[..whole.len() / 2].to_owned(),
            3 => whole.replace("\"tenant_id\"", "\"tenant\""),
            4 => whole.replace("\"payload\":{", "\"payload\":[{").replace("}}", "}]}"),
            5 => whole.replace("\"external_id\":\"r0\"", "\"external_id\":17.5e400"),
            6 => whole.replace("\"idempotency_key\":\"", "\"idempotency_key\":7,\"x\":\""),
            7 => deep,
            8 => format!("[{whole}]"),
            _ => whole.replace("\"operation\":\"upsert\"", "\"operation\":\"explode\""),
        };
        let mut job = odd(n, Some(text), Kind::Malformed, options, dice);
        if dice.chance(200) {
            job.message.value = Some(Bytes::from_static(&[0xff, 0xfe, 0x00, 0x9f]));
        }
        job
    }

    /// Spreads the jobs over the faulty phase, in bursts.
    fn draw_arrivals(&mut self, options: &Options, dice: &mut Dice) {
        let mut next: JobIx = 0;
        let count = JobIx::try_from(self.jobs.len()).unwrap();
        while next < count {
            let size = u32::try_from(dice.between(1, options.input.burst)).unwrap();
            let jobs: Vec<JobIx> = (next..count.min(next + size)).collect();
            next += u32::try_from(jobs.len()).unwrap();
            let at = Millis(BEGIN.0 + dice.between(0, options.faulty_ms));
            for job in &jobs {
                self.jobs[*job as usize].at = at;
                self.jobs[*job as usize].message.timestamp = at;
            }
            let transaction = dice.chance(options.input.aborted).then(|| dice.chance(500));
            self.events.push(Arrival { jobs, transaction });
        }
    }

    pub fn arrivals(&self) -> Vec<(Millis, usize)> {
        self.events.iter().enumerate().map(|(n, it)| (self.jobs[it.jobs[0] as usize].at, n)).collect()
    }

    pub fn spec(&self, job: JobIx) -> &JobSpec {
        &self.jobs[job as usize]
    }
}

impl World {
    /// A producer writes what belongs together.
    pub fn produce_event(&mut self, event: usize) {
        let Arrival { jobs, transaction } = &self.workload.events[event];
        let (jobs, transaction) = (jobs.clone(), *transaction);
        let txn = transaction.map(|_| self.broker.begin(None, None, self.now));
        for job in jobs {
            let JobSpec { shard, message, .. } = self.workload.spec(job).clone();
            let offset = self.broker.append(shard, Topic::Jobs, message, txn);
            self.trace(|| format!("job {job} produced at {shard}/{offset}"));
            if txn.is_none() {
                self.ledger_job(shard, offset, job);
            }
            self.nudge(shard, Topic::Jobs);
        }
        if let (Some(txn), Some(committed)) = (txn, transaction) {
            let at = self.now.0 + self.dice.log.spread(1, 2_000);
            self.agenda.plan(Millis(at), Action::EndProduced(txn, committed));
        }
    }

    pub fn end_produced(&mut self, txn: TxnId, committed: bool) {
        self.marks.hit_if(!committed, Mark::AbortedInputSkipped);
        self.decide(txn, if committed { TxnFate::Committed } else { TxnFate::Aborted });
    }
}

#[derive(Default)]
struct Text<'a> {
    tenant: &'a str,
    n: u32,
    key: u32,
    record: u64,
    connection: Option<&'a str>,
    archive: bool,
    padding: usize,
}

fn job_text(it: &Text<'_>) -> String {
    let object = object(it.record);
    let operation = if it.archive { "archive" } else { "upsert" };
    let connection = it.connection.map(|name| format!("\"connection\":\"{name}\",")).unwrap_or_default();
    let padding = "x".repeat(it.padding);
    format!(
        "{{\"tenant_id\":\"{}\",\"event_type\":\"{object}.changed\",\"idempotency_key\":\"k{}\",{connection}\
         \"payload\":{{\"object\":\"{object}\",\"external_id\":\"r{}\",\"operation\":\"{operation}\",\
         \"properties\":{{\"n\":\"{}\",\"padding\":\"{padding}\"}}}}}}",
        it.tenant, it.key, it.record, it.n
    )
}

/// The object of a record: always the same for one number.
pub fn object(record: u64) -> &'static str {
    OBJECTS[usize::try_from(record % 3).unwrap()]
}

fn message(n: u32, key: Option<&[u8]>, text: Option<String>, dice: &mut Dice) -> Message {
    let header = |name: &str, value: Option<Vec<u8>>| Header { name: name.to_owned(), value: value.map(Bytes::from) };
    let mut headers = vec![header(JOB_HEADER, Some(n.to_string().into_bytes()))];
    if dice.chance(200) {
        headers.push(header("traceparent", Some(vec![0xff, 0, 7])));
        headers.push(header("twice", None));
        headers.push(header("twice", Some(b"2".to_vec())));
    }
    let key = if dice.chance(100) { None } else { key.map(Bytes::copy_from_slice) };
    Message { key, value: text.map(Bytes::from), headers, timestamp: BEGIN }
}

fn any_shard(options: &Options, dice: &mut Dice) -> Shard {
    Shard(u32::try_from(dice.below(u64::from(options.shards))).unwrap())
}

/// Kafka's default partitioner, written from its specification: murmur2 with seed 0x9747b28c, sign bit cleared.
pub fn home(tenant: &str, shards: u32) -> Shard {
    Shard((murmur2(tenant.as_bytes()) & 0x7fff_ffff) % shards)
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(data.len()).unwrap();
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes(word.try_into().unwrap()).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[test]
fn the_partitioner_is_kafkas() {
    // expected values of org.apache.kafka.common.utils.UtilsTest#testMurmur2
    let expected: [(&str, i32); 4] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("abc", 479_470_107),
    ];
    for (text, hash) in expected {
        assert_eq!(murmur2(text.as_bytes()), u32::from_ne_bytes(hash.to_ne_bytes()), "{text}");
    }
}

/// A message that is no delivery, at any shard.
fn odd(n: u32, text: Option<String>, kind: Kind, options: &Options, dice: &mut Dice) -> JobSpec {
    let message = message(n, Some(b"whoever"), text, dice);
    JobSpec { at: BEGIN, shard: any_shard(options, dice), message, kind }
}

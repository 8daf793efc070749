//! The demo's world: an embedded log, one engine that may crash, and the switches of its faults.
//! Not here: the CRMs (`crms`), how it is shown, when a fault is switched.

mod standstill;

use crate::app::clock::Clock;
use crate::app::demo::count::Tally;
use crate::app::demo::crms::Crms;
use crate::app::demo::stream;
use crate::app::inbox;
use crate::app::instance::{self, Pulse};
use crate::app::tuning;
use crate::config;
use crate::crm::{Accesses, Http, HttpCrms, HttpLimits};
use crate::embedded::{self, EmbeddedLog, NewJob, Producer, Reader};
use crate::engine::{Ended, Setup};
use crate::model::{Crm, Incarnation, Operations, Shard, Topic};
use crate::ports::{Event, Tenants};
use crate::simulated::hubspot::{Fault, FaultRule};
use crate::store::RocksStore;
use crate::telemetry::Metrics;
use crate::wire;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const SHARDS: u32 = 4;
/// The demo ends long before a key is forgotten.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long a crashed engine's folders may stay locked.
const LOCKED_FOR: Duration = Duration::from_secs(5);

/// Everything that runs. Shared by the stream, the screen and the script.
pub(super) struct Stage {
    folder: PathBuf,
    crms: Crms,
    tenants: Tenants,
    accesses: Accesses,
    clock: Clock,
    metrics: Metrics,
    engine: Mutex<Option<EngineLife>>,
    switches: Switches,
    sent: Sent,
    started: Instant,
}

/// Faults that may be on or off.
#[derive(Debug, Default)]
pub(super) struct Switches {
    pub down: AtomicBool,
    pub flood: AtomicBool,
    pub lost_answers: AtomicBool,
    pub refused: AtomicBool,
    pub paused: AtomicBool,
}

#[derive(Debug, Default)]
struct Sent {
    over: AtomicBool,
    accepted: AtomicU64,
    records: AtomicU64,
    crashes: AtomicU64,
    /// Inputs that the CRM got around crashes: their answers may be unknown to the next engine.
    around_crashes: AtomicU64,
}

/// One life of the engine, with what dies with it.
struct EngineLife {
    pulse: Arc<Pulse>,
    core: JoinHandle<Option<Ended>>,
    producer: Producer,
    reader: Reader,
    calls: Runtime,
    events: inbox::Events,
}

impl Stage {
    pub(super) fn open(tenants: u32, seed: u64) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("sluicegate-demo-{}", std::process::id()));
        let crms = Crms::start(seed)?;
        let (tenants, accesses) = crms.directory(tenants);
        let stage = Self {
            folder,
            crms,
            tenants,
            accesses,
            clock: Clock::start(),
            metrics: Metrics::new(env!("CARGO_PKG_VERSION"))?,
            engine: Mutex::new(None),
            switches: Switches::default(),
            sent: Sent::default(),
            started: Instant::now(),
        };
        *stage.engine() = Some(stage.start_engine()?);
        Ok(stage)
    }

    /// Starts the stream of events on a thread of its own.
    pub(super) fn start_stream(self: &Arc<Self>, seed: u64) -> Result<()> {
        let stage = Arc::clone(self);
        let tenants = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
        let run = move || stream::run(&stage, tenants, seed);
        std::thread::Builder::new().name("demo-stream".to_owned()).spawn(run).map(drop).context("no thread left")
    }

    pub(super) fn switches(&self) -> &Switches {
        &self.switches
    }

    pub(super) fn is_stream_over(&self) -> bool {
        self.sent.over.load(Ordering::Relaxed)
    }

    pub(super) fn end_stream(&self) {
        self.sent.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Appends events; while the engine is down they wait here, as a producer's would.
    pub(super) fn append(&self, jobs: &[NewJob], records: u64) {
        while !self.is_stream_over() {
            let producer = self.engine().as_ref().map(|it| it.producer.clone());
            if producer.is_some_and(|it| it.append(jobs.to_vec()).is_ok()) {
                self.sent.accepted.fetch_add(u64::try_from(jobs.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
                self.sent.records.store(records, Ordering::Relaxed);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Switches a fault of the whole CRM or of the stream, and answers whether it is on now.
    pub(super) fn switch(&self, which: &AtomicBool) -> bool {
        let on = !which.fetch_xor(true, Ordering::Relaxed);
        self.arrange_faults();
        on
    }

    pub(super) fn end_faults(&self) -> Result<()> {
        for switch in [&self.switches.down, &self.switches.flood, &self.switches.lost_answers] {
            switch.store(false, Ordering::Relaxed);
        }
        self.arrange_faults();
        if self.engine().is_none() {
            self.restart()?;
        }
        self.go_on()
    }

    /// Kills the engine as `kill -9` would: nothing is committed, no connection is closed politely.
    pub(super) fn crash(&self) -> Result<()> {
        let before = self.crms.totals().inputs;
        std::thread::sleep(Duration::from_millis(200));
        let Some(life) = self.engine().take() else { return Ok(()) };
        life.pulse.kill();
        life.calls.shutdown_background();
        drop((life.producer, life.reader, life.events));
        drop(life.core.join());
        self.sent.crashes.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(800));
        let after = self.crms.totals().inputs;
        self.sent.around_crashes.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
        Ok(())
    }

    /// Starts an engine where the last one was killed.
    pub(super) fn restart(&self) -> Result<()> {
        let life = self.start_engine()?;
        *self.engine() = Some(life);
        Ok(())
    }

    /// One look at both ends.
    pub(super) fn tally(&self) -> Tally {
        let totals = self.crms.totals();
        let (waiting, dead) = self.engine().as_ref().map_or(([0; 4], 0), |it| {
            let dead = (0..SHARDS).map(|shard| it.reader.end(Topic::Dlq, Shard(shard)).0).sum();
            (it.pulse.seen().levels.waiting, dead)
        });
        Tally {
            accepted: self.sent.accepted.load(Ordering::Relaxed),
            applied: totals.effects.saturating_sub(totals.duplicates),
            dead,
            records: self.sent.records.load(Ordering::Relaxed),
            created: totals.created,
            repeated: totals.duplicates,
            repeats_explained: totals.unconfirmed + self.sent.around_crashes.load(Ordering::Relaxed),
            out_of_order: totals.out_of_order,
            over_limit: totals.over_limit,
            calls: totals.calls,
            waiting,
            crashes: self.sent.crashes.load(Ordering::Relaxed),
        }
    }

    /// The free share, 0 to 100, of each account's shortest window, as far as it was called lately.
    pub(super) fn levels(&self) -> Vec<(String, u64)> {
        let Some(pulse) = self.engine().as_ref().map(|it| Arc::clone(&it.pulse)) else { return Vec::new() };
        let mut shortest = BTreeMap::new();
        for (id, window, level) in pulse.seen().buckets.into_iter().filter(|it| it.1.operations != Operations::Searches)
        {
            let found = shortest.entry(id.tenant.to_string()).or_insert((window.per, level));
            if window.per < found.0 {
                *found = (window.per, level);
            }
        }
        let percent = |level| Duration::from_secs(100).mul_f64(level).as_secs();
        shortest.into_iter().map(|(tenant, (_, level))| (tenant, percent(level))).collect()
    }

    /// Ends the engine well and removes the demo's folder.
    pub(super) fn close(&self) {
        if let Some(life) = self.engine().take() {
            life.events.send(Event::Drain);
            drop((life.producer, life.reader));
            drop(life.core.join());
            life.calls.shutdown_background();
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "the demo's folder could not be removed");
        }
    }

    fn arrange_faults(&self) {
        let is_on = |switch: &AtomicBool| switch.load(Ordering::Relaxed);
        let down =
            is_on(&self.switches.down).then(|| FaultRule::always(Fault::Status { status: 503, retry_after_s: None }));
        let lost = is_on(&self.switches.lost_answers).then(|| FaultRule::always(Fault::Drop).applied().share(0.3, 7));
        self.crms.set_faults((Crm::HubSpot, down.as_slice()), lost.as_slice());
    }

    fn engine(&self) -> MutexGuard<'_, Option<EngineLife>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_engine(&self) -> Result<EngineLife> {
        let (events, inbox) = inbox::events();
        let sink = events.clone();
        let sink: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| sink.send(event));
        let (log, producer) = self.unlocked(|| {
            let settings = embedded::Settings {
                dir: self.folder.join("log"),
                shards: SHARDS,
                partitioner: wire::partitioner::partition,
                retention: embedded::Retention::default(),
            };
            Ok(EmbeddedLog::start(&settings, Arc::clone(&sink))?)
        })?;
        let store = self.unlocked(|| Ok(RocksStore::start(&self.folder.join("state"), REMEMBERED)?))?;
        let calls = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let http = Http::new(&HttpLimits::default())?;
        let clock = self.clock;
        let now = move || clock.now();
        let crms = HttpCrms::new(calls.handle().clone(), http, self.accesses.clone(), sink, Arc::new(now));
        let reader = log.reader();
        let defaults = defaults()?;
        let settings = tuning::engine_settings(&defaults);
        let tenants = Arc::clone(&self.tenants);
        let incarnation = Incarnation(rand::random());
        let setup = Setup { settings, tenants, log, store, crms, seed: rand::random(), incarnation };
        let pulse = Arc::new(Pulse::new(&defaults.alerts));
        let core = instance::start(setup, inbox, (Arc::clone(&pulse), self.metrics.clone()), self.clock)?;
        Ok(EngineLife { pulse, core, producer, reader, calls, events })
    }

    /// Tries until the folder of an engine that was killed a moment ago is free.
    fn unlocked<T>(&self, open: impl Fn() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            match open() {
                Ok(opened) => return Ok(opened),
                Err(_) if started.elapsed() < LOCKED_FOR => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The settings of an empty configuration file.
fn defaults() -> Result<config::Settings> {
    config::parse(&[], &config::NoEnv).context("the defaults are not sound")
}

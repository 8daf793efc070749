//! `sluicegate run`: the engine on the configured log, with its HTTP listener, until told to stop.
//! Not here: the life of the engine (`life`).

use crate::app::clock::Clock;
use crate::app::instance::Pulse;
use crate::app::jobs::{EmbeddedJobs, KafkaJobs};
use crate::app::life::{Kept, World, live};
use crate::app::seen::SeenInstance;
use crate::app::{tuning, watch, world};
use crate::cli::Exit;
use crate::cli::args::Global;
use crate::cli::environment::Environment;
use crate::cli::load::load;
use crate::cli::output::complain;
use crate::config::{LogKind, Settings};
use crate::credentials;
use crate::kafka::KafkaLog;
use crate::ops::JobLog;
use crate::store::RocksStore;
use crate::telemetry::Metrics;
use crate::web;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Threads for CRM calls and the listener; the core has its own.
const WORKERS: usize = 2;

pub(super) fn run(global: &Global) -> Exit {
    let ran = settings(global).and_then(|settings| run_with(&settings));
    ran.unwrap_or_else(|exit| exit)
}

/// The settings, or the exit after every fault was told.
pub(super) fn settings(global: &Global) -> Result<Settings, Exit> {
    let environment = Environment::new(global).map_err(|what| told(Exit::Usage, what))?;
    let loaded = load(global.config.as_deref(), &environment).map_err(|fault| told(Exit::BadConfiguration, fault))?;
    Ok(loaded.settings)
}

fn run_with(settings: &Settings) -> Result<Exit, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| told(Exit::Failure, format!("cannot start: {error}")))?;
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION")).map_err(|error| told(Exit::Failure, error))?;
    let kept = Kept {
        settings: tuning::engine_settings(settings),
        tenants: Arc::new(world::tenants(settings)),
        metrics,
        pulse: Arc::new(Pulse::new(&settings.alerts)),
        clock: Clock::start(),
        runtime: runtime.handle().clone(),
    };
    let exit = match settings.log.kind {
        LogKind::Kafka => run_on_kafka(settings, &kept, &runtime)?,
        LogKind::Embedded => run_embedded(settings, &kept, &runtime)?,
    };
    Ok(exit)
}

fn run_on_kafka(settings: &Settings, kept: &Kept, runtime: &Runtime) -> Result<Exit, Exit> {
    let kafka = world::kafka_settings(settings).map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let accesses = world::accesses(settings).map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let listener = Listener::open(settings, kept, runtime, Arc::new(KafkaJobs::new(kafka.clone())))?;
    let watch = watch::watch(&kept.runtime, settings, &accesses, &kept.pulse);
    let exit = live(kept, |events| {
        let log = KafkaLog::start(kafka.clone(), world::sink(events));
        let log = log.map_err(|fault| (Exit::BadConfiguration, fault.to_string()))?;
        let store = RocksStore::start(&settings.state.dir, settings.state.idempotency_ttl)
            .map_err(|fault| (Exit::Failure, fault.to_string()))?;
        let crms = world::crms(&kept.runtime, &accesses, events, kept.clock)
            .map_err(|error| (Exit::Failure, format!("{error:#}")))?;
        Ok(World { log, store, crms })
    });
    watch.abort();
    listener.close(runtime);
    Ok(exit)
}

fn run_embedded(settings: &Settings, kept: &Kept, runtime: &Runtime) -> Result<Exit, Exit> {
    let accesses = world::accesses(settings).map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let jobs = EmbeddedJobs::default();
    let listener = Listener::open(settings, kept, runtime, Arc::new(jobs.clone()))?;
    let watch = watch::watch(&kept.runtime, settings, &accesses, &kept.pulse);
    let exit = live(kept, |events| {
        let failed = |error: anyhow::Error| (Exit::Failure, format!("{error:#}"));
        let (log, producer) = world::embedded_log(settings, events).map_err(failed)?;
        jobs.set(producer);
        let store = RocksStore::start(&settings.state.dir, settings.state.idempotency_ttl)
            .map_err(|fault| (Exit::Failure, fault.to_string()))?;
        let crms = world::crms(&kept.runtime, &accesses, events, kept.clock).map_err(failed)?;
        Ok(World { log, store, crms })
    });
    watch.abort();
    listener.close(runtime);
    Ok(exit)
}

/// The HTTP listener while it serves.
struct Listener {
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Listener {
    fn open(settings: &Settings, kept: &Kept, runtime: &Runtime, log: Arc<dyn JobLog>) -> Result<Self, Exit> {
        let token = settings.http.bearer_token.as_ref().map(credentials::resolve_token).transpose();
        let token = token.map_err(|fault| told(Exit::BadConfiguration, format!("http.bearer_token: {fault}")))?;
        let bound = runtime.block_on(web::bind(settings.http.listen, token, web::Limits::default()));
        let bound = bound.map_err(|fault| told(Exit::Failure, fault))?;
        let instance = SeenInstance {
            id: settings.kafka.group_instance_id.clone(),
            log: settings.log.kind.name(),
            pulse: Arc::clone(&kept.pulse),
            clock: kept.clock,
            started: Instant::now(),
            shards: settings.kafka.partitions,
            crms: settings.all_connections().map(|it| (it.connection.id.clone(), it.connection.crm)).collect(),
        };
        let faces = web::Faces { instance: Arc::new(instance), log, metrics: kept.metrics.clone() };
        let (stop, stopped) = oneshot::channel::<()>();
        let served = runtime.spawn(bound.serve(faces, async move { drop(stopped.await) }));
        Ok(Self { stop, served })
    }

    fn close(self, runtime: &Runtime) {
        drop(self.stop);
        if let Err(error) = runtime.block_on(self.served) {
            complain(format!("the HTTP listener ended badly: {error}"));
        }
    }
}

pub(super) fn told(exit: Exit, what: impl Display) -> Exit {
    complain(what);
    exit
}

//! `sluicegate run`: the engine on the configured log, with its HTTP listener, until told to stop.
//! Not here: the life of the engine (`life`).

use crate::app::clock::Clock;
use crate::app::instance::Pulse;
use crate::app::jobs::{EmbeddedJobs, KafkaJobs};
use crate::app::life::{Kept, World, live};
use crate::app::seen::SeenInstance;
use crate::app::{reload, tuning, watch, world};
use crate::cli::Exit;
use crate::cli::args::Global;
use crate::cli::environment::Environment;
use crate::cli::load::{Loaded, load, load_main};
use crate::cli::output::complain;
use crate::config::{LogKind, Settings, SourceText};
use crate::credentials;
use crate::crm::Accesses;
use crate::kafka::KafkaLog;
use crate::ops::{Directory, JobLog, Reload};
use crate::store::RocksStore;
use crate::telemetry::Metrics;
use crate::web;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Threads for CRM calls and the listener; the core has its own.
const WORKERS: usize = 2;

pub(super) fn run(global: &Global) -> Exit {
    let ran = loaded(global).and_then(|(loaded, environment)| {
        let Loaded { settings, main, .. } = loaded;
        let folder = settings.tenants_folder.clone();
        run_with(&settings, folder.map(|folder| Source { main, folder, environment }))
    });
    ran.unwrap_or_else(|exit| exit)
}

/// Where tenants are read anew from.
struct Source {
    main: SourceText,
    folder: PathBuf,
    environment: Environment,
}

/// The settings without the tenants of the folder, or the exit after every fault was told. For all that asks others
/// and calls nobody.
pub(super) fn settings(global: &Global) -> Result<Settings, Exit> {
    let environment = Environment::new(global).map_err(|what| told(Exit::Usage, what))?;
    load_main(global.config.as_deref(), &environment).map_err(|fault| told(Exit::BadConfiguration, fault))
}

/// The settings with all tenants, or the exit after every fault was told.
pub(super) fn loaded(global: &Global) -> Result<(Loaded, Environment), Exit> {
    let environment = Environment::new(global).map_err(|what| told(Exit::Usage, what))?;
    let loaded = load(global.config.as_deref(), &environment).map_err(|fault| told(Exit::BadConfiguration, fault))?;
    Ok((loaded, environment))
}

fn run_with(settings: &Settings, source: Option<Source>) -> Result<Exit, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| told(Exit::Failure, format!("cannot start: {error}")))?;
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION")).map_err(|error| told(Exit::Failure, error))?;
    let clock = Clock::start();
    let kept = Kept {
        settings: tuning::engine_settings(settings),
        directory: Directory::new(settings.tenants.clone(), clock.now()),
        metrics,
        pulse: Arc::new(Pulse::new(&settings.alerts)),
        clock,
        runtime: runtime.handle().clone(),
    };
    kept.metrics.tenants_loaded(clock.now(), false);
    let accesses = world::accesses(settings).map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let watched = watched(&kept, &accesses, source);
    let exit = match settings.log.kind {
        LogKind::Kafka => run_on_kafka(settings, &kept, (&runtime, &accesses)),
        LogKind::Embedded => run_embedded(settings, &kept, (&runtime, &accesses)),
    };
    watched.iter().for_each(JoinHandle::abort);
    exit
}

/// What looks for new credentials and new tenants while the engine runs.
fn watched(kept: &Kept, accesses: &Accesses, source: Option<Source>) -> Vec<JoinHandle<()>> {
    let credentials = watch::watch(&kept.runtime, &kept.directory, accesses, &kept.pulse);
    let tenants = source.map_or_else(
        || reload::decline(&kept.runtime),
        |it| {
            let environment = Box::new(it.environment);
            let reload = Reload::new((it.main, it.folder), environment, kept.directory.clone(), accesses.clone());
            reload::watch(&kept.runtime, reload, (Arc::clone(&kept.pulse), kept.metrics.clone()), kept.clock)
        },
    );
    vec![credentials, tenants]
}

/// What both kinds of log need to run beside what outlives a life.
type Hands<'a> = (&'a Runtime, &'a Accesses);

fn run_on_kafka(settings: &Settings, kept: &Kept, (runtime, accesses): Hands<'_>) -> Result<Exit, Exit> {
    let kafka = world::kafka_settings(settings).map_err(|error| told(Exit::BadConfiguration, format!("{error:#}")))?;
    let listener = Listener::open(settings, kept, runtime, Arc::new(KafkaJobs::new(kafka.clone())))?;
    let exit = live(kept, |events| {
        let log = KafkaLog::start(kafka.clone(), world::sink(events));
        let log = log.map_err(|fault| (Exit::BadConfiguration, fault.to_string()))?;
        let store = RocksStore::start(&settings.state.dir, settings.state.idempotency_ttl)
            .map_err(|fault| (Exit::Failure, fault.to_string()))?;
        let crms = world::crms(&kept.runtime, accesses, events, kept.clock)
            .map_err(|error| (Exit::Failure, format!("{error:#}")))?;
        Ok(World { log, store, crms })
    });
    listener.close(runtime);
    Ok(exit)
}

fn run_embedded(settings: &Settings, kept: &Kept, (runtime, accesses): Hands<'_>) -> Result<Exit, Exit> {
    let jobs = EmbeddedJobs::default();
    let listener = Listener::open(settings, kept, runtime, Arc::new(jobs.clone()))?;
    let exit = live(kept, |events| {
        let failed = |error: anyhow::Error| (Exit::Failure, format!("{error:#}"));
        let (log, producer) = world::embedded_log(settings, events).map_err(failed)?;
        jobs.set(producer);
        let store = RocksStore::start(&settings.state.dir, settings.state.idempotency_ttl)
            .map_err(|fault| (Exit::Failure, fault.to_string()))?;
        let crms = world::crms(&kept.runtime, accesses, events, kept.clock).map_err(failed)?;
        Ok(World { log, store, crms })
    });
    listener.close(runtime);
    Ok(exit)
}

/// The HTTP listener while it serves.
struct Listener {
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
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
            directory: kept.directory.clone(),
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

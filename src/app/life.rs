//! The life of `sluicegate run`: an engine, its signals, and a new engine after a fence.
//! Not here: which log and store it runs on (`world`); the loop itself (`engine`).

use crate::app::clock::Clock;
use crate::app::inbox::{self, Events, Inbox};
use crate::app::instance::{self, Pulse};
use crate::cli::Exit;
use crate::cli::output::complain;
use crate::engine::{Ended, Settings, Setup};
use crate::model::Incarnation;
use crate::ops::Directory;
use crate::ports::{Crms, Event, Log, StopCause, Store};
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Between looks at whether the loop has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The adapters of one life.
pub(super) struct World<L, S, C> {
    pub(super) log: L,
    pub(super) store: S,
    pub(super) crms: C,
}

/// What outlives a fence.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) settings: Settings,
    pub(super) directory: Directory,
    pub(super) metrics: Metrics,
    pub(super) pulse: Arc<Pulse>,
    pub(super) clock: Clock,
    pub(super) runtime: Handle,
}

/// Runs engines one after the other until one ends for another reason than a fence. `make` builds the adapters of a
/// life; it is given where events go. Blocks the thread it is called on, which must not be one of the runtime.
pub(super) fn live<L, S, C>(kept: &Kept, make: impl Fn(&Events) -> Result<World<L, S, C>, (Exit, String)>) -> Exit
where
    L: Log + Send + 'static,
    S: Store + Send + 'static,
    C: Crms + Send + 'static,
{
    let mut stops = match Stops::listen(&kept.runtime) {
        Ok(stops) => stops,
        Err(error) => return failed(Exit::Failure, format!("cannot listen for signals: {error}")),
    };
    loop {
        let (events, inbox) = inbox::events();
        kept.pulse.listens(&events);
        let world = match make(&events) {
            Ok(world) => world,
            Err((exit, what)) => return failed(exit, what),
        };
        let (ended, asked) = match one_life(kept, world, (&events, inbox), &mut stops) {
            Ok(ended) => ended,
            Err(exit) => return exit,
        };
        match ended {
            Ended::Drained => return Exit::Ok,
            Ended::Stopped(fault, cause) => return failed(exit_of(cause), fault.what),
            Ended::Fenced(fault) if asked => {
                tracing::warn!(%fault, "fenced while stopping: what was not committed is done again by the next owner");
                return Exit::Ok;
            }
            Ended::Fenced(fault) => {
                tracing::warn!(%fault, wait = ?kept.settings.call_deadline, "fenced: a new life begins when the calls of the old one are over");
                if kept.runtime.block_on(rest(kept, &mut stops)) {
                    return Exit::Ok;
                }
            }
        }
    }
}

fn exit_of(cause: StopCause) -> Exit {
    match cause {
        StopCause::Failed => Exit::Failure,
        StopCause::Barred => Exit::Kafka,
        StopCause::Unfit => Exit::Refused,
    }
}

/// Calls of the old life may still land: nobody calls before they have passed their deadline. `true`: told to stop.
async fn rest(kept: &Kept, stops: &mut Stops) -> bool {
    let until = kept.clock.now().after(kept.settings.call_deadline);
    while kept.clock.now() < until {
        kept.pulse.beat_at(kept.clock.now());
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stops.next() => return true,
        }
    }
    false
}

fn one_life<L, S, C>(
    kept: &Kept,
    world: World<L, S, C>,
    (events, inbox): (&Events, Inbox),
    stops: &mut Stops,
) -> Result<(Ended, bool), Exit>
where
    L: Log + Send + 'static,
    S: Store + Send + 'static,
    C: Crms + Send + 'static,
{
    let setup = Setup {
        settings: kept.settings.clone(),
        // Listening already: a change that comes from now on is told to this life.
        tenants: kept.directory.tenants(),
        log: world.log,
        store: world.store,
        crms: world.crms,
        seed: rand::random(),
        incarnation: Incarnation(rand::random()),
    };
    let seen = (Arc::clone(&kept.pulse), kept.metrics.clone());
    let core = instance::start(setup, inbox, seen, kept.clock)
        .map_err(|error| failed(Exit::Failure, format!("cannot start a thread: {error}")))?;
    let asked = kept.runtime.block_on(watch(&core, events, stops))?;
    match core.join() {
        Ok(Some(ended)) => Ok((ended, asked)),
        Ok(None) => Err(failed(Exit::Failure, "the loop was killed".to_owned())),
        Err(_panic) => Err(failed(
            Exit::Failure,
            "the loop met a state that cannot be and stopped before it could commit anything wrong; \
             restart it: it goes on from the last commit; please report the lines above"
                .to_owned(),
        )),
    }
}

/// Waits for the loop's end, and tells whether it was asked for. The first signal asks it to end well, a second one ends the process at once.
async fn watch<T>(core: &JoinHandle<T>, events: &Events, stops: &mut Stops) -> Result<bool, Exit> {
    let mut asked = false;
    while !core.is_finished() {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stops.next() => {
                if asked {
                    return Err(failed(Exit::Failure, "stopped at once, as asked a second time; \
                        what was not committed is done again at the next start".to_owned()));
                }
                asked = true;
                events.send(Event::Drain);
            }
        }
    }
    Ok(asked)
}

/// SIGTERM and SIGINT.
struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    fn listen(runtime: &Handle) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn failed(exit: Exit, what: String) -> Exit {
    complain(what);
    exit
}

//! Looks at the folder of tenant files while the process runs, and tells everybody what came of it.
//! Not here: what a change is and whether it is sound (`ops`).

use crate::app::clock::Clock;
use crate::app::instance::Pulse;
use crate::model::Millis;
use crate::ops::{Refused, Reload, Reloaded, Taken};
use crate::ports::Event;
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

/// A change is taken at the second look that finds it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Asked to look, the second look follows after this.
const SETTLES_WITHIN: Duration = Duration::from_millis(200);

/// Without a folder a SIGHUP, which would end the process, does nothing but say so. Until it is aborted.
pub(super) fn decline(runtime: &Handle) -> JoinHandle<()> {
    runtime.spawn(async {
        let Ok(mut asked) = signal(SignalKind::hangup()) else { return };
        while asked.recv().await.is_some() {
            tracing::info!("asked to read the tenants again, and `tenants` names no folder: nothing is done");
        }
    })
}

/// Looks until it is aborted: every other second, and at once at a SIGHUP, which reads all of it again.
pub(super) fn watch(
    runtime: &Handle,
    mut reload: Reload,
    (pulse, metrics): (Arc<Pulse>, Metrics),
    clock: Clock,
) -> JoinHandle<()> {
    runtime.spawn(async move {
        let mut asked = signal(SignalKind::hangup()).ok();
        let mut first = true;
        let mut patience = LOOK_EVERY;
        loop {
            let hurry = rest(patience, asked.as_mut()).await;
            if hurry {
                reload.read_anew();
                first = false;
            }
            let looking = tokio::task::spawn_blocking(move || {
                let reloaded = reload.look(clock.now());
                (reload, reloaded)
            });
            let Ok((kept, reloaded)) = looking.await else {
                tracing::error!("the look at the tenants folder ended badly: tenants stay as they are until a restart; please report the lines above");
                return;
            };
            reload = kept;
            let settled = matches!(reloaded, Reloaded::Taken(_) | Reloaded::Refused(_));
            tell((clock.now(), reloaded), (&pulse, &metrics), first);
            first = first && !settled;
            patience = if hurry { SETTLES_WITHIN } else { LOOK_EVERY };
        }
    })
}

/// `true`: somebody asked.
async fn rest(patience: Duration, asked: Option<&mut Signal>) -> bool {
    let Some(asked) = asked else {
        tokio::time::sleep(patience).await;
        return false;
    };
    tokio::select! {
        () = tokio::time::sleep(patience) => false,
        Some(()) = asked.recv() => true,
    }
}

/// `first`: it may be what was read at the start.
fn tell((now, reloaded): (Millis, Reloaded), (pulse, metrics): (&Pulse, &Metrics), first: bool) {
    match reloaded {
        Reloaded::Same => {}
        Reloaded::Taken(Taken { tenants, access_changed, counts }) => {
            let nothing = counts.added + counts.removed + counts.changed + access_changed.len() == 0;
            metrics.tenants_loaded(now, !(first && nothing));
            if first && nothing {
                return;
            }
            let (added, removed, changed) = (counts.added, counts.removed, counts.changed);
            let tried = access_changed.len();
            tracing::info!(
                tenants = counts.tenants,
                added,
                removed,
                changed,
                tried,
                "the tenants folder was read again: its connections are as it says"
            );
            pulse.tell(Event::Tenants(tenants));
            access_changed.into_iter().for_each(|id| pulse.tell(Event::AccessChanged(id)));
        }
        Reloaded::Refused(Refused { faults, at: _ }) => {
            metrics.tenants_refused();
            let first = faults.first().map(String::as_str).unwrap_or_default();
            tracing::warn!(
                faults = faults.len(),
                first,
                "a change of the tenants folder is refused: all tenants stay as they were"
            );
        }
    }
}

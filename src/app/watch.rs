//! New credentials are noticed: those of connections that are held for theirs are read again each second.
//! Not here: when they are tried (`machine`); a secret that comes from the environment changes with a restart only.

use crate::app::instance::Pulse;
use crate::credentials;
use crate::crm::{Access, Accesses};
use crate::model::{ConnectionId, HoldCause};
use crate::ops::Directory;
use crate::ports::Event;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches until it is aborted. What is read is a file or a variable; nothing is asked of anybody.
pub(super) fn watch(
    runtime: &Handle,
    directory: &Directory,
    accesses: &Accesses,
    pulse: &Arc<Pulse>,
) -> JoinHandle<()> {
    let (directory, accesses, pulse) = (directory.clone(), accesses.clone(), Arc::clone(pulse));
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let held = pulse.seen().holds.into_iter().filter(|(_, it)| it.cause == HoldCause::Credentials);
            for id in held.map(|(id, _)| id).filter(|id| renew(&directory, &accesses, id)) {
                tracing::info!(connection = %id, "new credentials: they are tried at once");
                pulse.tell(Event::AccessChanged(id));
            }
        }
    })
}

/// Reads the connection's access token again; whether it is another one.
fn renew(directory: &Directory, accesses: &Accesses, id: &ConnectionId) -> bool {
    let Some(configured) = directory.find(id) else { return false };
    let (Some(old), Ok(token)) = (accesses.find(id), credentials::resolve_token(&configured.access_token)) else {
        return false;
    };
    if old.access_token.expose_secret() == token.expose_secret() {
        return false;
    }
    accesses.put(id.clone(), Access { access_token: token, ..(*old).clone() });
    true
}

//! Tenants read anew while the process runs: a sound change comes into force as a whole, a bad one not at all.
//! Not here: when the folder is looked at (`app`), what the core does with other tenants (`engine`).
//!
//! Only the folder of tenant files is read again; the main file counts as it was at the start.

use crate::config::{ConnectionSettings, Env, Faults, SecretSource, SourceText, parse};
use crate::credentials;
use crate::crm::{Access, Accesses};
use crate::model::{ConnectionId, Millis};
use crate::ops::directory::{Directory, Refused, TenantSettings};
use crate::ports::Tenants;
use crate::tenants::{Folder, Look, Read};
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Keeps a running process's tenants as their folder says.
pub struct Reload {
    /// The main file as it was read at the start.
    main: SourceText,
    env: Box<dyn Env + Send>,
    folder: Folder,
    directory: Directory,
    accesses: Accesses,
    /// Sound, but access tokens are missing: they may come after their tenants.
    waiting: Option<Waiting>,
    /// Connections that vanished keep their access until the core has heard of it.
    leaving: bool,
}

struct Waiting {
    sources: Vec<SourceText>,
    settings: TenantSettings,
    missing: Vec<SecretSource>,
}

/// What a look led to.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing new.
    Same,
    /// Tell the core.
    Taken(Taken),
    /// Everything stays as it was. Told once per change.
    Refused(Refused),
}

/// Other tenants, in force for the adapters already.
#[derive(Debug)]
pub struct Taken {
    pub tenants: Tenants,
    /// Connections that stay and have other credentials, or another address, than before.
    pub access_changed: Vec<ConnectionId>,
    pub counts: Counts,
}

/// Connections, and tenants in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub tenants: usize,
    pub added: usize,
    pub removed: usize,
    pub changed: usize,
}

/// What a change needs, with all of its accesses.
struct Sound {
    accesses: BTreeMap<ConnectionId, Arc<Access>>,
    access_changed: Vec<ConnectionId>,
}

/// Access tokens that cannot be had.
struct Missing {
    sources: Vec<SecretSource>,
    faults: Vec<String>,
}

impl Reload {
    /// `main`: the main file's text, as it was read at the start.
    pub fn new(
        (main, folder): (SourceText, PathBuf),
        env: Box<dyn Env + Send>,
        directory: Directory,
        accesses: Accesses,
    ) -> Self {
        let folder = Folder::new(folder);
        Self { main, env, folder, directory, accesses, waiting: None, leaving: false }
    }

    /// The looks that follow read everything again, changed or not: secrets lie in files of their own.
    pub fn read_anew(&mut self) {
        self.folder.forget();
    }

    /// Looks at the folder, and does what follows. Blocks for local disk, and after a change for as long as reading and
    /// checking all of it takes.
    pub fn look(&mut self, now: Millis) -> Reloaded {
        if std::mem::take(&mut self.leaving) {
            let known = self.directory.settings();
            let stays = |id: &ConnectionId| {
                known.get(&id.tenant).is_some_and(|all| all.iter().any(|it| it.connection.id == *id))
            };
            self.accesses.retain(stays);
        }
        match self.folder.look() {
            Look::Settling => Reloaded::Same,
            Look::Same => self.look_for_secrets(now),
            Look::Changed(read) => {
                self.waiting = None;
                self.read(read, now)
            }
        }
    }

    fn read(&mut self, read: Read, now: Millis) -> Reloaded {
        let texts: Vec<SourceText> = std::iter::once(&self.main).chain(&read.sources).cloned().collect();
        let parsed = parse(&texts, &*self.env);
        let faults = match parsed {
            Ok(settings) if read.faults.is_empty() => return self.take(read.sources, settings.tenants, now),
            Ok(_) => Faults(read.faults),
            Err(Faults(faults)) => Faults(faults.into_iter().chain(read.faults).collect()),
        };
        self.refuse(faults.0.iter().map(ToString::to_string).collect(), now)
    }

    /// A secret may be written after the file that names it.
    fn look_for_secrets(&mut self, now: Millis) -> Reloaded {
        let found = |it: &SecretSource| credentials::resolve_token(it).is_ok();
        match self.waiting.take_if(|it| it.missing.iter().all(found)) {
            Some(waiting) => self.take(waiting.sources, waiting.settings, now),
            None => Reloaded::Same,
        }
    }

    fn take(&mut self, sources: Vec<SourceText>, mut settings: TenantSettings, now: Millis) -> Reloaded {
        let before = self.directory.settings();
        let counts = share(&mut settings, &before);
        let sound = match self.sound(&settings, &before) {
            Ok(sound) => sound,
            Err(Missing { sources: missing, faults }) => {
                self.waiting = Some(Waiting { sources, settings, missing });
                return self.refuse(faults, now);
            }
        };
        let Sound { accesses, access_changed } = sound;
        // Calls that start before the core has heard of it find what they need.
        self.accesses.extend(accesses);
        self.leaving = true;
        self.folder.taken(&sources);
        self.directory.take(settings, now);
        Reloaded::Taken(Taken { tenants: self.directory.tenants(), access_changed, counts })
    }

    fn refuse(&self, faults: Vec<String>, now: Millis) -> Reloaded {
        let refused = Refused { at: now, faults };
        self.directory.refuse(refused.clone());
        Reloaded::Refused(refused)
    }

    /// The access of every connection. One that stays as it was and whose token cannot be read right now keeps the one
    /// it has: its fault is none of this change.
    fn sound(&self, settings: &TenantSettings, before: &TenantSettings) -> Result<Sound, Missing> {
        let mut sound = Sound { accesses: BTreeMap::new(), access_changed: Vec::new() };
        let mut missing = Missing { sources: Vec::new(), faults: Vec::new() };
        for it in settings.values().flatten() {
            let id = &it.connection.id;
            let old = self.accesses.find(id);
            match (credentials::resolve_token(&it.access_token), old) {
                (Ok(token), old) => {
                    let (base_url, external_id_property) = (it.base_url.clone(), it.external_id_property.clone());
                    let access = Access { base_url, access_token: token, external_id_property };
                    if old.as_ref().is_some_and(|old| differs(old, &access)) {
                        sound.access_changed.push(id.clone());
                    }
                    sound.accesses.insert(id.clone(), Arc::new(access));
                }
                (Err(_), Some(old)) if found(before, id) == Some(it) => {
                    sound.accesses.insert(id.clone(), old);
                }
                (Err(fault), Some(_) | None) => {
                    missing.faults.push(format!("access_token of {id}: {fault}{}", more(&it.access_token)));
                    missing.sources.push(it.access_token.clone());
                }
            }
        }
        if missing.faults.is_empty() { Ok(sound) } else { Err(missing) }
    }
}

fn more(source: &SecretSource) -> &'static str {
    match source {
        SecretSource::Env(_) => "; a process that runs gets no new variable: restart it, or put the secret into a file",
        SecretSource::File(_) => "; the change comes into force when it is there",
    }
}

fn differs(old: &Access, new: &Access) -> bool {
    old.base_url != new.base_url || old.access_token.expose_secret() != new.access_token.expose_secret()
}

/// Connections that are as they were stay the same ones, so that nothing of them is made anew; counts the others.
fn share(settings: &mut TenantSettings, before: &TenantSettings) -> Counts {
    let mut counts = Counts { tenants: settings.len(), ..Counts::default() };
    let mut stay: usize = 0;
    for it in settings.values_mut().flatten() {
        match found(before, &it.connection.id) {
            None => counts.added += 1,
            Some(old) => {
                stay += 1;
                counts.changed += usize::from(old != it);
                if old.connection == it.connection {
                    it.connection = Arc::clone(&old.connection);
                }
            }
        }
    }
    counts.removed = before.values().map(Vec::len).sum::<usize>().saturating_sub(stay);
    counts
}

fn found<'a>(all: &'a TenantSettings, id: &ConnectionId) -> Option<&'a ConnectionSettings> {
    all.get(&id.tenant)?.iter().find(|it| it.connection.id == *id)
}

#[cfg(test)]
mod tests;

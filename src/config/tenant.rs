//! `[[tenant]]` of all files together: ids are unique, and one account has one connection.
//! Not here: a connection's own settings.

use crate::config::section::Section;
use crate::config::value::{Value, Wrong, text};
use crate::config::{ConnectionSettings, Place, SecretSource, connection};
use crate::model::{ConnectionId, TenantId};
use std::collections::BTreeMap;

const ID_MAX: usize = 256;

/// What was read so far, and where.
#[derive(Default)]
pub(super) struct Directory {
    tenants: BTreeMap<TenantId, (Place, Vec<ConnectionSettings>)>,
    /// (base URL, secret source) is an account: it has one set of limits.
    accounts: BTreeMap<(String, SecretSource), (ConnectionId, Place)>,
}

impl Directory {
    /// Reads the tenants of one file.
    pub(super) fn read(&mut self, file: &mut Section<'_>) {
        for tenant in file.sections("tenant").unwrap_or_default() {
            self.tenant(tenant);
        }
    }

    pub(super) fn into_tenants(self) -> BTreeMap<TenantId, Vec<ConnectionSettings>> {
        self.tenants.into_iter().map(|(id, (_, connections))| (id, connections)).collect()
    }

    fn tenant(&mut self, mut section: Section<'_>) {
        let id = section.required("id", tenant_id);
        if let Some(id) = &id {
            section.path = format!("tenant[{id}]");
        }
        let place = section.place_of("id");
        let tenant = TenantId::from(id.as_deref().unwrap_or_default());
        let mut connections: Vec<ConnectionSettings> = Vec::new();
        for inner in section.sections("connection").unwrap_or_default() {
            let (start, path) = (inner.place.clone(), section.path.clone());
            let Some(found) = connection::read(inner, &tenant, &path) else { continue };
            if connections.iter().any(|it| it.connection.id == found.connection.id) {
                let wrong = Wrong::new("is there twice in this tenant", "give each connection its own id");
                section.reading.fault(start.clone(), format!("{path}.connection[{}]", found.connection.id.name), wrong);
            }
            self.account(&section, &found, start);
            connections.push(found);
        }
        if let (Some(_), Some((before, _))) = (&id, self.tenants.get(&tenant)) {
            let wrong = Wrong::new(format!("is there twice, first at {before}"), "give each tenant one [[tenant]]");
            section.fault("id", wrong);
        } else {
            self.tenants.insert(tenant, (place, connections));
        }
        section.finish();
    }

    /// One account, one bucket: two connections to it would each spend all of its limit.
    fn account(&mut self, section: &Section<'_>, found: &ConnectionSettings, place: Place) {
        let account = (found.base_url.clone(), found.access_token.clone());
        let id = found.connection.id.clone();
        if let Some((other, before)) = self.accounts.get(&account) {
            let what = format!("has the same base URL and the same secret as {other} at {before}");
            let hint = "one account has one limit: keep one connection, or give this one its own secret";
            let path = format!("{}.connection[{}]", section.path, id.name);
            section.reading.fault(place, path, Wrong::new(what, hint));
        } else {
            self.accounts.insert(account, (id, place));
        }
    }
}

fn tenant_id(value: &Value<'_>) -> Result<String, Wrong> {
    let id = text(value)?;
    if id.len() > ID_MAX {
        return Err(Wrong::new(format!("is longer than {ID_MAX} bytes"), "write it as producers do, but shorter"));
    }
    Ok(id)
}

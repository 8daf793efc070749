//! How a connection reaches its account: base URL, access token, external-ID property.
//! Not here: where a secret comes from (configuration), when one is refreshed.

use crate::model::{ConnectionId, Fault, Reason, Reply};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What a connector needs to know of one account. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Access {
    /// Scheme, host and perhaps a path; a slash at its end changes nothing.
    pub base_url: String,
    pub access_token: SecretString,
    /// The CRM's property that holds our external ID and is unique there.
    pub external_id_property: String,
}

/// The header that says who calls. Its value is marked sensitive, so that `Debug` hides it.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub header: HeaderName,
    pub value: HeaderValue,
}

impl Access {
    /// The header `Authorization`.
    ///
    /// # Errors
    /// The access token fits no header: the reply for every input, without the access token.
    pub(super) fn bearer(&self) -> Result<Authorization, Reply> {
        self.authorization("Bearer")
    }

    /// As `bearer`, of another scheme.
    ///
    /// # Errors
    /// As `bearer`.
    pub(super) fn authorization(&self, scheme: &str) -> Result<Authorization, Reply> {
        let text = format!("{scheme} {}", self.access_token.expose_secret());
        Ok(Authorization { header: AUTHORIZATION, value: secret(text)? })
    }

    /// The access token alone, under a header of the CRM's own.
    ///
    /// # Errors
    /// As `bearer`.
    pub(super) fn under(&self, header: HeaderName) -> Result<Authorization, Reply> {
        Ok(Authorization { header, value: secret(self.access_token.expose_secret().to_owned())? })
    }
}

fn secret(text: String) -> Result<HeaderValue, Reply> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        let why = "the access token holds characters that no header may hold; check where it is read from";
        let (reason, message) = (Reason::Unauthorized, why.to_owned());
        Reply::Account(Fault { reason, status: None, code: None, message, retry_after: None })
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The accounts of all connections. Clones share one directory; a reload replaces it as a whole.
#[derive(Clone, Debug, Default)]
pub struct Accesses(Arc<RwLock<Arc<Directory>>>);

type Directory = BTreeMap<ConnectionId, Arc<Access>>;

impl Accesses {
    pub fn new(directory: BTreeMap<ConnectionId, Arc<Access>>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(directory))))
    }

    /// From now on calls use `directory`; calls under way keep what they started with.
    pub fn replace(&self, directory: BTreeMap<ConnectionId, Arc<Access>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }

    /// From now on calls of this connection use `access`.
    pub fn put(&self, connection: ConnectionId, access: Access) {
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut directory).insert(connection, Arc::new(access));
    }

    /// From now on calls of these connections use these accesses; all others keep theirs.
    pub fn extend(&self, accesses: BTreeMap<ConnectionId, Arc<Access>>) {
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut directory).extend(accesses);
    }

    /// Drops the accesses of connections that are not to stay.
    pub fn retain(&self, stays: impl Fn(&ConnectionId) -> bool) {
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut directory).retain(|id, _| stays(id));
    }

    /// The account of a connection; none if it has vanished from the configuration.
    pub fn find(&self, connection: &ConnectionId) -> Option<Arc<Access>> {
        let directory = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        directory.get(connection).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use crate::model::TenantId;

    fn id(name: &str) -> ConnectionId {
        ConnectionId { tenant: TenantId::from("acme"), name: Arc::from(name) }
    }

    fn access(url: &str) -> Arc<Access> {
        Arc::new(Access {
            base_url: url.to_owned(),
            access_token: SecretString::from("pat-secret"),
            external_id_property: "external_id".to_owned(),
        })
    }

    #[test]
    fn a_reload_is_seen_by_every_clone_and_spares_what_was_taken() {
        let accesses = Accesses::new(BTreeMap::from([(id("a"), access("http://old"))]));
        let clone = accesses.clone();
        let taken = clone.find(&id("a")).unwrap();
        accesses.replace(BTreeMap::from([(id("b"), access("http://new"))]));
        assert_eq!(taken.base_url, "http://old");
        assert!(clone.find(&id("a")).is_none());
        assert_eq!(clone.find(&id("b")).unwrap().base_url, "http://new");
        accesses.put(id("b"), (*access("http://newer")).clone());
        assert_eq!(clone.find(&id("b")).unwrap().base_url, "http://newer");
    }

    #[test]
    fn a_shown_access_hides_its_secret() {
        assert!(!format!("{:?}", access("http://x")).contains("pat-secret"));
    }
}

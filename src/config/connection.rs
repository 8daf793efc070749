//! `[[tenant.connection]]`: one tenant's account at one CRM.
//! Not here: what tenants and connections may not have in common (`tenant`).

use crate::config::crm::{NOT_YET, defaults};
use crate::config::section::Section;
use crate::config::similar::nearest;
use crate::config::value::{Value, Wrong, integer, shown, text};
use crate::config::{ConnectionSettings, SecretSource, address, limits, secret};
use crate::model::{Connection, ConnectionId, Crm, TenantId};
use std::sync::Arc;

const ID_MAX: usize = 64;

/// None if something essential is missing; then a fault is noted.
pub(super) fn read(mut section: Section<'_>, tenant: &TenantId, tenant_path: &str) -> Option<ConnectionSettings> {
    let name = section.required("id", connection_name);
    if let Some(name) = &name {
        section.path = format!("{tenant_path}.connection[{name}]");
    }
    let crm = section.required("crm", |value| named(&text(value)?));
    let access_token = access_token(&mut section, tenant, name.as_deref());
    let by_crm = defaults(crm.unwrap_or(Crm::HubSpot));
    let base_url = base_url(&mut section, by_crm.base_url);
    let external_id_property =
        section.optional("external_id_property", property).unwrap_or_else(|| by_crm.external_id_property.to_owned());
    let most = u32::try_from(by_crm.batch_max).unwrap_or(u32::MAX);
    let batch_max = section.optional("batch_max", integer(1..=most)).and_then(|it| usize::try_from(it).ok());
    let windows = limits::read(&mut section, &by_crm.limits).into();
    for key in ["fields", "values", "vars"] {
        section.not_yet(key, "remove it; jobs must carry the CRM's own property names and values");
    }
    section.finish();
    let id = ConnectionId { tenant: tenant.clone(), name: Arc::from(name?) };
    let connection = Connection {
        id,
        crm: crm?,
        batch_max: batch_max.unwrap_or(by_crm.batch_max),
        calls_max: by_crm.calls_max,
        windows,
        tariff: by_crm.tariff,
        keys: by_crm.keys,
    };
    Some(ConnectionSettings {
        connection: Arc::new(connection),
        access_token: access_token?,
        base_url: base_url?,
        external_id_property,
    })
}

/// Some CRMs have one address for all accounts, others one for each.
fn base_url(section: &mut Section<'_>, default: Option<&str>) -> Option<String> {
    let given = section.raw("base_url").is_some();
    let found = section.optional("base_url", address::base_url);
    if default.is_none() && !given {
        let hint = "add the org's own, such as `base_url = \"https://acme.my.salesforce.com\"`";
        section.fault("base_url", Wrong::new("is missing", hint));
    }
    found.or_else(|| default.map(str::to_owned))
}

fn access_token(section: &mut Section<'_>, tenant: &TenantId, name: Option<&str>) -> Option<SecretSource> {
    let suggested = suggested_variable(&tenant.0, name.unwrap_or("crm"));
    let found = secret::read(section, "access_token", &suggested);
    let instead = format!("remove it and write `access_token = {{ env = {suggested:?} }}`");
    let other = ["oauth", "token_service"].map(|key| section.not_yet(key, &instead));
    if found.is_none() && other == [false, false] {
        let hint = format!("add `access_token = {{ env = {suggested:?} }}`");
        section.fault("access_token", Wrong::new("is missing", hint));
    }
    found?.ok()
}

/// `ACME_HUBSPOT_TOKEN` for `acme/hubspot`.
fn suggested_variable(tenant: &str, name: &str) -> String {
    let tenant = if tenant.is_empty() { "tenant" } else { tenant };
    let letters = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
    let words: String = format!("{tenant}_{name}_token").chars().take(80).map(letters).collect();
    if words.starts_with(|it: char| it.is_ascii_digit()) { format!("T_{words}") } else { words }
}

fn connection_name(value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value)?;
    let letters = |it: char| it.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&it);
    if name.chars().all(letters) && name.len() <= ID_MAX {
        return Ok(name);
    }
    let hint = format!("use letters, digits, `.`, `_` and `-`, at most {ID_MAX}");
    Err(Wrong::new(format!("{} is not a connection's id", shown(&name)), hint))
}

/// A property's name as CRMs allow them.
fn property(value: &Value<'_>) -> Result<String, Wrong> {
    let name = text(value)?;
    let letters = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if name.chars().all(letters) && name.len() <= 100 {
        return Ok(name);
    }
    let hint = "write the property's internal name: letters, digits, `_`";
    Err(Wrong::new(format!("{} is not a property's name", shown(&name)), hint))
}

fn named(name: &str) -> Result<Crm, Wrong> {
    let known = || Crm::ALL.into_iter().map(Crm::name);
    if let Some(crm) = Crm::ALL.into_iter().find(|it| it.name() == name) {
        return Ok(crm);
    }
    let served = known().collect::<Vec<_>>().join(", ");
    if NOT_YET.contains(&name) {
        return Err(Wrong::new(format!("{name:?} is not in this version"), format!("this version serves: {served}")));
    }
    let hint =
        nearest(name, known()).map_or_else(|| format!("choose one of: {served}"), |it| format!("did you mean {it:?}?"));
    Err(Wrong::new(format!("{} is not a CRM", shown(name)), hint))
}

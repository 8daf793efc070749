//! What a pause is about, as text: `all`, `crm/hubspot`, `tenant/acme`, `connection/acme/hubspot`.
//! Not here: how a person types it (`cli`).

use crate::model::{Crm, Scope, TenantId};
use crate::wire::escape;

/// The text in changelog keys and commands; ids are percent-encoded as in our headers.
pub fn write(scope: &Scope) -> String {
    match scope {
        Scope::All => "all".to_owned(),
        Scope::Crm(crm) => format!("crm/{crm}"),
        Scope::Tenant(tenant) => format!("tenant/{}", escape::part(&tenant.0)),
        Scope::Connection(id) => format!("connection/{}", escape::connection(id)),
    }
}

/// The scope whose text this is; none for what `write` would not have written.
pub fn read(text: &str) -> Option<Scope> {
    let Some((kind, rest)) = text.split_once('/') else { return (text == "all").then_some(Scope::All) };
    match kind {
        "crm" => Crm::from_name(rest).map(Scope::Crm),
        "tenant" => escape::read_part(rest).map(|it| Scope::Tenant(TenantId(it.into()))),
        "connection" => escape::read_connection(rest).map(Scope::Connection),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::model::{ConnectionId, Crm, Scope, TenantId};
    use crate::wire::strategies;
    use proptest::prelude::*;

    #[test]
    fn plain_scopes_are_readable() {
        let tenant = TenantId::from("ac/me");
        let id = ConnectionId { tenant: TenantId::from("acme"), name: "hubspot".into() };
        let scopes = [Scope::All, Scope::Crm(Crm::HubSpot), Scope::Tenant(tenant), Scope::Connection(id)];
        let texts: Vec<String> = scopes.iter().map(write).collect();
        assert_eq!(texts, ["all", "crm/hubspot", "tenant/ac%2Fme", "connection/acme/hubspot"]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "All", "all/", "crm/nobody", "tenant", "tenant/a/b", "tenant/%41", "connection/acme", "x/y"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_scope_reads_back(scope in strategies::scope()) {
            prop_assert_eq!(read(&write(&scope)), Some(scope));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Some(scope) = read(&text) {
                prop_assert_eq!(write(&scope), text);
            }
        }
    }
}

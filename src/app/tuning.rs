//! The configuration's settings, and the constants beside them, as the engine wants them.
//! Not here: defaults of settings (`config`).

use crate::config;
use crate::engine::Settings;
use crate::machine::Policy;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What the engine is told. The constants are those of the core rules, sections 3, 4 and 8.
pub(super) fn engine_settings(settings: &config::Settings) -> Settings {
    Settings {
        prefix: settings.kafka.topic_prefix.clone(),
        idempotency_ttl: settings.state.idempotency_ttl,
        dead_ttl: DAY * 30,
        retry: Policy {
            base: settings.retry.base,
            factor: settings.retry.factor,
            jitter: settings.retry.jitter,
            retries: settings.retry.max_retries,
        },
        hold_after: settings.hold.after,
        commit_after: Duration::from_millis(50),
        commit_after_idle: Duration::from_millis(10),
        commit_outcomes: 5_000,
        commit_bytes: 8 << 20,
        outcomes: true,
        calls_max: settings.calls_max,
        connection_calls_max: 8,
        call_deadline: Duration::from_secs(10),
        memory_bytes: 64 << 20,
        // As jemalloc's heap profile showed with 1,024 calls out.
        call_bytes: 40 << 10,
        on_way_max: 100_000,
        waiting_bytes_max: 10 << 30,
        renew_after: DAY,
        max_wait: DAY * 14,
        window_max: 256,
        revoke_patience: Duration::from_secs(10),
        bug: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use crate::config::{NoEnv, parse};
    use crate::crm::connector;
    use crate::model::{Crm, TenantId};

    #[test]
    fn the_defaults_of_a_connection_are_the_facts_of_its_connector() {
        for crm in Crm::ALL {
            let facts = connector(crm).facts();
            let own = if facts.base_url.value.is_none() { "base_url = \"https://acme.test\"" } else { "" };
            let text = format!(
                "[[tenant]]\nid = \"acme\"\n[[tenant.connection]]\nid = \"crm\"\ncrm = \"{}\"\naccess_token = {{ env = \"T\" }}\n{own}",
                crm.name()
            );
            let file = crate::config::SourceText { name: "sluicegate.toml".to_owned(), text };
            let settings = parse(&[file], &NoEnv).unwrap();
            let given = settings.tenants.get(&TenantId::from("acme")).unwrap().first().unwrap();
            let windows: Vec<_> = facts.limits.iter().map(|it| it.value.window()).collect();
            assert_eq!(given.connection.windows.to_vec(), windows);
            assert_eq!(given.connection.tariff, facts.tariff.value);
            assert_eq!(given.connection.keys, facts.keys.value);
            assert_eq!(given.connection.batch_max, facts.batch_max.value);
            assert_eq!(given.connection.calls_max, facts.calls_max.value);
            assert_eq!(given.base_url, facts.base_url.value.unwrap_or("https://acme.test"));
            assert_eq!(given.external_id_property, facts.external_id_property);
        }
    }
}

//! The configuration's settings, and the constants beside them, as the engine wants them.
//! Not here: defaults of settings (`config`).

use crate::config;
use crate::engine::Settings;
use crate::machine::Policy;
use std::time::Duration;

/// What the engine is told. The constants are those of the core rules, sections 3, 4 and 8.
pub(super) fn engine_settings(settings: &config::Settings) -> Settings {
    Settings {
        prefix: settings.kafka.topic_prefix.clone(),
        idempotency_ttl: settings.state.idempotency_ttl,
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
        calls_max: 1_024,
        connection_calls_max: 8,
        call_deadline: Duration::from_secs(10),
        memory_bytes: 64 << 20,
        on_way_max: 100_000,
        window_max: 256,
        revoke_patience: Duration::from_secs(10),
        bug: None,
    }
}

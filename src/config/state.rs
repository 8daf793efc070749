//! `[state]`: where the local copy lies and how long keys are remembered.
//! Not here: what is stored.

use crate::config::StateSettings;
use crate::config::section::Section;
use crate::config::value::{span, text};
use std::path::PathBuf;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// A year and a month: longer than any topic keeps a message that could still come twice.
const TTL_MAX: Duration = Duration::from_secs(400 * 86_400);

pub(super) fn read(mut section: Section<'_>) -> StateSettings {
    let dir = section.required("dir", text).map(PathBuf::from).unwrap_or_default();
    let idempotency_ttl = section.required("idempotency_ttl", span(MINUTE..=TTL_MAX)).unwrap_or_default();
    section.finish();
    StateSettings { dir, idempotency_ttl }
}

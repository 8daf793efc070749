//! `[log]`: where jobs, waits and state live.
//! Not here: Kafka's own settings.

use crate::config::section::Section;
use crate::config::similar::nearest;
use crate::config::value::{Wrong, shown, text};
use crate::config::{LogKind, LogSettings};
use std::path::PathBuf;

pub(super) fn read(mut section: Section<'_>) -> LogSettings {
    let kind = section.required("kind", |value| named(&text(value)?)).unwrap_or(LogKind::Kafka);
    let dir = section.required("dir", text).map(PathBuf::from).unwrap_or_default();
    section.finish();
    LogSettings { kind, dir }
}

fn named(name: &str) -> Result<LogKind, Wrong> {
    let names = || LogKind::ALL.map(LogKind::name);
    LogKind::ALL.into_iter().find(|it| it.name() == name).ok_or_else(|| {
        let hint = match nearest(name, names()) {
            Some(known) => format!("did you mean {known:?}?"),
            None => format!("choose one of {}", names().map(|it| format!("{it:?}")).join(", ")),
        };
        Wrong::new(format!("{} is not a kind of log", shown(name)), hint)
    })
}

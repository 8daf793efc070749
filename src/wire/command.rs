//! An operator's command as a message of the first delay topic: a header that marks it, and JSON that a person can type.
//! Not here: what it does (`machine`), who may give one (`ops`, ACLs).
//!
//! `{"action":"pause","scope":"tenant/acme","reason":"…","actor":"…","until":"2026-…Z","at":"2026-…Z"}`; only action
//! and scope are needed, so that one line of a console producer is enough. Unknown fields are refused: a misspelt
//! `until` would be a pause without an end.

use crate::model::{Command, Header, Message, Millis, Pause, Scope};
use crate::wire::headers::COMMAND;
use crate::wire::{moment, scope};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Far above any command.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Of a reason or an actor; they are shown on one line.
pub const WORDS_BYTES_MAX: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    action: Action,
    scope: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pause,
    Resume,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// Whether a message of a delay topic is meant as a command.
pub fn is_command(message: &Message) -> bool {
    message.headers.iter().any(|it| it.name == COMMAND)
}

/// Value and headers of the message that carries a command.
pub fn encode(command: &Command) -> (Bytes, Vec<Header>) {
    let text = match command {
        Command::Pause(about, pause) => Text {
            action: Action::Pause,
            scope: scope::write(about),
            reason: pause.reason.clone(),
            actor: pause.actor.clone(),
            until: pause.until.map(moment::write),
            at: Some(moment::write(pause.since)),
        },
        Command::Resume { scope: about, reason, actor, at } => Text {
            action: Action::Resume,
            scope: scope::write(about),
            reason: reason.clone(),
            actor: actor.clone(),
            until: None,
            at: Some(moment::write(*at)),
        },
    };
    let header = Header { name: COMMAND.to_owned(), value: Some(Bytes::from_static(text.action.name().as_bytes())) };
    (serde_json::to_vec(&text).unwrap_or_default().into(), vec![header])
}

/// Reads a command; its own time is that of the message if it names none.
///
/// # Errors
/// In words: what is wrong with it.
pub fn decode(message: &Message) -> Result<Command, String> {
    let value = message.value.as_deref().unwrap_or_default();
    if VALUE_BYTES_MAX < value.len() {
        return Err(format!("a command of more than {VALUE_BYTES_MAX} bytes"));
    }
    let text: Text = serde_json::from_slice(value).map_err(|error| format!("no command: {error}"))?;
    let about = scope::read(&text.scope);
    let about =
        about.ok_or_else(|| "its `scope` is none of all, crm/…, tenant/…, connection/tenant/name".to_owned())?;
    let at = read_moment("at", text.at.as_deref())?.unwrap_or(message.timestamp);
    let until = read_moment("until", text.until.as_deref())?;
    command((text.action, about), (cut(text.reason), cut(text.actor)), (at, until))
}

fn command(
    (action, scope): (Action, Scope),
    (reason, actor): (String, String),
    (at, until): (Millis, Option<Millis>),
) -> Result<Command, String> {
    match (action, until) {
        (Action::Pause, until) => Ok(Command::Pause(scope, Pause { since: at, until, reason, actor })),
        (Action::Resume, None) => Ok(Command::Resume { scope, reason, actor, at }),
        (Action::Resume, Some(_)) => Err("`until` says when a pause ends; a resume has none".to_owned()),
    }
}

fn read_moment(name: &str, text: Option<&str>) -> Result<Option<Millis>, String> {
    let Some(text) = text else { return Ok(None) };
    let moment = moment::read(text).and_then(|it| u64::try_from(it).ok());
    moment.map(|it| Some(Millis(it))).ok_or_else(|| format!("its `{name}` is no RFC 3339 time with an offset"))
}

/// At most so much, and nothing that a terminal or a log would obey.
fn cut(mut words: String) -> String {
    words.truncate(words.floor_char_boundary(WORDS_BYTES_MAX));
    words.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::{decode, encode, is_command};
    use crate::model::{Command, Message, Millis, Pause, Scope};
    use crate::wire::strategies;
    use proptest::prelude::*;

    fn message(value: &str) -> Message {
        let headers = encode(&Command::Pause(
            Scope::All,
            Pause { since: Millis(0), until: None, reason: String::new(), actor: String::new() },
        ))
        .1;
        Message { key: None, value: Some(value.to_owned().into()), headers, timestamp: Millis(77) }
    }

    #[test]
    fn one_typed_line_is_a_command() {
        let read = decode(&message(r#"{"action":"pause","scope":"all"}"#)).unwrap();
        let pause = Pause { since: Millis(77), until: None, reason: String::new(), actor: String::new() };
        assert_eq!(read, Command::Pause(Scope::All, pause));
        let read =
            decode(&message(r#"{"action":"resume","scope":"crm/hubspot","at":"1970-01-01T00:00:01Z"}"#)).unwrap();
        assert!(matches!(read, Command::Resume { at: Millis(1000), .. }));
    }

    #[test]
    fn what_could_be_misunderstood_is_refused() {
        for text in [
            "",
            "pause",
            "{}",
            r#"{"action":"stop","scope":"all"}"#,
            r#"{"action":"pause","scope":"acme"}"#,
            r#"{"action":"pause","scope":"all","untill":"2026-01-31T12:00:00Z"}"#,
            r#"{"action":"pause","scope":"all","until":"tomorrow"}"#,
            r#"{"action":"resume","scope":"all","until":"2026-01-31T12:00:00Z"}"#,
        ] {
            assert!(decode(&message(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_one_line() {
        let read = decode(&message("{\"action\":\"pause\",\"scope\":\"all\",\"reason\":\"a\\u001b[2J\\nb\"}")).unwrap();
        assert!(matches!(read, Command::Pause(_, pause) if pause.reason == "a [2J b"));
    }

    proptest! {
        #[test]
        fn every_command_reads_back(command in strategies::command()) {
            let (value, headers) = encode(&command);
            let message = Message { key: None, value: Some(value), headers, timestamp: Millis(1) };
            prop_assert!(is_command(&message));
            prop_assert_eq!(decode(&message), Ok(command));
        }

        #[test]
        fn any_bytes_are_read_or_refused(value: Vec<u8>) {
            let _read = decode(&Message { key: None, value: Some(value.into()), headers: Vec::new(), timestamp: Millis(1) });
        }
    }
}

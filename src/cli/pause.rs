//! What `pause` and `resume` say before they do anything: the wish as typed, and the question.
//! Not here: how the command reaches the shards (`app`).

use crate::cli::args::{Pause, Resume, Target};
use crate::cli::output::{Shown, Table};
use crate::ops::{Act, Explanation, Given, Wish, scope};
use crate::wire;

/// # Errors
/// In words: what of the scope is missing or wrong.
pub fn wish_of_pause(args: &Pause) -> Result<(Act, Wish), String> {
    let wish = wish(&args.target, &args.reason)?;
    Ok((Act::Pause, Wish { until: args.until.clone(), ..wish }))
}

/// # Errors
/// As `wish_of_pause`.
pub fn wish_of_resume(args: &Resume) -> Result<(Act, Wish), String> {
    Ok((Act::Resume, wish(&args.target, args.reason.as_deref().unwrap_or_default())?))
}

fn wish(target: &Target, reason: &str) -> Result<Wish, String> {
    let scope = scope(target.kind.name(), target.name.as_deref())?;
    let actor = target.actor.clone().or_else(user).unwrap_or_default();
    Ok(Wish { scope: wire::scope::write(&scope), reason: reason.to_owned(), actor, until: None })
}

/// Who is logged in.
fn user() -> Option<String> {
    ["USER", "LOGNAME"].into_iter().find_map(|it| std::env::var(it).ok()).filter(|it| !it.is_empty())
}

impl Shown for Given {
    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new(["action", "scope", "until", "shards told"]);
        let shards = match self.shards.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", self.shards.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")),
        };
        let until = self.until.clone().unwrap_or_else(|| "-".to_owned());
        table.row([self.action.clone(), self.scope.clone(), until, shards]);
        vec![table]
    }
}

impl Shown for Explanation {
    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new(["connection", "because", "in words"]);
        if !self.missing.is_empty() {
            table.row([self.about.clone(), "unseen".to_owned(), self.missing.clone()]);
        }
        for it in &self.waiting {
            table.row([it.connection.clone(), it.because.clone(), it.text.clone()]);
        }
        if table.rows.is_empty() {
            table.row([self.about.clone(), "-".to_owned(), "nothing waits".to_owned()]);
        }
        vec![table]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics on purpose")]
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser as _;

    fn pause(line: &[&str]) -> Result<(Act, Wish), String> {
        let line = ["sluicegate", "pause"].iter().chain(line);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Pause(args) => wish_of_pause(&args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_becomes_a_wish() {
        let (act, wish) =
            pause(&["connection", "acme/hubspot", "--reason", "bad map", "--until", "2h", "--actor", "anna"]).unwrap();
        assert_eq!(act, Act::Pause);
        assert_eq!((wish.scope.as_str(), wish.reason.as_str()), ("connection/acme/hubspot", "bad map"));
        assert_eq!((wish.actor.as_str(), wish.until.as_deref()), ("anna", Some("2h")));
        assert_eq!(pause(&["all", "--reason", "x"]).unwrap().1.scope, "all");
    }

    #[test]
    fn a_scope_that_lacks_its_name_is_said() {
        assert_eq!(pause(&["tenant", "--reason", "x"]), Err("name the tenant".to_owned()));
        assert!(pause(&["connection", "acme", "--reason", "x"]).unwrap_err().contains("tenant/name"));
    }
}

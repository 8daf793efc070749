//! `ConnectionHeld`: a connection to which nothing is sent, by name.
//! Not here: when one is held and when it ends (`machine`); what a person paused.

use crate::alerts::Held;
use crate::alerts::alert::{Found, Named};
use crate::alerts::words::{span, whom};
use crate::model::{HoldCause, Millis};

pub(super) fn find(now: Millis, held: &[Held]) -> Option<Found> {
    let mut worst: Vec<&Held> = held.iter().collect();
    // What needs a person first, then who has been held longest.
    worst.sort_by_key(|it| (it.by != HoldCause::Credentials, it.by, it.since));
    let first = worst.first()?;
    let named: Vec<Named> =
        worst.iter().map(|it| Named { who: it.connection.to_string(), what: stands(it, now) }).collect();
    let verb = if named.len() == 1 { "is" } else { "are" };
    Some(Found {
        cause: format!("nothing is sent to {}, which {verb} held: {}", whom(&named), why(first.by)),
        named,
        next: format!("{}; what is meant for it waits, in order, and nothing is lost", then(first, now)),
        todo: todo(first.by),
    })
}

fn stands(held: &Held, now: Millis) -> String {
    format!("{} for {}", held.by, span(now.since(held.since)))
}

fn why(by: HoldCause) -> &'static str {
    match by {
        HoldCause::Credentials => "the CRM refuses its credentials",
        HoldCause::Outage => "its calls fail one after the other",
        HoldCause::Quota => "the CRM's quota of the day is used up",
        HoldCause::Unconfigured => "it has vanished from the configuration while something waits for it",
    }
}

fn then(held: &Held, now: Millis) -> String {
    let when = held.next.map(|it| if it <= now { "now".to_owned() } else { format!("in {}", span(it.since(now))) });
    let when = when.unwrap_or_else(|| "soon".to_owned());
    match held.by {
        HoldCause::Credentials => format!("its access token is asked for again and tried {when}"),
        HoldCause::Outage => format!("one delivery is tried {when}, and all go on if it succeeds"),
        HoldCause::Quota => format!("calls go on when the quota is renewed, {when}"),
        HoldCause::Unconfigured => "nothing until it is configured again".to_owned(),
    }
}

fn todo(by: HoldCause) -> &'static str {
    match by {
        HoldCause::Credentials => "give the connection a new access token where its settings say it comes from",
        HoldCause::Outage => {
            "look at the CRM's status page and at the connection's base_url; if it is their fault, wait"
        }
        HoldCause::Quota => "wait, or buy a higher quota; see what used it up",
        HoldCause::Unconfigured => "put the connection back into the configuration, or discard what waits for it",
    }
}

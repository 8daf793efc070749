//! Refresh tokens and the access tokens issued for them: how many, how fast, for how long.
//! Not here: how a CRM's token endpoint spells any of it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Access tokens that begin with this were issued here, and are good only while they live.
const ISSUED: &str = "issued.";

/// A refresh token's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub client_id: String,
    pub client_secret: String,
    /// The account that its access tokens open, by the access token it was opened with.
    pub account: String,
}

/// How a token endpoint issues access tokens. Default: Zoho's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenRules {
    /// Access tokens per refresh token in any `per_ms`; more requests are refused.
    pub issued_max: u64,
    pub per_ms: u64,
    /// Access tokens of one refresh token that live at once; the oldest dies for a further one.
    pub live_max: usize,
    pub life_ms: u64,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self { issued_max: 10, per_ms: 600_000, live_max: 30, life_ms: 3_600_000 }
    }
}

/// Why no access token is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The refresh token is unknown or revoked.
    Unknown,
    /// It is another client's.
    Client,
    TooMany,
}

/// What an access token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opens {
    /// The account of this name.
    Account(String),
    /// It was issued, and lives no more.
    Nothing,
}

/// All refresh tokens of a server.
#[derive(Default)]
pub(super) struct Grants {
    grants: HashMap<String, Granted>,
    revoked: HashSet<String>,
    live: HashMap<String, Live>,
    last: u64,
}

struct Granted {
    grant: Grant,
    issued_us: VecDeque<u64>,
    /// Oldest first.
    live: VecDeque<String>,
}

struct Live {
    account: String,
    until_us: u64,
}

impl Grants {
    pub(super) fn grant(&mut self, refresh_token: &str, grant: Grant) {
        self.revoked.remove(refresh_token);
        let granted = Granted { grant, issued_us: VecDeque::new(), live: VecDeque::new() };
        self.grants.insert(refresh_token.to_owned(), granted);
    }

    /// The grant of a refresh token, if that is good.
    pub(super) fn find(&self, refresh_token: &str) -> Option<&Grant> {
        self.grants.get(refresh_token).map(|it| &it.grant)
    }

    pub(super) fn is_revoked(&self, refresh_token: &str) -> bool {
        self.revoked.contains(refresh_token)
    }

    /// From now on neither it nor its access tokens are good; `false` if it was not before.
    pub(super) fn revoke(&mut self, refresh_token: &str) -> bool {
        self.revoked.insert(refresh_token.to_owned());
        let Some(granted) = self.grants.remove(refresh_token) else { return false };
        granted.live.iter().for_each(|token| drop(self.live.remove(token)));
        true
    }

    /// Its access tokens expire now, though they were to live longer.
    pub(super) fn expire(&mut self, refresh_token: &str) -> bool {
        let Some(granted) = self.grants.get_mut(refresh_token) else { return false };
        granted.live.drain(..).for_each(|token| drop(self.live.remove(&token)));
        true
    }

    pub(super) fn issue(
        &mut self,
        now_us: u64,
        refresh_token: &str,
        client: (&str, &str),
        rules: TokenRules,
    ) -> Result<(String, Duration), Refused> {
        let granted = self.grants.get_mut(refresh_token).ok_or(Refused::Unknown)?;
        if client != (granted.grant.client_id.as_str(), granted.grant.client_secret.as_str()) {
            return Err(Refused::Client);
        }
        let per_us = rules.per_ms.saturating_mul(1000);
        while granted.issued_us.front().is_some_and(|at_us| at_us.saturating_add(per_us) <= now_us) {
            granted.issued_us.pop_front();
        }
        if granted.issued_us.len() as u64 >= rules.issued_max {
            return Err(Refused::TooMany);
        }
        granted.issued_us.push_back(now_us);
        self.last += 1;
        let access_token = format!("{ISSUED}{}.{refresh_token}", self.last);
        granted.live.push_back(access_token.clone());
        if granted.live.len() > rules.live_max
            && let Some(oldest) = granted.live.pop_front()
        {
            self.live.remove(&oldest);
        }
        let until_us = now_us.saturating_add(rules.life_ms.saturating_mul(1000));
        self.live.insert(access_token.clone(), Live { account: granted.grant.account.clone(), until_us });
        Ok((access_token, Duration::from_millis(rules.life_ms)))
    }

    /// `None`: it was not issued here.
    pub(super) fn opens(&self, now_us: u64, access_token: &str) -> Option<Opens> {
        if !access_token.starts_with(ISSUED) {
            return None;
        }
        let live = self.live.get(access_token).filter(|it| now_us < it.until_us);
        Some(live.map_or(Opens::Nothing, |it| Opens::Account(it.account.clone())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;

    const RULES: TokenRules = TokenRules { issued_max: 3, per_ms: 10, live_max: 2, life_ms: 20 };
    const CLIENT: (&str, &str) = ("id", "secret");

    fn grants() -> Grants {
        let mut grants = Grants::default();
        let grant =
            Grant { client_id: "id".to_owned(), client_secret: "secret".to_owned(), account: "acme".to_owned() };
        grants.grant("r", grant);
        grants
    }

    fn open() -> Option<Opens> {
        Some(Opens::Account("acme".to_owned()))
    }

    #[test]
    fn an_access_token_lives_its_time_and_no_longer() {
        let mut grants = grants();
        let (token, life) = grants.issue(0, "r", CLIENT, RULES).unwrap();
        assert_eq!(life, Duration::from_millis(20));
        assert_eq!(grants.opens(19_999, &token), open());
        assert_eq!(grants.opens(20_000, &token), Some(Opens::Nothing));
        assert_eq!(grants.opens(0, "pat-1"), None);
        assert_eq!(grants.opens(0, "issued.99.r"), Some(Opens::Nothing));
    }

    #[test]
    fn refreshes_are_bounded_in_time_and_old_access_tokens_die_for_new_ones() {
        let mut grants = grants();
        let tokens: Vec<String> = (0..3).map(|at| grants.issue(at, "r", CLIENT, RULES).unwrap().0).collect();
        assert_eq!(grants.issue(3, "r", CLIENT, RULES), Err(Refused::TooMany));
        assert_eq!(grants.opens(3, &tokens[0]), Some(Opens::Nothing));
        assert_eq!((grants.opens(3, &tokens[1]), grants.opens(3, &tokens[2])), (open(), open()));
        assert!(grants.issue(10_000, "r", CLIENT, RULES).is_ok());
    }

    #[test]
    fn a_revoked_refresh_token_takes_its_access_tokens_along() {
        let mut grants = grants();
        let (token, _) = grants.issue(0, "r", CLIENT, RULES).unwrap();
        assert_eq!(grants.issue(0, "r", ("id", "other"), RULES), Err(Refused::Client));
        assert!(grants.expire("r"));
        assert_eq!(grants.opens(0, &token), Some(Opens::Nothing));
        let (token, _) = grants.issue(0, "r", CLIENT, RULES).unwrap();
        assert!(grants.revoke("r") && grants.is_revoked("r"));
        assert_eq!(grants.opens(0, &token), Some(Opens::Nothing));
        assert_eq!(grants.issue(0, "r", CLIENT, RULES), Err(Refused::Unknown));
    }
}

//! What makes a pretend CRM one: how it reads a call, what it counts, how it carries out and refuses.
//! Not here: arrival, faults, ledger and control, which all of them share.

use std::fmt::Debug;

use axum::http::{HeaderMap, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    account::{Fate, Moment, State},
    accounts::Accounts,
    answer::Answer,
    settings::{Latency, Recording},
    words::{Operation, Policy},
};

/// One CRM's rules. Nothing in it waits; `State` is the account's, behind its lock.
pub trait Pretend: Sized + Send + Sync + 'static {
    /// As in logs and commands: `hubspot`.
    const NAME: &'static str;
    /// What stands before the access token in `Authorization`.
    const SCHEME: &'static str = "Bearer";
    type Settings: Behaviour;
    /// What an account has used of its limits.
    type Meters: Default + Send;
    /// What an account holds.
    type Store: Default + Send;
    /// A request as this CRM reads it.
    type Call: Asked + Send + Sync;

    /// Answers what needs no access token, such as a token endpoint; `None`: it does.
    fn sign_in(_: &Accounts<Self>, _: &Parts, _: &[u8]) -> Option<Answer> {
        None
    }

    /// The access token of a request.
    fn access_token(headers: &HeaderMap) -> Option<&str> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scheme = authorization.and_then(|value| value.strip_prefix(Self::SCHEME));
        scheme.and_then(|value| value.strip_prefix(' ')).map(str::trim)
    }

    /// Never fails: what it cannot read is a call of its own kind.
    fn read(head: &Parts, body: &[u8]) -> Self::Call;

    /// A call arrives: the limit it exceeds, or `None` after counting it.
    fn arrive(meters: &mut Self::Meters, now_us: u64, call: &Self::Call, settings: &Self::Settings) -> Option<Policy>;

    /// A call that arrived then is over.
    fn leave(meters: &mut Self::Meters, arrived_us: u64);

    /// Another application of the account makes `calls` calls now, as far as the limits let it.
    fn consume(meters: &mut Self::Meters, now_us: u64, calls: u64, settings: &Self::Settings);

    /// The headers of every answer.
    fn headers(state: &mut State<Self>, now_us: u64, call: &Self::Call, correlation: &str) -> HeaderMap;

    /// Carries a call out. `fates`: what became of each input, in their order.
    fn perform(state: &mut State<Self>, call: &Self::Call, moment: &Moment<'_>, fates: &mut Vec<Fate>) -> Answer;

    /// Somebody deletes a record, or merges it into another: it is gone, and so is its key. `false`: it is not there.
    fn lose(state: &mut State<Self>, object: &str, external_id: &str, now_us: u64) -> bool;

    /// An answer that carries nothing out.
    fn turn_away(why: TurnedAway, settings: &Self::Settings, correlation: &str) -> Answer;
}

/// Why a call is not carried out, or answered as if it had not been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    Limited(Policy),
    /// An error with the body that goes with its status.
    Status(u16),
    /// The access token was good once.
    Expired,
    /// The access token is unknown.
    Stranger,
    TooLarge,
    /// Success that says nothing of any input.
    Silent,
}

/// One request, as far as everything that is shared looks at it.
pub trait Asked {
    fn operation(&self) -> Operation;

    /// The object's name as the ledger files it.
    fn object(&self) -> &str;

    /// The keys of the inputs, in their order; empty: it has none. Nothing for calls without inputs.
    fn ids(&self) -> impl Iterator<Item = &str>;
}

/// What is shared of an account's settings.
pub trait Behaviour:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    fn latency(&self) -> Latency;
    fn recording(&self) -> Recording;
    fn seed(&self) -> u64;
    /// `false`: a call over the limit is counted as such but served.
    fn enforces_limits(&self) -> bool;
}

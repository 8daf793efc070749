//! All accounts of a pretend CRM, found by access token; the handle to steer and question them in-process.
//! Not here: HTTP (`server`), the same as JSON (`control`).

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    account::{Account, Shared, State},
    clock::Clock,
    faults::{FaultRule, Faults, Script},
    ledger::{AccountLedger, Summary, Totals},
    pretend::Pretend,
    row::RecordLedger,
};

/// Accounts named in a summary because something is wrong with them.
const CONSPICUOUS_MAX: usize = 20;

/// The accounts of one server. Cheap to clone; every method may be called while calls are served, none blocks for
/// long. They outlive a server: start another with them and it goes on where the first stopped.
pub struct Accounts<P: Pretend>(Arc<Registry<P>>);

impl<P: Pretend> Clone for Accounts<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Registry<P: Pretend> {
    shared: Arc<Shared>,
    open: RwLock<HashMap<String, Arc<Account<P>>>>,
    /// Prefixes of access tokens whose accounts open at their first call.
    rules: RwLock<Vec<(String, P::Settings)>>,
}

impl<P: Pretend> Default for Accounts<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Pretend> Accounts<P> {
    /// No account: every access token is unknown.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            clock: Clock::start(),
            faults: Mutex::default(),
            any_faults: AtomicBool::new(false),
            in_flight: AtomicU64::new(0),
            in_flight_max: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
        };
        Self(Arc::new(Registry { shared: Arc::new(shared), open: RwLock::default(), rules: RwLock::default() }))
    }

    /// Opens an account, or opens it anew, empty.
    pub fn open(&self, access_token: &str, settings: P::Settings) {
        let account = Arc::new(Account::new(Arc::clone(&self.0.shared), settings));
        self.0.open.write().unwrap_or_else(PoisonError::into_inner).insert(access_token.to_owned(), account);
    }

    /// From now on any unknown access token that begins with `prefix` opens an account at its first call; an empty
    /// prefix is for all. The last matching rule holds.
    pub fn open_by_prefix(&self, prefix: &str, settings: P::Settings) {
        self.0.rules.write().unwrap_or_else(PoisonError::into_inner).push((prefix.to_owned(), settings));
    }

    /// Revokes an access token together with its account; `false` if it is unknown. A rule may open it again.
    pub fn close(&self, access_token: &str) -> bool {
        self.0.open.write().unwrap_or_else(PoisonError::into_inner).remove(access_token).is_some()
    }

    /// A record is deleted by somebody else, or merged into another; `false` if the account or it is unknown.
    pub fn lose(&self, access_token: &str, object: &str, external_id: &str) -> bool {
        let now_us = self.0.shared.clock.now_us();
        let account = self.known(access_token);
        account.is_some_and(|account| P::lose(&mut account.state(), object, external_id, now_us))
    }

    /// Changes the settings of one account, or (`None`) of all and of those yet to open. `false` if unknown.
    pub fn change(&self, access_token: Option<&str>, mut change: impl FnMut(&mut P::Settings)) -> bool {
        if access_token.is_none() {
            let mut rules = self.0.rules.write().unwrap_or_else(PoisonError::into_inner);
            rules.iter_mut().for_each(|(_, settings)| change(settings));
        }
        self.with(access_token, |state| change(Arc::make_mut(&mut state.settings)))
    }

    /// Replaces the fault rules of one account, or (`None`) those that are for all accounts, now and later.
    /// `false` if the account is unknown.
    pub fn set_faults(&self, access_token: Option<&str>, rules: Vec<FaultRule>) -> bool {
        self.faults(access_token, |faults| faults.set_rules(rules))
    }

    /// Adds a script for one record of one account, or (`None`) of whichever account names it first.
    pub fn add_script(&self, access_token: Option<&str>, script: Script) -> bool {
        self.faults(access_token, |faults| faults.add_script(script))
    }

    /// Ends all faults and scripts of one account, or (`None`) those that are for all.
    pub fn clear_faults(&self, access_token: Option<&str>) -> bool {
        self.faults(access_token, Faults::clear)
    }

    /// Another application of the account makes `calls` calls now, as far as the limits let it.
    pub fn consume(&self, access_token: &str, calls: u64) -> bool {
        let now_us = self.0.shared.clock.now_us();
        self.with(Some(access_token), |state| {
            let settings = Arc::clone(&state.settings);
            P::consume(&mut state.meters, now_us, calls, &settings);
        })
    }

    /// Empties one account (or all): records, ledger, limits and faults; settings stay. `None` also ends the faults
    /// that are for all.
    pub fn reset(&self, access_token: Option<&str>) -> bool {
        if access_token.is_none() {
            self.clear_faults(None);
            self.0.shared.strangers.store(0, Relaxed);
            self.0.shared.in_flight_max.store(self.0.shared.in_flight.load(Relaxed), Relaxed);
        }
        self.with(access_token, |state| *state = State::new((*state.settings).clone()))
    }

    /// The settings of an account.
    #[must_use]
    pub fn settings(&self, access_token: &str) -> Option<P::Settings> {
        self.known(access_token).map(|account| (*account.state().settings).clone())
    }

    /// The counters of an account.
    #[must_use]
    pub fn totals(&self, access_token: &str) -> Option<Totals> {
        self.known(access_token).map(|account| account.state().ledger.totals.clone())
    }

    /// Everything about one account. Copies it all; the account waits meanwhile.
    #[must_use]
    pub fn ledger(&self, access_token: &str) -> Option<AccountLedger> {
        self.known(access_token).map(|account| account.state().ledger.view(access_token))
    }

    /// Everything about all accounts, by access token.
    #[must_use]
    pub fn ledgers(&self) -> Vec<AccountLedger> {
        self.all().iter().map(|(token, account)| account.state().ledger.view(token)).collect()
    }

    /// What happened to one record: `object` is the plural API name, `external_id` the key that its writers used.
    #[must_use]
    pub fn record(&self, access_token: &str, object: &str, external_id: &str) -> Option<RecordLedger> {
        self.known(access_token)?.state().ledger.record(object, external_id)
    }

    /// The sum over all accounts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { strangers: self.0.shared.strangers.load(Relaxed), ..Summary::default() };
        for (token, account) in self.all() {
            let totals = account.state().ledger.totals.clone();
            summary.accounts += 1;
            summary.totals.add(&totals);
            if totals.faults() > 0 {
                summary.conspicuous.push((token, totals));
            }
        }
        summary.totals.in_flight_max = self.0.shared.in_flight_max.load(Relaxed);
        summary.conspicuous.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.faults()));
        summary.conspicuous.truncate(CONSPICUOUS_MAX);
        summary
    }

    /// The account of a call, opened by a rule if need be. `None` is counted as a stranger.
    pub(super) fn admit(&self, access_token: Option<&str>) -> Option<Arc<Account<P>>> {
        let admitted = access_token.and_then(|token| self.known(token).or_else(|| self.open_by_rule(token)));
        if admitted.is_none() {
            self.0.shared.strangers.fetch_add(1, Relaxed);
        }
        admitted
    }

    fn known(&self, access_token: &str) -> Option<Arc<Account<P>>> {
        self.0.open.read().unwrap_or_else(PoisonError::into_inner).get(access_token).map(Arc::clone)
    }

    fn open_by_rule(&self, access_token: &str) -> Option<Arc<Account<P>>> {
        let rules = self.0.rules.read().unwrap_or_else(PoisonError::into_inner);
        let (_, settings) = rules.iter().rev().find(|(prefix, _)| access_token.starts_with(prefix))?;
        let mut open = self.0.open.write().unwrap_or_else(PoisonError::into_inner);
        let opened = open.entry(access_token.to_owned()).or_insert_with(|| {
            let settings = settings.clone();
            Arc::new(Account::new(Arc::clone(&self.0.shared), settings))
        });
        Some(Arc::clone(opened))
    }

    fn all(&self) -> Vec<(String, Arc<Account<P>>)> {
        let open = self.0.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = open.iter().map(|(token, account)| (token.clone(), Arc::clone(account))).collect();
        all.sort_by(|(one, _), (two, _)| one.cmp(two));
        all
    }

    fn with(&self, access_token: Option<&str>, mut act: impl FnMut(&mut State<P>)) -> bool {
        let Some(token) = access_token else {
            self.all().iter().for_each(|(_, account)| act(&mut account.state()));
            return true;
        };
        self.known(token).inspect(|account| act(&mut account.state())).is_some()
    }

    fn faults(&self, access_token: Option<&str>, act: impl FnOnce(&mut Faults)) -> bool {
        let shared = &self.0.shared;
        match access_token.map(|token| self.known(token)) {
            None => {
                act(&mut shared.faults.lock().unwrap_or_else(PoisonError::into_inner));
                shared.any_faults.store(true, Relaxed);
                true
            }
            Some(Some(account)) => {
                act(&mut account.state().faults);
                true
            }
            Some(None) => false,
        }
    }
}

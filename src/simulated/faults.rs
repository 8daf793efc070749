//! What goes wrong on purpose: faults by share, faults by script, switched at run time.
//! Not here: carrying a fault out (`answer`, `line`, `account`).

use std::collections::{BTreeMap, HashMap};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::{
    answer::Refusal,
    pretend::Asked,
    words::{Operation, Policy},
};

/// One way for a call to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error answer: 503 for "down", other 5xx, 400 (the whole batch), 401, 403, 409, 423, 477, …
    Status {
        status: u16,
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// 401: an access token that has expired.
    Expired,
    /// The answer of a limit although it has room.
    Limited {
        policy: Policy,
    },
    /// An HTML page instead of JSON, such as a proxy's 502.
    Html {
        status: u16,
    },
    /// The connection closes without an answer.
    Drop,
    /// No answer for so long; then the connection closes.
    Hang {
        ms: u64,
    },
    /// The true answer, a piece at a time.
    SlowBody {
        piece_bytes: u64,
        pause_ms: u64,
    },
    /// The true answer breaks off after so many bytes, head included.
    CutBody {
        bytes: u64,
    },
    /// 200 that says nothing of any input.
    Silent,
    /// The true answer behind so many blanks.
    Oversize {
        bytes: usize,
    },
    /// 200 and JSON by its header, but not JSON.
    Garbage,
    /// The true answer under another content type.
    ContentType {
        value: String,
    },
    Redirect {
        location: String,
    },
}

impl Fault {
    /// These spoil a true answer, so the call is carried out first in any case.
    fn spoils_answer(&self) -> bool {
        match self {
            Self::SlowBody { .. } | Self::CutBody { .. } | Self::Oversize { .. } | Self::ContentType { .. } => true,
            Self::Status { .. }
            | Self::Expired
            | Self::Limited { .. }
            | Self::Html { .. }
            | Self::Drop
            | Self::Hang { .. }
            | Self::Silent
            | Self::Garbage
            | Self::Redirect { .. } => false,
        }
    }
}

/// A fault and whom it strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    pub fault: Fault,
    /// Share of calls struck, 0..1, drawn with `seed`.
    #[serde(default = "always")]
    pub share: f64,
    #[serde(default)]
    pub seed: u64,
    /// The call is carried out all the same: the client cannot know.
    #[serde(default)]
    pub applied: bool,
    /// Only calls of this kind.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// Only calls to this object, by its plural API name.
    #[serde(default)]
    pub object: Option<String>,
    /// Strikes only so often.
    #[serde(default)]
    pub times: Option<u64>,
}

fn always() -> f64 {
    1.0
}

impl FaultRule {
    /// Strikes every call, before anything is applied.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { fault, share: 1.0, seed: 0, applied: false, operation: None, object: None, times: None }
    }

    /// As before, but the call is carried out.
    #[must_use]
    pub fn applied(self) -> Self {
        Self { applied: true, ..self }
    }

    /// Strikes only the next `times` calls.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes only a share of calls.
    #[must_use]
    pub fn share(self, share: f64, seed: u64) -> Self {
        Self { share, seed, ..self }
    }

    /// Strikes only calls of this kind.
    #[must_use]
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }
}

/// "The first `first` attempts of this record are answered so."
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The `id` that the inputs name it by.
    pub external_id: String,
    /// Only for this object, by its plural API name.
    #[serde(default)]
    pub object: Option<String>,
    pub first: u64,
    pub answer: ScriptedAnswer,
}

/// What a scripted attempt is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScriptedAnswer {
    /// The whole call that the record is part of.
    Call {
        fault: Fault,
        #[serde(default)]
        applied: bool,
    },
    /// The record's own input: an error of its own with trace ids, else the whole call with this status.
    Input { status: u16, category: String, message: String },
}

/// The fault that strikes a call.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) fault: Fault,
    /// Whether the call is carried out.
    pub(super) applied: bool,
}

impl Hit {
    fn new(fault: &Fault, applied: bool) -> Self {
        Self { fault: fault.clone(), applied: applied || fault.spoils_answer() }
    }
}

/// What strikes a call: at most one fault, and refusals of single inputs by their place.
#[derive(Debug, Default)]
pub(super) struct Strike {
    pub(super) hit: Option<Hit>,
    pub(super) refusals: BTreeMap<usize, Refusal>,
}

/// The faults of an account, or those for all.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Armed>,
    scripts: HashMap<String, Vec<Script>>,
}

struct Armed {
    rule: FaultRule,
    dice: StdRng,
}

impl Faults {
    pub(super) fn set_rules(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules.into_iter().map(|rule| Armed { dice: StdRng::seed_from_u64(rule.seed), rule }).collect();
    }

    pub(super) fn add_script(&mut self, script: Script) {
        self.scripts.entry(script.external_id.clone()).or_default().push(script);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Draws for one call and uses up what strikes it.
    pub(super) fn strike(&mut self, call: &impl Asked, strike: &mut Strike) {
        if strike.hit.is_none() {
            strike.hit = self.rules.iter_mut().find_map(|armed| armed.draw(call));
        }
        if self.scripts.is_empty() {
            return;
        }
        for (place, id) in call.ids().enumerate() {
            let Some(answer) = self.scripted(call.object(), id) else { continue };
            match answer {
                ScriptedAnswer::Call { fault, applied } => {
                    strike.hit.get_or_insert_with(|| Hit::new(&fault, applied));
                }
                ScriptedAnswer::Input { status, category, message } => {
                    strike.refusals.entry(place).or_insert_with(|| Refusal::new(status, &category, message));
                }
            }
        }
    }

    fn scripted(&mut self, object: &str, external_id: &str) -> Option<ScriptedAnswer> {
        let scripts = self.scripts.get_mut(external_id)?;
        let fits = |script: &Script| script.object.as_deref().is_none_or(|only| only == object) && script.first > 0;
        let script = scripts.iter_mut().find(|script| fits(script))?;
        script.first -= 1;
        let answer = script.answer.clone();
        scripts.retain(|script| script.first > 0);
        if scripts.is_empty() {
            self.scripts.remove(external_id);
        }
        Some(answer)
    }
}

impl Armed {
    fn draw(&mut self, call: &impl Asked) -> Option<Hit> {
        let rule = &mut self.rule;
        let fits = rule.operation.is_none_or(|only| only == call.operation())
            && rule.object.as_deref().is_none_or(|only| only == call.object())
            && rule.times != Some(0);
        if !fits || (rule.share < 1.0 && !self.dice.random_bool(rule.share.max(0.0))) {
            return None;
        }
        rule.times = rule.times.map(|times| times - 1);
        Some(Hit::new(&rule.fault, rule.applied))
    }
}

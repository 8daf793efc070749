//! Idempotency keys whose time is over go when RocksDB rewrites the file in which they lie: no sweep, nothing on the way
//! of a job. Random keys reach every file, so the space is bounded by what succeeds within that time, about.
//! Not here: whether a key still counts (`machine`, by its age alone).

use crate::model::{Millis, StateValue};
use crate::wire;
use rocksdb::CompactionDecision;
use rocksdb::compaction_filter::CompactionFilter;
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use std::ffi::CStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// As much longer as `.applied` keeps them: a job of several deliveries may take longer than its keys are remembered.
const MARGIN: Duration = Duration::from_secs(24 * 3_600);

const NAME: &CStr = c"sluicegate-expiry";

/// Makes a filter for each compaction, with the time of its start.
pub(super) struct Expiry {
    pub(super) remembered: Duration,
}

impl CompactionFilterFactory for Expiry {
    type Filter = Expired;

    fn create(&mut self, _: CompactionFilterContext) -> Expired {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        Expired { before: now.before(self.remembered.saturating_add(MARGIN)) }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

/// Drops keys that succeeded before a moment.
pub(super) struct Expired {
    before: Millis,
}

impl CompactionFilter for Expired {
    fn filter(&mut self, _level: u32, key: &[u8], value: &[u8]) -> CompactionDecision {
        if wire::index::is_applied_key(key) && applied_at(key, value).is_some_and(|it| it < self.before) {
            return CompactionDecision::Remove;
        }
        CompactionDecision::Keep
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

/// What cannot be read is kept: whoever asks for it stops with words.
fn applied_at(key: &[u8], value: &[u8]) -> Option<Millis> {
    let key = wire::index::decode_state_key(key).ok()?;
    match wire::state::decode_value(&key, value).ok()? {
        StateValue::Applied(mark) => Some(mark.at),
        StateValue::Commit(_)
        | StateValue::Position(_)
        | StateValue::Settled(_)
        | StateValue::Dead(_)
        | StateValue::Connection(_)
        | StateValue::Hold(_)
        | StateValue::Pause(_)
        | StateValue::Ref(_) => None,
    }
}

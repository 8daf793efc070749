//! What a copy says of itself: its format, whose it is, when it was last known to be current.
//! Not here: where that is kept, what is done with a copy that is of no use.

use crate::model::Millis;
use crate::ports::LogIdentity;
use std::time::Duration;
use thiserror::Error;

/// The key under which a copy speaks of itself: the empty one, which no record of the core has.
pub(super) const LABEL_KEY: &[u8] = b"";

const FORMAT: u8 = 1;

/// Tombstones live 24 h in the changelog; a copy that may have missed one is of no use (facts/kafka.md §5).
const AGE_MAX: Duration = Duration::from_hours(12);

/// Bytes: format, milliseconds (8, big-endian), identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) identity: LogIdentity,
    /// When it was noted as current; before the first time, when it was made.
    pub(super) current: Millis,
}

/// Why a copy on disk is set aside.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Unusable {
    #[error("damaged: {0}")]
    Damaged(String),
    #[error("of unknown format {0}, written by another version")]
    Format(u8),
    #[error("of another log: {found}, not {wanted}")]
    Foreign { found: String, wanted: String },
    #[error("stale: last known to be current {} minutes ago", .0.as_secs() / 60)]
    Stale(Duration),
}

impl Label {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.current.0.to_be_bytes());
        bytes.extend_from_slice(self.identity.0.as_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Unusable> {
        let damaged = || Unusable::Damaged("its label cannot be read".to_owned());
        let (format, rest) = bytes.split_first().ok_or_else(damaged)?;
        if *format != FORMAT {
            return Err(Unusable::Format(*format));
        }
        let (current, identity) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let identity = std::str::from_utf8(identity).map_err(|_| damaged())?;
        Ok(Self { identity: LogIdentity(identity.to_owned()), current: Millis(u64::from_be_bytes(*current)) })
    }

    /// Whether a copy with this label serves `identity` at `now`. A moment in the future counts as now.
    pub(super) fn judge(&self, identity: &LogIdentity, now: Millis) -> Result<(), Unusable> {
        if self.identity != *identity {
            return Err(Unusable::Foreign { found: self.identity.0.clone(), wanted: identity.0.clone() });
        }
        if self.is_stale(now) {
            return Err(Unusable::Stale(now.since(self.current)));
        }
        Ok(())
    }

    pub(super) fn is_stale(&self, now: Millis) -> bool {
        now.since(self.current) > AGE_MAX
    }
}

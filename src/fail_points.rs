//! Named points at which a test ends the process as a loss of power would; nothing at all without the feature.
//! Not here: why a test wants that; any other use of the environment.
//!
//! `SLUICEGATE_FAIL_POINT=after_produce:3` ends the process the third time that it comes by. Which point and which
//! time is read once. What is not a point ends the process at once: a test that kills nobody would prove nothing.

/// Where the process may be ended: at the seams between the CRM, the log and the local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// A CRM call is decided and has not been sent.
    BeforeCall,
    /// A CRM call is answered and the loop has not heard of it.
    AfterCall,
    /// Every message and offset of a transaction is at the brokers; its end has not been asked for.
    AfterProduce,
    /// A transaction is committed; the local store knows nothing of it.
    AfterCommit,
    /// A piece of a changelog is in the local store; more may follow.
    DuringRestore,
}

/// The process has come by. Called from any thread; does not return if this is the time to end.
#[cfg(not(feature = "fail-points"))]
pub fn reach(_: FailPoint) {}

#[cfg(feature = "fail-points")]
pub use armed::reach;

#[cfg(feature = "fail-points")]
mod armed {
    use super::FailPoint;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    const VARIABLE: &str = "SLUICEGATE_FAIL_POINT";

    struct Armed {
        point: FailPoint,
        /// How often it may still be passed; the last of these is the end.
        left: AtomicU64,
    }

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let text = std::env::var(VARIABLE).ok()?;
        let Some((point, times)) = read(&text) else {
            tracing::error!("{VARIABLE} names no point; write one such as after_produce:3");
            std::process::abort();
        };
        Some(Armed { point, left: AtomicU64::new(times) })
    });

    pub fn reach(point: FailPoint) {
        let Some(armed) = ARMED.as_ref().filter(|it| it.point == point) else { return };
        if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }

    fn read(text: &str) -> Option<(FailPoint, u64)> {
        let (name, times) = text.split_once(':')?;
        let point = FailPoint::ALL.into_iter().find(|it| it.name() == name)?;
        Some((point, times.parse().ok().filter(|it| 0 < *it)?))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_point_is_read_by_its_name_and_nothing_else_is() {
            for point in FailPoint::ALL {
                assert_eq!(read(&format!("{}:7", point.name())), Some((point, 7)));
            }
            for text in ["", "after_call", "after_call:", "after_call:0", "after_call:-1", "nowhere:1"] {
                assert_eq!(read(text), None, "{text}");
            }
        }
    }
}

impl FailPoint {
    pub const ALL: [Self; 5] =
        [Self::BeforeCall, Self::AfterCall, Self::AfterProduce, Self::AfterCommit, Self::DuringRestore];

    /// As the environment names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeCall => "before_call",
            Self::AfterCall => "after_call",
            Self::AfterProduce => "after_produce",
            Self::AfterCommit => "after_commit",
            Self::DuringRestore => "during_restore",
        }
    }
}

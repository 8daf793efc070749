//! The bounds of the listener: nothing that clients do costs more than this.
//! Not here: holding to them.

use std::time::Duration;

/// `Limits::default()` is what `run` uses; tests use smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at once; others wait to be accepted.
    pub connections: usize,
    /// A connection on which nothing comes for so long is closed.
    pub idle: Duration,
    /// Largest body of jobs.
    pub body_bytes: usize,
    /// Bytes of bodies in work at once; a request counts as at least a thousandth of it.
    pub bodies_bytes: usize,
    /// For how long a body may be under way.
    pub body_deadline: Duration,
    /// For how long the log is waited for.
    pub log_deadline: Duration,
    /// A body that is not wanted is read up to here before the refusal is sent, because a client that is still sending
    /// when the connection closes often does not see the answer …
    pub unwanted_bytes: usize,
    /// … and for so long.
    pub unwanted_deadline: Duration,
    /// How long requests under way may take after the end was asked for.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            idle: Duration::from_secs(75),
            body_bytes: 8 << 20,
            bodies_bytes: 64 << 20,
            body_deadline: Duration::from_secs(30),
            log_deadline: Duration::from_secs(10),
            unwanted_bytes: 32 << 20,
            unwanted_deadline: Duration::from_secs(5),
            grace: Duration::from_secs(15),
        }
    }
}
